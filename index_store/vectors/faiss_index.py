"""A FAISS index that takes changes at once: an unchanging part, an exact tail, and a list of what went.

The part is a snapshot, made from the log up to some sequence. FAISS indexes cannot be added to while they are searched
(measured: such a process dies), so nothing is: what came after the snapshot lies in an exact index beside it, and what
went since is masked. A search asks both and merges, so it sees every change that was applied, whatever the part knows.
When the tail has grown long somebody builds a newer snapshot, and the follower puts a new `FaissIndex` in this one's
place.

As in the exact index, a search works on an immutable view and the writer publishes a new one in one assignment.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index_store.records import Delta
from index_store.vectors.exact import ExactIndex, Shelf
from index_store.vectors.faiss_part import FaissPart
from index_store.vectors.protocol import Neighbour, check_follows


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """`gone` marks rows of the part that are not to be found there any more; `left` counts the others."""

    gone: NDArray[np.bool_]
    left: int
    tail: Shelf


class FaissIndex:
    """Implements `VectorIndex` for the cosine metric."""

    def __init__(self, dimension: int, part: FaissPart | None = None) -> None:
        self._dimension = dimension
        self._part = part
        self._writer = threading.Lock()
        self._tail = ExactIndex(dimension, part.sequence if part else 0)
        count = part.count if part else 0
        self._view = _View(np.zeros(count, np.bool_), count, self._tail.view())

    @property
    def sequence(self) -> int:
        return self._view.tail.sequence

    @property
    def size(self) -> int:
        view = self._view
        return view.left + view.tail.found

    @property
    def part(self) -> FaissPart | None:
        return self._part

    @property
    def kind(self) -> str:
        """How the part is searched; `exact` while there is none."""
        return self._part.kind if self._part else "exact"

    @property
    def folded(self) -> int:
        """Vectors in the part, gone or not."""
        return self._part.count if self._part else 0

    @property
    def part_sequence(self) -> int:
        """Where the part ends and the tail begins."""
        return self._part.sequence if self._part else 0

    @property
    def unfolded(self) -> int:
        """Changes that the part does not know: rows of the tail, and rows of the part that went."""
        view = self._view
        return view.tail.count + self.folded - view.left

    def search(self, queries: NDArray[np.float32], k: int, after: int = 0) -> Sequence[Neighbour]:
        if queries.ndim != 2 or queries.shape[1] != self._dimension:  # noqa: PLR2004 - rows and columns
            raise ValueError(f"queries of shape {queries.shape} in a space of {self._dimension} dimensions")
        view, part = self._view, self._part
        newer = view.tail.search(queries, k, after)
        if part is None or after >= part.sequence or not view.left or k < 1 or not len(queries):
            return newer
        queries = np.ascontiguousarray(queries, np.float32)
        if after > 0:  # seldom asked of a part: this process changed snapshots since its last search
            near = part.compared_with(np.flatnonzero((part.columns.sequences > after) & ~view.gone), queries, k)
        else:
            near = part.nearest(queries, k, view.gone)
        columns = part.columns
        older = [
            Neighbour(
                content_id=columns.contents[row].tobytes().hex(),
                vector_id=int(columns.vector_ids[row]),
                similarity=similarity,
                query_row=query_row,
            )
            for row, similarity, query_row in zip(
                near.rows.tolist(), near.similarities.tolist(), near.query_rows.tolist(), strict=True
            )
        ]
        return sorted([*older, *newer], key=lambda one: (-one.similarity, one.vector_id))[:k]

    def apply(self, delta: Delta) -> None:
        with self._writer:
            check_follows(delta, self._view.tail.sequence)
            gone, left = self._without(delta)
            self._tail.apply(delta)
            self._view = _View(gone, left, self._tail.view())

    def _without(self, delta: Delta) -> tuple[NDArray[np.bool_], int]:
        """The mask when also what went, and what came again and so lies in the tail now, is marked."""
        view = self._view
        leaving = [*delta.removed, *dict.fromkeys(vector.content_id for vector in delta.vectors)]
        if self._part is None or not leaving:
            return view.gone, view.left
        rows = self._part.columns.rows_of(leaving)
        rows = rows[~view.gone[rows]]
        if not len(rows):
            return view.gone, view.left
        gone = view.gone.copy()
        gone[rows] = True
        return gone, view.left - len(rows)
