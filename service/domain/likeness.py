"""How far apart two descriptors lie, as the makers of models measure it: lower is closer."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


OPPOSITE = 2.0
"""No two vectors of length 1 are further apart."""


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


def own_metric(thresholds: Mapping[str, float]) -> Distance:
    """The metric a model is asked by: cosine, unless its makers name a threshold for others alone."""
    return next((metric for metric in Distance if metric.value in thresholds), Distance.COSINE)
