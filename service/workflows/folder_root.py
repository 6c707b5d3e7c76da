"""That a folder is the one it was: when its files are looked at, when they go, and when they come back.

A folder whose disk is not mounted looks like one that was emptied, and so does one in whose place another disk lies. A
scan would find nothing to keep; an undoing would fill the empty place, out of sight once the disk is back. So a folder
is marked for as long as something of it is set aside (`index_store.trees.marking`), and without its mark nothing is done.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from index_store.trees.marking import MARK, mark, marked, unmark
from service.domain.errors import KeeponeError
from service.inputs.names import locator_of, path_at
from service.inputs.roots import identity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from index_store.catalogue.protocol import Removals
    from index_store.removal_records import NewRemoval, RemovalRecord, RemovalState
    from service.inputs.roots import Identity

FOLDER = "folder"
"""The kind of a removal of files."""
_OPEN: tuple[RemovalState, ...] = ("applying", "applied", "undoing")
"""States in which something may have to come back."""
_PAGE = 100


class WrongFolderError(KeeponeError):
    """The folder is not the one that it was."""


def found(root: Path) -> Identity:
    """What lies there now. Raises WrongFolderError if that is nothing, or a folder with nothing in it at all."""
    lies = identity(locator_of(root))
    if lies is None:
        raise WrongFolderError(f"{root} is not there.")
    with os.scandir(root) as inside:
        is_empty = not any(inside)
    if is_empty:
        raise WrongFolderError(f"There is nothing at all in {root}: is its disk mounted?")
    return lies


def check_still(root: Path, before: Identity) -> None:
    """Raise WrongFolderError if another folder came in its place: what was seen of it then is worth nothing."""
    if identity(locator_of(root)) != before:
        raise WrongFolderError(f"{root} went away, or another folder came in its place, while it was looked at.")


def bound(plan: NewRemoval, before: Identity, removals: Removals) -> NewRemoval:
    """The plan, to be applied to the marked folder alone, which is marked now. Raises WrongFolderError or SetAsideError.

    Args:
        plan: of a folder.
        before: what lay there when it was looked at.
        removals: a folder of which something is aside is known by its mark, and must have it still.
    """
    root = Path(path_at(plan.request["root"]))
    for record in _open_ones(plan.request["root"], removals):
        check_marked(record)
    check_still(root, before)
    return replace(plan, request={**plan.request, "mark": mark(root)})


def check_marked(record: RemovalRecord) -> None:
    """Raise WrongFolderError if the folder of a removal does not carry the mark that it was given for it."""
    word = record.request.get("mark")
    root = Path(path_at(record.request["root"]))
    if word is not None and marked(root) != word:
        raise WrongFolderError(
            f"{root} is not the folder that it was when {record.removal_id} was planned: is its disk mounted? "
            f"If it is the right one, write {word} into its file {MARK}."
        )


def release(record: RemovalRecord, removals: Removals) -> None:
    """Take the mark away if nothing of the folder lies aside any more."""
    word = record.request.get("mark")
    if word is not None and not any(_open_ones(record.request["root"], removals)):
        with suppress(OSError):  # an old mark does no harm
            unmark(Path(path_at(record.request["root"])), word)


def _open_ones(root: str, removals: Removals) -> Iterator[RemovalRecord]:
    """Removals of the folder of which something may lie aside."""
    for state in _OPEN:
        cursor: str | None = None
        while True:
            page = removals.list(_PAGE, cursor, state=state)
            yield from (record for record in page.items if record.kind == FOLDER and record.request["root"] == root)
            cursor = page.next_cursor
            if cursor is None:
                break
