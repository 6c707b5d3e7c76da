"""A matcher by one descriptor space alone: two pictures agree whose descriptors lie close enough together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from service.descriptors.hashes import frequencies
from service.domain.likeness import Distance
from service.workflows.columns import Detailed
from service.workflows.described import described

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from service.workflows.matchers import Numbers, Picture


def _described(picture: Picture) -> tuple[NDArray[np.float32], bool]:
    return described([picture])[0], not frequencies(picture).too_little_detail


class BySpace:
    """The built-in descriptor, upright: from a similarity on, or up to a distance. Its vectors are of unit length."""

    name = "similar"

    def __init__(self, threshold: float, metric: str = Distance.COSINE) -> None:
        self._metric = Distance(metric)
        self._threshold = threshold
        # Of unit vectors the distance follows from the similarity; a hair less, for rounding must not lose a pair.
        self._least = threshold if self._metric is Distance.COSINE else 1 - threshold**2 / 2 - 1e-6
        self._pictures = Detailed()
        self._vectors: list[NDArray[np.float32]] = []
        self._stacked = np.empty((0, 0), np.float32)

    @property
    def sight(self) -> Callable[[Picture], tuple[NDArray[np.float32], bool]]:
        """Reduces an upright RGB picture (H, W, 3) to its descriptor, and whether that means anything."""
        return _described

    def keep(self, seen: tuple[NDArray[np.float32], bool], group: str = "") -> None:
        """The next picture, as reduced."""
        vector, has_detail = seen
        self._pictures.add(group, has_detail=has_detail)
        self._vectors.append(vector)

    def add(self, picture: Picture, group: str = "") -> None:
        self.keep(self.sight(picture), group)

    def candidates(self, one: int) -> Numbers:
        """Those that could agree. The descriptor of a picture without detail is made of noise, and agrees with none."""
        if len(self._stacked) < len(self._vectors):
            self._stacked = np.stack(self._vectors)
        near = self._stacked @ self._vectors[one] >= self._least - 1e-5
        return self._pictures.beside(one, near)

    def agreement(self, one: int, other: int) -> float | None:
        if not self._pictures.all(one, other):
            return None
        similarity = float(self._vectors[one].astype(np.float64) @ self._vectors[other].astype(np.float64))
        if self._metric is Distance.COSINE:
            return similarity if similarity >= self._threshold else None
        distance = math.sqrt(max(0.0, 2 - 2 * similarity))
        return distance if distance <= self._threshold else None

    def close(self) -> None:
        """Nothing lies on disk."""
