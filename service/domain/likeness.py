"""How far apart two descriptors lie, as the makers of models measure it: lower is closer."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


OPPOSITE = 2.0
"""No two vectors of length 1 are further apart."""
_ROUNDED = 1e-3
"""An index holds vectors as float16: by so much its cosines may be wrong."""


class Distance(StrEnum):
    """Both vectors as their model gives them; where their length counts it is the model's own."""

    COSINE = "cosine"
    """1 minus the cosine of the angle, 0..2."""
    EUCLIDEAN = "euclidean"
    """Between the vectors as they are, 0 or more."""
    EUCLIDEAN_L2 = "euclidean_l2"
    """Between the vectors at length 1, 0..2."""


def distance(one: NDArray[np.floating], other: NDArray[np.floating], metric: Distance) -> float:
    """Of two vectors (dimension,), finite and not zero."""
    left, right = one.astype(np.float64), other.astype(np.float64)
    if metric is Distance.EUCLIDEAN:
        return float(np.linalg.norm(left - right))
    left, right = left / np.linalg.norm(left), right / np.linalg.norm(right)
    if metric is Distance.COSINE:
        return float(1.0 - np.clip(left @ right, -1.0, 1.0))
    return float(np.linalg.norm(left - right))


def least_distance(one: NDArray[np.floating], cosine: float, metric: Distance) -> float:
    """How near a vector of whatever length can lie whose cosine with this one is so much, or less.

    An index is ordered by the cosine. What lies behind the last neighbour it told is no nearer than this, by any metric:
    the nearest of all that are one angle off is the foot of the perpendicular, a sine of it away.
    """
    cosine = min(1.0, max(-1.0, cosine + _ROUNDED))
    if metric is Distance.COSINE:
        return 1.0 - cosine
    if metric is Distance.EUCLIDEAN_L2:
        return math.sqrt(2.0 - 2.0 * cosine)
    length = float(np.linalg.norm(one.astype(np.float64)))
    return length * math.sqrt(1.0 - cosine**2) if cosine > 0 else length


def own_metric(thresholds: Mapping[str, float]) -> Distance:
    """The metric a model is asked by: cosine, unless its makers name a threshold for others alone."""
    return next((metric for metric in Distance if metric.value in thresholds), Distance.COSINE)
