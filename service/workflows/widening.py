"""The neighbours of a vector, more and more of them, for whoever cannot say beforehand how many it takes.

An index goes by the cosine, and holds vectors, of which several may be of one picture: whoever orders by another metric, or
asks for persons, goes on until none that was not told can be nearer than those that were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from index_store.vectors import Neighbour
    from service.workflows.spaces import FurtherSpace

MOST_NEAR = 4096
"""Neighbours that are looked at for one vector: a face may be often there in backgrounds, or have very many photos."""
_WIDER = 4


def widening(
    vector: NDArray[np.floating], space: FurtherSpace, first: int
) -> Iterator[tuple[Sequence[Neighbour], float | None]]:
    """The `first` nearest, then four times as many, and so on, with the similarity that all the others have at the most.

    With the last ones comes None: there are no others, or these are enough for anybody.
    """
    query = vector.astype(np.float32)
    unit = (query / np.linalg.norm(query))[None]
    wanted = first
    while True:
        near = space.follower.index.search(unit, wanted)
        if len(near) < wanted or wanted >= MOST_NEAR:
            yield near, None
            return
        yield near, near[-1].similarity
        wanted = min(_WIDER * wanted, MOST_NEAR)
