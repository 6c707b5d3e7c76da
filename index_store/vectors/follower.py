"""Keeps an index level with the log.

Every request that must see the latest commits first asks the follower to catch up. When nothing is new that is one
small read and no lock; when something is, one thread folds it in and the others find it done. So however many
processes there are, each reads its own index as if it were the only one.
"""

import threading

from index_store.catalogue.protocol import ChangeLog
from index_store.errors import StoreError
from index_store.records import Space
from index_store.vectors.protocol import VectorIndex

_CHANGES_AT_ONCE = 4096
"""A first load reads this many changes at a time: long enough to be quick, short enough not to keep writers waiting."""


class Follower:
    def __init__(self, log: ChangeLog, index: VectorIndex, space: Space) -> None:
        self.index = index
        self._log = log
        self._space_id = space.space_id
        self._reading = threading.Lock()

    def prepare(self, *, wait: bool = True) -> None:  # noqa: ARG002 - other followers have something not to wait for
        """Get ready to be asked. Where that takes long and `wait` is false it goes on in the background."""
        self.catch_up()

    def catch_up(self) -> int:
        """Read the log to its present end; the sequence the index now stands at, for `append(searched_to=…)`.

        Everything committed before the call is in the index when it returns. Raises `StoreError` if the log ends
        before the index: then the catalogue is not the one the index was folded from, and the index is worthless.
        """
        head = self._log.head()
        if self.index.sequence < head:
            with self._reading:
                self._read(self.index, head)
        elif self._is_ahead(head):
            raise StoreError(f"the log ends at {head}, before the index: the catalogue was replaced")
        return self.index.sequence

    def close(self) -> None:
        """End whatever goes on in the background."""

    def _read(self, index: VectorIndex, head: int) -> None:
        while index.sequence < head:
            delta = self._log.changes_since(index.sequence, self._space_id, _CHANGES_AT_ONCE)
            if delta.sequence == delta.since:
                raise StoreError(f"the log no longer reaches {head}: the catalogue was replaced")
            if any(vector.space_id != self._space_id for vector in delta.vectors):
                raise StoreError(f"the log of space {self._space_id} told of another space's vectors")
            index.apply(delta)

    def _is_ahead(self, head: int) -> bool:
        """Another thread may have read on since; only a log that still ends before the index was replaced."""
        return self.index.sequence > head and self.index.sequence > self._log.head()
