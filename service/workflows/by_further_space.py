"""A matcher by one further space alone: two pictures agree of which any two vectors lie close enough together.

In a space of faces a picture has a vector for each face, so two pictures agree that share a face, and one without a
face agrees with none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.domain.errors import NoThresholdError
from service.domain.likeness import Distance
from service.workflows.columns import Detailed
from service.workflows.spaces import described_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from service.descriptors.protocol import SpaceModel
    from service.workflows.matchers import Numbers, Picture

    Vectors = NDArray[np.float32]
    """(n, dimension): all that a picture has."""
    Sight = Callable[[Picture], Vectors]

_ROUNDING = 1e-6


def seen_by(model: SpaceModel, picture: Picture) -> Vectors:
    """All vectors of an upright RGB picture (H, W, 3)."""
    told = described_by(model, [picture])[0]
    return np.array([one.vector for one in told], np.float32).reshape(-1, model.dimension)


class ByFurtherSpace:
    """From a cosine similarity on, or up to a distance; the model's own threshold where none is given."""

    name = "similar"

    def __init__(
        self, model: SpaceModel, sight: Sight, threshold: float | None = None, metric: str = Distance.COSINE
    ) -> None:
        """Raises NoThresholdError where none is given and the model names none."""
        self._metric = Distance(metric)
        self._most = most_distant(model, threshold, self._metric)
        self._sight = sight
        self._pictures = Detailed()
        self._counts: list[int] = []
        self._vectors: list[Vectors] = []
        self._stacked = np.empty((0, model.dimension), np.float32)
        self._owners = np.empty(0, np.intp)

    @property
    def sight(self) -> Sight:
        return self._sight

    def keep(self, seen: Vectors, group: str = "") -> None:
        """The next picture, as reduced."""
        self._pictures.add(group, has_detail=len(seen) > 0)
        if self._metric is not Distance.EUCLIDEAN:
            seen = seen / np.linalg.norm(seen, axis=1, keepdims=True)
        self._vectors.append(seen)

    def add(self, picture: Picture, group: str = "") -> None:
        self.keep(self.sight(picture), group)

    def candidates(self, one: int) -> Numbers:
        """Exactly those that agree."""
        if len(self._counts) < len(self._vectors):
            self._counts = [len(vectors) for vectors in self._vectors]
            self._stacked = np.concatenate(self._vectors)
            self._owners = np.repeat(np.arange(len(self._counts)), self._counts)
        near = np.zeros(len(self._counts), np.bool_)
        if len(self._stacked):
            for vector in self._vectors[one]:
                near[self._owners[self._distances(vector, self._stacked) <= self._most + _ROUNDING]] = True
        return self._pictures.beside(one, near)

    def agreement(self, one: int, other: int) -> float | None:
        """The similarity or distance of the two that come closest."""
        if not self._pictures.all(one, other):
            return None
        nearest = min(float(self._distances(vector, self._vectors[other]).min()) for vector in self._vectors[one])
        if nearest > self._most + _ROUNDING:
            return None
        return 1 - nearest if self._metric is Distance.COSINE else nearest

    def _distances(self, vector: NDArray[np.float32], others: Vectors) -> NDArray[np.float64]:
        if self._metric is Distance.COSINE:
            return np.asarray(1 - others.astype(np.float64) @ vector.astype(np.float64))
        return np.asarray(np.linalg.norm(others.astype(np.float64) - vector, axis=1))

    def close(self) -> None:
        """Nothing lies on disk."""


def most_distant(model: SpaceModel, threshold: float | None, metric: Distance) -> float:
    """The largest distance at which two agree. Raises NoThresholdError."""
    if threshold is not None:
        return 1 - threshold if metric is Distance.COSINE else threshold
    if metric.value not in model.thresholds:
        named = ", ".join(sorted(model.thresholds)) or "no metric"
        raise NoThresholdError(f"{model.name} names a threshold of its own for {named}; {metric.value} needs one.")
    return model.thresholds[metric.value]
