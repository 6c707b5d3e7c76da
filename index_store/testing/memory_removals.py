"""Removals that forget."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from index_store.catalogue.rows import new_removal, planned_items
from index_store.entries import check_removal, cursor_at, read_cursor
from index_store.errors import NotFoundError
from index_store.records import Image, Json
from index_store.removal_records import (
    NewRemoval,
    RemovalItem,
    RemovalItemOutcome,
    RemovalItemPage,
    RemovalItemState,
    RemovalOutcome,
    RemovalPage,
    RemovalRecord,
    RemovalState,
    check_purging,
    check_settle,
    check_under_way,
    moved,
    settled,
    stays,
)
from index_store.testing.as_json import as_json_keeps


class MemoryRemovals:
    """Implements `Removals`."""

    def __init__(self, clock: Callable[[], str], images: dict[str, Image] | None = None) -> None:
        self._clock = clock
        self._images = {} if images is None else images
        self._lock = threading.RLock()
        self._removals: dict[str, RemovalRecord] = {}
        self._items: dict[str, list[RemovalItem]] = {}

    def plan(self, new: NewRemoval) -> RemovalRecord:
        check_removal(new)
        with self._lock:
            if new.removal_id not in self._removals:
                made = new_removal(new, len(self._removals) + 1, self._clock())
                self._removals[new.removal_id] = as_json_keeps(made)
                self._items[new.removal_id] = [as_json_keeps(item) for item in planned_items(new)]
            return self._removals[new.removal_id]

    def get(self, removal_id: str) -> RemovalRecord:
        if removal_id not in self._removals:
            raise NotFoundError(f"there is no removal {removal_id}")
        return self._removals[removal_id]

    def list(self, limit: int, cursor: str | None = None, *, state: RemovalState | None = None) -> RemovalPage:
        before = len(self._removals) + 1 if cursor is None else read_cursor(cursor)
        newest = [
            one for one in reversed(self._removals.values()) if one.number < before and state in {None, one.state}
        ]
        more = len(newest) > limit
        return RemovalPage(tuple(newest[:limit]), cursor_at(newest[limit - 1].number) if more else None)

    def items(
        self, removal_id: str, limit: int, cursor: str | None = None, *, state: RemovalItemState | None = None
    ) -> RemovalItemPage:
        self.get(removal_id)
        first = 1 if cursor is None else read_cursor(cursor)
        found = [one for one in self._items[removal_id] if one.ordinal >= first and state in {None, one.state}]
        return RemovalItemPage(tuple(found[:limit]), cursor_at(found[limit].ordinal) if len(found) > limit else None)

    def counts(self, removal_id: str) -> dict[str, int]:
        self.get(removal_id)
        return Counter(item.state for item in self._items[removal_id])

    def keepers(self, kind: str) -> tuple[Json, ...]:
        mine = [one.removal_id for one in self._removals.values() if one.kind == kind]
        return tuple(item.keeper for name in mine for item in self._items[name] if item.state == "removed")

    def set_state(self, removal_id: str, state: RemovalState) -> RemovalRecord:
        with self._lock:
            self._removals[removal_id] = moved(self.get(removal_id), state, now=self._clock())
            return self._removals[removal_id]

    def earlier(self, also: RemovalItemOutcome) -> RemovalItem | None:
        """The item, if it has that outcome already."""
        item = _item(self._items.get(also.removal_id, []), also.removal_id, also.outcome.ordinal)
        check_settle(item, also.outcome)
        if item.state == also.outcome.state:
            return item
        check_under_way(self.get(also.removal_id), also.outcome)
        return None

    def record(self, removal_id: str, outcomes: Sequence[RemovalOutcome]) -> None:
        with self._lock:
            self.get(removal_id)
            items = list(self._items[removal_id])
            for outcome in outcomes:
                item = _item(items, removal_id, outcome.ordinal)
                items[outcome.ordinal - 1] = settled(item, outcome, now=self._clock())
            self._items[removal_id] = items

    def purge(self, removal_id: str, ordinals: Sequence[int]) -> dict[int, str]:
        left: dict[int, str] = {}
        with self._lock:
            check_purging(self.get(removal_id))
            for ordinal in ordinals:
                item = _item(self._items[removal_id], removal_id, ordinal)
                loser, keeper = item.loser["image_id"], item.keeper["image_id"]
                states = [self._images[one].state if one in self._images else None for one in (loser, keeper)]
                if why := stays(loser, keeper, *states):
                    left[ordinal] = why
                    continue
                self._images[loser] = replace(self._images[loser], state="purged")
                self.record(removal_id, (RemovalOutcome(ordinal, "purged"),))
        return left

    def unneeded(self, contents: Iterable[str]) -> set[str]:
        held = {image.content_id for image in self._images.values()}
        kept = {image.content_id for image in self._images.values() if image.state != "purged"}
        return {one for one in contents if one in held and one not in kept}


def _item(items: Sequence[RemovalItem], removal_id: str, ordinal: int) -> RemovalItem:
    if not 1 <= ordinal <= len(items):
        raise NotFoundError(f"removal {removal_id} has no item {ordinal}")
    return items[ordinal - 1]
