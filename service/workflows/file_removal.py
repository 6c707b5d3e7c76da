"""A planned removal of files, applied, undone and purged. Each may be cut short anywhere and taken up again.

State first: that it is being applied is committed before the first file moves. Then every file is set aside by itself,
checked against the plan and against its keeper right before (see `index_store.trees.moving`), and what became of it is
committed. What was set aside before a crash and not yet recorded is found where it lies, by going on or by undoing.

What is set aside lies in a folder of the removal's own, with a mark in it: nobody takes it for pictures of the user's,
and whoever works on the removal holds a lock on the mark, so that no two do at once.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from index_store.errors import StoreError
from index_store.ids import moment
from index_store.removal_records import RemovalOutcome, check_move
from index_store.syncing import make_folder
from index_store.trees.moving import (
    ChangedFileError,
    Link,
    Placed,
    SetAsideError,
    bring_back,
    is_there,
    is_under_way,
    set_aside,
)
from service.domain.errors import KeeponeError
from service.inputs.names import locator_of, path_at
from service.workflows.folder_root import check_marked, release
from service.workflows.folder_scan import ASIDE_MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from index_store.catalogue.protocol import Removals
    from index_store.removal_records import RemovalItem, RemovalItemState, RemovalRecord
    from service.workflows.findings import Progress

RETENTION = timedelta(days=30)
"""How long what was removed lies aside, at the least, before it can be purged."""
_AT_ONCE = 32
_PAGE = 1000
_LONGEST_ENDING = 16


class StalePlanError(KeeponeError):
    """The plan is not the one that was shown, or what it was made from has changed."""


class RemovalBusyError(KeeponeError):
    """Somebody else is working on this removal."""


class AsideGoneError(KeeponeError):
    """The folder with what was set aside is not there."""


class TooEarlyToPurgeError(KeeponeError):
    """What was removed is kept for thirty days."""


class LeftAsideError(KeeponeError):
    """Some files still lie aside."""


def apply(removal_id: str, plan_hash: str, removals: Removals, progress: Progress) -> RemovalRecord:
    """Set every file of the plan aside; done already, it stays so. Raises StalePlanError, WrongFolderError,
    RemovalBusyError, BadTransitionError or StoreError.

    A file that is not what it was, or whose keeper is not, stays where it is and is told of as skipped.
    """
    record = removals.get(removal_id)
    if record.plan_hash != plan_hash:
        raise StalePlanError
    if record.state == "applied":
        return record
    check_marked(record)
    files = _Files(record)
    make_folder(files.folder)
    with files.held():
        removals.set_state(removal_id, "applying")

        def remove(item: RemovalItem) -> RemovalOutcome:
            try:
                set_aside(files.loser(item), files.keeper(item), files.aside(item), files.token(item), files.link)
            except (ChangedFileError, SetAsideError) as error:
                return RemovalOutcome(item.ordinal, "skipped", problem={"title": str(error)})
            return RemovalOutcome(item.ordinal, "removed", place=locator_of(files.aside(item)))

        _settle(removal_id, ("planned",), remove, removals, progress, "set aside")
        return removals.set_state(removal_id, "applied")


def undo(removal_id: str, removals: Removals, progress: Progress) -> RemovalRecord:
    """Bring every file back that was set aside, recorded or not; done already, it stays so.

    Raises LeftAsideError, AsideGoneError, WrongFolderError, RemovalBusyError, BadTransitionError or StoreError.
    """
    record = removals.get(removal_id)
    if record.state == "undone":
        return record
    check_move(record, "undoing")  # before its folder is asked for: what was never applied has none
    check_marked(record)
    files, left = _Files(record), list[str]()
    with files.held():
        removals.set_state(removal_id, "undoing")

        def give_back(item: RemovalItem) -> RemovalOutcome | None:
            loser, aside, token = files.loser(item), files.aside(item), files.token(item)
            if item.state == "planned" and not is_under_way(aside, loser, token):
                return None
            try:
                name = bring_back(aside, loser, token, files.keeper(item) if files.link else None)
            except (ChangedFileError, SetAsideError) as error:
                left.append(f"{item.loser['name']}: {error}")
                return None
            return RemovalOutcome(item.ordinal, "returned", place=locator_of(name))

        _settle(removal_id, ("planned", "removed"), give_back, removals, progress, "brought back")
        if left:
            raise LeftAsideError(f"{len(left)} files could not be brought back. The first: {left[0]}")
        undone = removals.set_state(removal_id, "undone")
        release(undone, removals)
        return undone


def purge(removal_id: str, removals: Removals, progress: Progress, *, now: datetime | None = None) -> RemovalRecord:
    """Delete what was set aside, for good: the one act that cannot be undone, so it is never part of another one.

    Whatever has lost its keeper since stays, and so does what is not what it was. Raises TooEarlyToPurgeError before
    the retention has passed, LeftAsideError, AsideGoneError, WrongFolderError, RemovalBusyError, BadTransitionError or
    StoreError.
    """
    record = removals.get(removal_id)
    check_move(record, "purged")
    check_purge(record, now=now)
    check_marked(record)
    files, left = _Files(record), list[str]()
    with files.held():

        def let_go(item: RemovalItem) -> RemovalOutcome | None:
            aside = files.aside(item)
            if not is_there(files.keeper(item)):
                left.append(
                    f"{item.loser['name']}: {item.keeper['name']}, for whose sake it went, is not there any more"
                )
            elif not is_there(Placed(aside.parent, aside.name, item.loser["sha256"])):
                left.append(f"{item.loser['name']}: what lies aside is not what was set aside")
            else:
                return RemovalOutcome(item.ordinal, "purged", place=item.place)
            return None

        # Recorded first, so that nothing is taken for undoable that is gone; then deleted, as often as it takes.
        _settle(removal_id, ("removed",), let_go, removals, progress, "let go")
        for item in items_of(removal_id, removals, "purged"):
            files.aside(item).unlink(missing_ok=True)
        if left:
            raise LeftAsideError(f"{len(left)} files were not deleted. The first: {left[0]}")
        purged = removals.set_state(removal_id, "purged")
        release(purged, removals)
        return purged


def check_purge(record: RemovalRecord, *, now: datetime | None = None) -> None:
    """Raises TooEarlyToPurgeError."""
    if record.state == "applied" and record.changed > moment((now or datetime.now(UTC)) - RETENTION):
        raise TooEarlyToPurgeError(
            f"{record.removal_id} was applied at {record.changed[:16]}Z; it is kept for 30 days."
        )


def items_of(removal_id: str, removals: Removals, state: RemovalItemState | None = None) -> Iterator[RemovalItem]:
    """All items, or those in one state, by ordinal."""
    cursor: str | None = None
    while True:
        page = removals.items(removal_id, _PAGE, cursor, state=state)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


class _Files:
    """Where the files of a removal lie."""

    def __init__(self, record: RemovalRecord) -> None:
        self._id = record.removal_id
        self._root = Path(path_at(record.request["root"]))
        self.folder = Path(path_at(record.request["aside"])) / record.removal_id
        self.link: Link | None = record.request.get("link")

    def loser(self, item: RemovalItem) -> Placed:
        return self._placed(item.loser)

    def keeper(self, item: RemovalItem) -> Placed:
        return self._placed(item.keeper)

    def aside(self, item: RemovalItem) -> Path:
        """Named by its number: a name of the user's may be as long as names can be."""
        ending = PurePosixPath(self.loser(item).parts[-1]).suffix
        return self.folder / f"{item.ordinal:06d}{ending if len(os.fsencode(ending)) <= _LONGEST_ENDING else ''}"

    def token(self, item: RemovalItem) -> str:
        return f"{self._id}-{item.ordinal}"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else works on the removal meanwhile. Raises AsideGoneError or RemovalBusyError."""
        try:
            mark = os.open(self.folder / ASIDE_MARK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError as error:
            raise AsideGoneError(f"{self.folder} is not there: is its disk mounted?") from error
        try:
            self._lock(mark)
            yield
        finally:
            os.close(mark)

    def _lock(self, mark: int) -> None:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RemovalBusyError(f"Somebody else is working on {self._id}.") from error

    def _placed(self, told: object) -> Placed:
        if not isinstance(told, dict):
            raise StoreError("an item of the removal tells of no file")
        return Placed(self._root, path_at(told["at"]), told["sha256"])


def _settle(
    removal_id: str,
    states: Iterable[RemovalItemState],
    act: Callable[[RemovalItem], RemovalOutcome | None],
    removals: Removals,
    progress: Progress,
    what: str,
) -> None:
    """Act on each item in those states, and record what became of them, a few at a time; also if one fails."""
    items = [item for state in states for item in items_of(removal_id, removals, state)]
    outcomes: list[RemovalOutcome] = []
    try:
        for done, item in enumerate(items, 1):
            if (outcome := act(item)) is not None:
                outcomes.append(outcome)
            if len(outcomes) == _AT_ONCE:
                removals.record(removal_id, outcomes)
                outcomes = []
            progress(what, done, len(items))
    except BaseException:
        with suppress(StoreError):  # what is not recorded is found where it lies
            removals.record(removal_id, outcomes)
        raise
    removals.record(removal_id, outcomes)
