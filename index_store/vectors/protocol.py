"""The seam for vector search.

An index is fed deltas of the log, in order, by one writer at a time; any number of threads search meanwhile. It holds
vectors of one space only. What it returns are *neighbours*: names to look up again in the catalogue, never verdicts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index_store.errors import StoreError
from index_store.records import Delta


@dataclass(frozen=True, slots=True)
class Neighbour:
    content_id: str
    vector_id: int
    similarity: float
    """Cosine, -1..1, within the float16 codec's error (about 0.001)."""
    query_row: int
    """The row of the queries that came closest; with dihedral variants, which one."""


class VectorIndex(Protocol):
    @property
    def sequence(self) -> int:
        """The last change folded in."""
        ...

    @property
    def size(self) -> int:
        """How many vectors can be found."""
        ...

    def apply(self, delta: Delta) -> None:
        """Fold in the changes after `sequence`. Not for two threads at once. `StoreError` if the delta leaves a gap."""
        ...

    def search(self, queries: NDArray[np.float32], k: int, after: int = 0) -> Sequence[Neighbour]:
        """The k vectors nearest to any of the query rows, best first, ties by the lower vector id.

        Args:
            queries: (q, dimension), rows of length 1: variants of one picture. Each vector is listed once, with the
                row that came closest.
            k: how many at most.
            after: only vectors that became findable by a change after this sequence.
        """
        ...


def check_follows(delta: Delta, sequence: int) -> None:
    """A delta must start where the index stands, or changes would be lost or told twice."""
    if delta.since != sequence:
        raise StoreError(f"the index has read to {sequence}, and the delta starts at {delta.since}")
