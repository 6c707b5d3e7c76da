"""A matcher by one further space alone: two pictures agree of which any two vectors lie close enough together.

In a space of faces a picture has a vector for each face, so two pictures agree that share a face, and one without a
face agrees with none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.domain.errors import NoThresholdError
from service.domain.likeness import Distance
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
_SINGLE = 1e-5
"""By so much products in single precision may be wrong, for each unit of the squares that they are made of."""
_AT_ONCE = 8192
"""Rows that a vector is compared with together: a megabyte or two, which stays near the processor."""


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
        self._dimension = model.dimension
        self._groups: dict[str, _Rows] = {}
        self._places: list[tuple[_Rows, int, int]] = []
        """Where the vectors of each picture lie: among the rows of its group, from the one to before the other."""

    @property
    def sight(self) -> Sight:
        return self._sight

    def keep(self, seen: Vectors, group: str = "") -> None:
        """The next picture, as reduced."""
        if self._metric is not Distance.EUCLIDEAN:
            seen = seen / np.linalg.norm(seen, axis=1, keepdims=True)
        rows = self._groups.setdefault(group, _Rows(self._dimension))
        self._places.append((rows, *rows.add(seen, len(self._places))))

    def add(self, picture: Picture, group: str = "") -> None:
        self.keep(self.sight(picture), group)

    def candidates(self, one: int) -> Numbers:
        """Exactly those that agree. A picture without a vector agrees with none."""
        rows, start, stop = self._places[one]
        near = {
            owner
            for row in range(start, stop)
            for owner in rows.owners_near(rows.matrix[row], self._metric, self._most)
        }
        return np.array(sorted(near - {one}), np.intp)

    def agreement(self, one: int, other: int) -> float | None:
        """The similarity or distance of the two that come closest."""
        (left, *of_one), (right, *of_other) = self._places[one], self._places[other]
        mine, its = left.matrix[slice(*of_one)], right.matrix[slice(*of_other)]
        if left is not right or not (len(mine) and len(its)):
            return None
        nearest = min(float(_distances(vector, its, self._metric).min()) for vector in mine)
        if nearest > self._most + _ROUNDING:
            return None
        return 1 - nearest if self._metric is Distance.COSINE else nearest

    def close(self) -> None:
        """Nothing lies on disk."""


class _Rows:
    """The vectors of one group, in one matrix, each with the number of its picture."""

    def __init__(self, dimension: int) -> None:
        self._room = np.empty((64, dimension), np.float32)
        self._squares = np.empty(64, np.float32)
        self._owners: list[int] = []

    @property
    def matrix(self) -> Vectors:
        return self._room[: len(self._owners)]

    def add(self, vectors: Vectors, owner: int) -> tuple[int, int]:
        """From which row to before which one they lie now."""
        start = len(self._owners)
        stop = start + len(vectors)
        if stop > len(self._room):
            self._room = np.resize(self._room, (2 * stop, self._room.shape[1]))
            self._squares = np.resize(self._squares, 2 * stop)
        self._room[start:stop] = vectors
        self._squares[start:stop] = (vectors**2).sum(axis=1)
        self._owners += [owner] * len(vectors)
        return start, stop

    def owners_near(self, vector: NDArray[np.float32], metric: Distance, most: float) -> set[int]:
        """Of those rows that lie no farther. Single precision leaves a few over, which are worked out exactly."""
        count, square = len(self._owners), float(vector.astype(np.float64) @ vector)
        near: list[int] = []
        for start in range(0, count, _AT_ONCE):
            some = slice(start, min(start + _AT_ONCE, count))
            products = self._room[some] @ vector
            if metric is Distance.COSINE:
                left = 1 - products <= most + _SINGLE
            else:
                sums = self._squares[some] + square
                left = sums - 2 * products <= most**2 + _SINGLE * (1 + sums)
            rows = np.flatnonzero(left) + start
            exact = _distances(vector, self._room[rows], metric) <= most + _ROUNDING
            near += rows[exact].tolist()
        return {self._owners[row] for row in near}


def _distances(vector: NDArray[np.float32], others: Vectors, metric: Distance) -> NDArray[np.float64]:
    if metric is Distance.COSINE:
        return np.asarray(1 - others.astype(np.float64) @ vector.astype(np.float64))
    return np.asarray(np.linalg.norm(others.astype(np.float64) - vector, axis=1))


def most_distant(model: SpaceModel, threshold: float | None, metric: Distance) -> float:
    """The largest distance at which two agree. Raises NoThresholdError."""
    if threshold is not None:
        return 1 - threshold if metric is Distance.COSINE else threshold
    if metric.value not in model.thresholds:
        named = ", ".join(sorted(model.thresholds)) or "no metric"
        raise NoThresholdError(f"{model.name} names a threshold of its own for {named}; {metric.value} needs one.")
    return model.thresholds[metric.value]
