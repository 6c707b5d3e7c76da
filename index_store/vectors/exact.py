"""Exact search with numpy: every vector is compared, so nothing is ever missed. It is the oracle of faster indexes,
and fast enough itself for tens of thousands of pictures.

Rows lie in one float32 matrix, in the order they became findable, so "newer than a sequence" is a tail of it. A search
works on a `Shelf`, an immutable view of how things stood; the writer changes nothing a shelf can see. It writes new
rows beyond the counted ones, copies the mask before marking rows as gone, and then publishes a new shelf in one
assignment. So a search needs no lock and can never see half a delta.
"""

import threading
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index_store.records import Delta, StoredVector
from index_store.vectors.protocol import Neighbour, check_follows

_FIRST_ROWS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Shelf:
    """`count` rows may be read; the arrays may be longer. `gone` marks rows that are no longer to be found."""

    matrix: NDArray[np.float32]
    vector_ids: NDArray[np.int64]
    sequences: NDArray[np.int64]
    gone: NDArray[np.bool_]
    content_ids: list[str]
    count: int
    found: int
    sequence: int

    def search(self, queries: NDArray[np.float32], k: int, after: int = 0) -> Sequence[Neighbour]:
        """See `VectorIndex.search`."""
        first = int(np.searchsorted(self.sequences[: self.count], after, side="right"))
        if first == self.count or k < 1 or not len(queries):
            return []
        # The tall matrix goes first and the product is laid out anew: twice as fast as `queries @ matrix.T` (measured).
        similarities = np.ascontiguousarray((self.matrix[first : self.count] @ queries.T).T)
        best = similarities.max(axis=0)
        best[self.gone[first : self.count]] = -np.inf
        nearest = _k_best(best, self.vector_ids[first : self.count], k)
        return [
            Neighbour(
                content_id=self.content_ids[first + row],
                vector_id=int(self.vector_ids[first + row]),
                similarity=float(best[row]),
                query_row=int(similarities[:, row].argmax()),
            )
            for row in nearest.tolist()
        ]


class ExactIndex:
    """Implements `VectorIndex` for the cosine metric. About 4 bytes a dimension and 150 a vector."""

    def __init__(self, dimension: int, sequence: int = 0) -> None:
        """Empty, and standing at `sequence`: whoever starts later than 0 holds what came before elsewhere."""
        self._dimension = dimension
        self._rows: defaultdict[str, list[int]] = defaultdict(list)  # the writer's own: where a content's rows lie
        self._writer = threading.Lock()
        self._shelf = self._empty(_FIRST_ROWS, sequence=sequence)

    @property
    def sequence(self) -> int:
        return self._shelf.sequence

    @property
    def size(self) -> int:
        return self._shelf.found

    def search(self, queries: NDArray[np.float32], k: int, after: int = 0) -> Sequence[Neighbour]:
        if queries.ndim != 2 or queries.shape[1] != self._dimension:  # noqa: PLR2004 - rows and columns
            raise ValueError(f"queries of shape {queries.shape} in a space of {self._dimension} dimensions")
        return self._shelf.search(queries, k, after)

    def view(self) -> Shelf:
        """How things stand. It can be searched for ever, and never changes."""
        return self._shelf

    def apply(self, delta: Delta) -> None:
        with self._writer:
            check_follows(delta, self._shelf.sequence)
            # Both may run out of memory, so they come before anything changes: after them nothing raises.
            values = self._unit_rows(delta.vectors)
            if self._shelf.count + len(delta.vectors) > len(self._shelf.matrix):
                self._shelf = self._roomier(self._shelf, len(delta.vectors))
            self._shelf = self._with_vectors(self._without(delta), delta, values)

    def _without(self, delta: Delta) -> Shelf:
        """The shelf without the contents that went, and without older rows of those that came again."""
        shelf = self._shelf
        leaving = [*delta.removed, *dict.fromkeys(vector.content_id for vector in delta.vectors)]
        rows = [row for content_id in leaving for row in self._rows.pop(content_id, ())]
        if not rows:
            return shelf
        gone = shelf.gone.copy()
        gone[rows] = True
        return replace(shelf, gone=gone, found=shelf.found - len(rows))

    def _with_vectors(self, shelf: Shelf, delta: Delta, values: NDArray[np.float32]) -> Shelf:
        vectors = delta.vectors
        start, stop = shelf.count, shelf.count + len(vectors)
        shelf.matrix[start:stop] = values
        shelf.vector_ids[start:stop] = [vector.vector_id for vector in vectors]
        shelf.sequences[start:stop] = [vector.sequence for vector in vectors]
        shelf.content_ids.extend(vector.content_id for vector in vectors)
        for row, vector in enumerate(vectors, start):
            self._rows[vector.content_id].append(row)
        return replace(shelf, count=stop, found=shelf.found + len(vectors), sequence=delta.sequence)

    def _roomier(self, shelf: Shelf, more: int) -> Shelf:
        """A copy with twice the room for what can be found; rows that are gone stay behind."""
        kept = np.flatnonzero(~shelf.gone[: shelf.count])
        copy = self._empty(max(_FIRST_ROWS, 2 * (len(kept) + more)), sequence=shelf.sequence)
        copy.matrix[: len(kept)] = shelf.matrix[kept]
        copy.vector_ids[: len(kept)] = shelf.vector_ids[kept]
        copy.sequences[: len(kept)] = shelf.sequences[kept]
        copy.content_ids.extend(shelf.content_ids[row] for row in kept.tolist())
        self._rows.clear()
        for row, content_id in enumerate(copy.content_ids):
            self._rows[content_id].append(row)
        return replace(copy, count=len(kept), found=len(kept))

    def _unit_rows(self, vectors: Sequence[StoredVector]) -> NDArray[np.float32]:
        """Rows of length 1 again: rounding to float16 moved them by up to a thousandth."""
        rows = np.empty((len(vectors), self._dimension), np.float32)
        for row, vector in zip(rows, vectors, strict=True):
            row[:] = vector.values
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        return rows

    def _empty(self, capacity: int, *, sequence: int) -> Shelf:
        return Shelf(
            matrix=np.empty((capacity, self._dimension), np.float32),
            vector_ids=np.empty(capacity, np.int64),
            sequences=np.empty(capacity, np.int64),
            gone=np.zeros(capacity, np.bool_),
            content_ids=[],
            count=0,
            found=0,
            sequence=sequence,
        )


def _k_best(best: NDArray[np.float32], vector_ids: NDArray[np.int64], k: int) -> NDArray[np.int64]:
    """Positions of the k highest, in order. Ties at the edge are settled by vector id too, so the answer is one."""
    if k < len(best):
        edge = np.partition(best, len(best) - k)[len(best) - k]
        rows = np.flatnonzero(best >= edge)
    else:
        rows = np.arange(len(best))
    rows = rows[best[rows] > -np.inf]
    return rows[np.lexsort((vector_ids[rows], -best[rows]))][:k]
