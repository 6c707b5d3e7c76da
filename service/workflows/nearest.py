"""The nearest neighbours that a picture has met, however many searches it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from index_store.vectors import Neighbour


@dataclass(frozen=True, slots=True)
class Peer:
    """A picture that waits to be committed too, its files on disk already, and how similar it is to another."""

    sha256: str
    phash: bytes
    similarity: float


class Horizon(NamedTuple):
    """How similar a picture must be at the least, -1..1."""

    reach: float = -1.0
    """To be compared with at all: of those that are less, enough are nearer."""
    stands_out: float = -1.0
    """For geometry to be asked about it, where the two do not look alike as a whole."""


class Nearest:
    """The `most` nearest that a picture has met so far, however they came."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._similarities: dict[str, float] = {}

    def meet(self, neighbours: Iterable[Neighbour]) -> None:
        met = self._similarities | {one.content_id: one.similarity for one in neighbours}
        self._similarities = dict(sorted(met.items(), key=lambda one: -one[1])[: self.most])

    def clear(self) -> None:
        self._similarities = {}

    @property
    def contents(self) -> Mapping[str, float]:
        """Their similarities, the largest first."""
        return self._similarities

    @property
    def reach(self) -> float:
        """A picture that is less similar is none of the nearest, and is not looked at; -1 while there are too few."""
        return min(self._similarities.values()) if len(self._similarities) == self.most else -1.0
