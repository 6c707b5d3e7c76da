"""Which pictures may be committed without another search.

A verdict must know of every copy that was committed before it. Between a picture's search and its commit others are
committed: those of its own group, and of the groups just before. No index need be asked about them: they are still in
memory, and for nearly all of them a bound that no verdict could beat shows that they are no copies. The catalogue is
told which pictures were looked at in this way, and refuses the commit if there were others.

Where the bound does not say so, the two are laid on each other while both wait, and mostly that says so: among pictures
of one kind all are similar, and few are copies. What still might be one waits until the group is committed, searches
again, and meets the other as any reference. So does what might be a copy of a picture that waits: of two copies the one
that came first is committed first.
"""

from __future__ import annotations

from bisect import bisect_right
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from service.descriptors.hashes import HASH_BITS
from service.domain.verdict import could_be_copies
from service.workflows.nearest import Horizon, Peer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from index_store.records import Committed
    from service.domain.verdict import VerdictModel
    from service.workflows.study import Subject

CODEC_ERROR = 0.002
"""How much nearer two descriptors may seem once one of them is stored as float16 (measured: below 0.001)."""
REMEMBERED = 256
"""Committed pictures that are looked at in memory, at the least; what searched before all of them searches again."""
_ROOM = 64
EVERYBODY = Horizon()
NOBODY: Mapping[str, bool] = MappingProxyType({})


class Recent:
    """Pictures in the order they came, to be compared with as if they were references."""

    def __init__(self, model: VerdictModel, asks_geometry_from: float) -> None:
        """`asks_geometry_from`: from this similarity on there is no bound on what a closer look may say."""
        self._model = model
        self._asks_geometry_from = asks_geometry_from
        self._count = 0
        self._hashes: list[tuple[str, str]] = []
        self._vectors = np.empty((_ROOM, 0), np.float32)
        self._phashes = np.empty((_ROOM, 32), np.uint8)
        self._plain = np.empty(_ROOM, np.bool_)
        """Those with too little detail to be compared."""

    def __len__(self) -> int:
        return self._count

    def add(self, subject: Subject) -> None:
        facts = subject.assessed.facts
        if self._count == len(self._plain):
            self._grow()
        if not self._vectors.shape[1]:
            self._vectors = np.empty((len(self._plain), subject.vectors.shape[1]), np.float32)
        row = self._count
        self._hashes.append((facts.sha256, facts.pixel_hash))
        self._vectors[row] = subject.vectors[0]
        self._phashes[row] = np.frombuffer(subject.posed_phashes[0], np.uint8)
        self._plain[row] = subject.assessed.too_little_detail
        self._count += 1

    def forget(self, count: int) -> None:
        """Drop the `count` that came first."""
        del self._hashes[:count]
        for array in (self._vectors, self._phashes, self._plain):
            array[: self._count - count] = array[count : self._count].copy()
        self._count -= count

    def might_match(
        self, subject: Subject, first: int = 0, *, horizon: Horizon = EVERYBODY, laid: Mapping[str, bool] = NOBODY
    ) -> bool:
        """Whether the picture might be a copy of any that came as number `first` or later.

        `horizon`: of the picture's own search. `laid`: SHA-256 of pictures that were laid on it already, and whether they
        are strangers to it.
        """
        facts = subject.assessed.facts
        if any(facts.sha256 == sha256 or facts.pixel_hash == pixels for sha256, pixels in self._hashes[first:]):
            return True
        return any(not laid.get(peer.sha256) for peer in self.alike(subject, first, horizon=horizon))

    def alike(self, subject: Subject, first: int = 0, *, horizon: Horizon = EVERYBODY) -> list[Peer]:
        """Those of number `first` or later that no bound keeps from being copies; equal bytes or pixels aside."""
        if subject.assessed.too_little_detail or first >= self._count:
            return []
        similarities = (self._vectors[first : self._count] @ subject.vectors.T).max(axis=1)
        near = np.flatnonzero(~self._plain[first : self._count] & (similarities >= horizon.reach - CODEC_ERROR))
        posed = np.frombuffer(b"".join(subject.posed_phashes), np.uint8).reshape(-1, 1, 32)
        asks_from = max(self._asks_geometry_from, horizon.stands_out) - CODEC_ERROR
        phashes = self._phashes[first : self._count][near]
        distances = _distances(phashes, posed).min(axis=0, initial=HASH_BITS)
        return [
            Peer(self._hashes[first + row][0], phash.tobytes(), float(similarities[row]))
            for row, phash, distance in zip(near.tolist(), phashes, distances.tolist(), strict=True)
            if similarities[row] >= asks_from or could_be_copies(self._model, distance)
        ]

    def _grow(self) -> None:
        self._vectors = np.concatenate([self._vectors, np.empty_like(self._vectors)])
        self._phashes = np.concatenate([self._phashes, np.empty_like(self._phashes)])
        self._plain = np.concatenate([self._plain, np.empty_like(self._plain)])


class Lately:
    """What was committed a short while ago, by sequence."""

    def __init__(self, model: VerdictModel, asks_geometry_from: float) -> None:
        self._pictures = Recent(model, asks_geometry_from)
        self._sequences: list[int] = []
        self._contents: list[str] = []
        self._forgotten_to = 0

    def add(self, committed: Committed, subject: Subject) -> None:
        """Remember what was just committed, and let go of what lies far back."""
        self._pictures.add(subject)
        self._sequences.append(committed.image.sequence)
        self._contents.append(committed.image.content_id)
        if len(self._sequences) >= 2 * REMEMBERED:
            self._forgotten_to = self._sequences[REMEMBERED - 1]
            self._pictures.forget(REMEMBERED)
            del self._sequences[:REMEMBERED], self._contents[:REMEMBERED]

    def might_match(
        self, subject: Subject, searched_to: int, *, horizon: Horizon = EVERYBODY, laid: Mapping[str, bool] = NOBODY
    ) -> bool:
        """Whether the picture might be a copy of one committed after `searched_to`."""
        return searched_to < self._forgotten_to or self._pictures.might_match(
            subject, self._first(searched_to), horizon=horizon, laid=laid
        )

    def contents_since(self, searched_to: int) -> frozenset[str]:
        return frozenset(self._contents[self._first(searched_to) :])

    def _first(self, searched_to: int) -> int:
        return bisect_right(self._sequences, searched_to)


def _distances(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Hamming distances of rows of 32 bytes."""
    differing: NDArray[np.int64] = np.bitwise_count(left ^ right).sum(axis=-1, dtype=np.int64)
    return differing
