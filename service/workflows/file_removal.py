"""A planned removal of files, applied, undone and purged. Each may be cut short anywhere and taken up again.

State first: that it is being applied is committed before the first file moves. Then every file is set aside by itself,
checked against the plan and against its keeper right before (see `index_store.trees.moving`), and what became of it is
committed. What was set aside before a crash and not yet recorded is found where it lies when the same plan goes on.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_from_bytes, unquote_to_bytes

from index_store.errors import StoreError
from index_store.ids import moment
from index_store.removal_records import RemovalOutcome
from index_store.trees.moving import ChangedFileError, Placed, SetAsideError, bring_back, set_aside
from service.domain.errors import KeeponeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from index_store.catalogue.protocol import Removals
    from index_store.removal_records import RemovalItem, RemovalItemState, RemovalRecord
    from service.workflows.findings import Progress

RETENTION = timedelta(days=30)
"""How long what was removed lies aside before it may be purged without being asked for twice."""
_AT_ONCE = 32
_PAGE = 1000


class StalePlanError(KeeponeError):
    """The plan is not the one that was shown."""


class TooEarlyToPurgeError(KeeponeError):
    """What was removed is kept for thirty days."""


class LeftAsideError(KeeponeError):
    """Some files could not be brought back; they still lie aside."""


def apply(removal_id: str, plan_hash: str, removals: Removals, aside: Path, progress: Progress) -> RemovalRecord:
    """Set every file of the plan aside, below `aside`. Raises StalePlanError, BadTransitionError or StoreError.

    A file that is not what it was, or whose keeper is not, stays where it is and is told of as skipped.
    """
    record = removals.get(removal_id)
    if record.plan_hash != plan_hash:
        raise StalePlanError
    removals.set_state(removal_id, "applying")
    root = _root_of(record)

    def remove(item: RemovalItem) -> RemovalOutcome:
        place = aside / removal_id / f"{item.ordinal:06d}-{_placed(root, item.loser).parts[-1]}"
        try:
            loser, keeper = _placed(root, item.loser), _placed(root, item.keeper)
            set_aside(loser, keeper, place, f"{removal_id}-{item.ordinal}")
        except (ChangedFileError, SetAsideError) as error:
            return RemovalOutcome(item.ordinal, "skipped", problem={"title": str(error)})
        return RemovalOutcome(item.ordinal, "removed", place=quote_from_bytes(os.fsencode(place)))

    _settle(removal_id, "planned", remove, removals, progress, "set aside")
    return removals.set_state(removal_id, "applied")


def undo(removal_id: str, removals: Removals, progress: Progress) -> RemovalRecord:
    """Bring every file back that was set aside. Raises LeftAsideError, BadTransitionError or StoreError."""
    record = removals.set_state(removal_id, "undoing")
    root, left = _root_of(record), list[str]()

    def give_back(item: RemovalItem) -> RemovalOutcome | None:
        try:
            name = bring_back(_path_of(item.place or ""), _placed(root, item.loser))
        except (ChangedFileError, SetAsideError) as error:
            left.append(f"{item.loser['name']}: {error}")
            return None
        return RemovalOutcome(item.ordinal, "returned", place=quote_from_bytes(os.fsencode(name)))

    _settle(removal_id, "removed", give_back, removals, progress, "brought back")
    if left:
        raise LeftAsideError(f"{len(left)} files could not be brought back. The first: {left[0]}")
    return removals.set_state(removal_id, "undone")


def purge(removal_id: str, removals: Removals, progress: Progress, *, now: datetime | None = None) -> RemovalRecord:
    """Delete what was set aside, for good. Raises TooEarlyToPurgeError before the retention has passed.

    It is the one act that cannot be undone, so it is never part of another one.
    """
    record = removals.get(removal_id)
    if record.state == "applied" and record.changed > moment((now or datetime.now(UTC)) - RETENTION):
        raise TooEarlyToPurgeError(f"{removal_id} was applied at {record.changed[:16]}Z, and is kept for 30 days.")
    record = removals.set_state(removal_id, "purged")

    def delete(item: RemovalItem) -> RemovalOutcome:
        with suppress(FileNotFoundError):
            _path_of(item.place or "").unlink()
        return RemovalOutcome(item.ordinal, "purged", place=item.place)

    _settle(removal_id, "removed", delete, removals, progress, "deleted")
    return record


def _settle(
    removal_id: str,
    state: RemovalItemState,
    act: Callable[[RemovalItem], RemovalOutcome | None],
    removals: Removals,
    progress: Progress,
    what: str,
) -> None:
    """Act on each item in that state, and record what became of them, a few at a time."""
    total = removals.counts(removal_id).get(state, 0)
    outcomes: list[RemovalOutcome] = []
    for done, item in enumerate(list(items_of(removal_id, removals, state)), 1):
        if (outcome := act(item)) is not None:
            outcomes.append(outcome)
        if len(outcomes) == _AT_ONCE:
            removals.record(removal_id, outcomes)
            outcomes = []
        progress(what, done, total)
    removals.record(removal_id, outcomes)


def items_of(removal_id: str, removals: Removals, state: RemovalItemState | None = None) -> Iterator[RemovalItem]:
    """All items, or those in one state, by ordinal."""
    cursor: str | None = None
    while True:
        page = removals.items(removal_id, _PAGE, cursor, state=state)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _root_of(record: RemovalRecord) -> Path:
    return _path_of(record.request["root"])


def _path_of(text: str) -> Path:
    return Path(os.fsdecode(unquote_to_bytes(text)))


def _placed(root: Path, told: object) -> Placed:
    if not isinstance(told, dict):
        raise StoreError("an item of the removal tells of no file")
    return Placed(root, os.fsdecode(unquote_to_bytes(told["at"])), told["sha256"])
