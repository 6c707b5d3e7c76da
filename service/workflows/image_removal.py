"""A planned removal of images, applied and undone. Each may be cut short anywhere and taken up again.

Nothing moves: an image is made `removed` in the catalogue, and its bytes stay where they are. That, and what became of
the item, are one commit; it is made only while both the image and the one for whose sake it goes are there, which the
catalogue looks at under its writer's lock. So of copies that several plans remove for one another's sake, one stays.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from index_store.errors import BadTransitionError, StoreError
from index_store.group_records import AlreadyDone, GroupItem
from index_store.records import Committed, Removal, Return
from index_store.removal_records import RemovalItemOutcome, RemovalOutcome
from service.workflows.file_removal import LeftAsideError, StalePlanError, items_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from index_store.catalogue.protocol import Catalogue
    from index_store.group_records import GroupAnswer
    from index_store.removal_records import RemovalItem, RemovalItemState, RemovalRecord
    from service.workflows.findings import Progress

_AT_ONCE = 64


def apply(removal_id: str, plan_hash: str, catalogue: Catalogue, progress: Progress) -> RemovalRecord:
    """Remove every image of the plan whose keeper is there; done already, it stays so.

    Raises StalePlanError, BadTransitionError or StoreError.
    """
    removals = catalogue.removals
    record = removals.get(removal_id)
    if record.plan_hash != plan_hash:
        raise StalePlanError
    if record.state == "applied":
        return record
    removals.set_state(removal_id, "applying")
    items = list(items_of(removal_id, removals, "planned"))
    entries = [
        GroupItem(Removal(item.loser["image_id"], item.keeper["image_id"]), also=_settled(item, "removed"))
        for item in items
    ]
    for place, answer in _refused(entries, catalogue, progress, "removed"):
        outcome = RemovalOutcome(items[place].ordinal, "skipped", problem={"title": str(answer)})
        with suppress(BadTransitionError):  # somebody else has settled it since
            removals.record(removal_id, (outcome,))
    return removals.set_state(removal_id, "applied")


def undo(removal_id: str, catalogue: Catalogue, progress: Progress) -> RemovalRecord:
    """Bring every image back that was removed; done already, it stays so.

    Raises LeftAsideError, BadTransitionError or StoreError.
    """
    removals = catalogue.removals
    record = removals.get(removal_id)
    if record.state == "undone":
        return record
    removals.set_state(removal_id, "undoing")
    items = list(items_of(removal_id, removals, "removed"))
    entries = [GroupItem(Return(item.loser["image_id"]), also=_settled(item, "returned")) for item in items]
    refused = _refused(entries, catalogue, progress, "brought back")
    left = [f"{items[place].loser['image_id']}: {answer}" for place, answer in refused]
    if left:
        raise LeftAsideError(f"{len(left)} images could not be brought back. The first: {left[0]}")
    return removals.set_state(removal_id, "undone")


def _refused(
    entries: Sequence[GroupItem], catalogue: Catalogue, progress: Progress, what: str
) -> Iterator[tuple[int, GroupAnswer]]:
    """Commit them, some at a time; by place and answer those that the catalogue refused, before the next are tried."""
    for first in range(0, len(entries), _AT_ONCE):
        some = entries[first : first + _AT_ONCE]
        for place, answer in enumerate(catalogue.append_many(some), first):
            if not _is_done(answer):
                yield place, answer
        progress(what, first + len(some), len(entries))


def _settled(item: RemovalItem, state: RemovalItemState) -> tuple[RemovalItemOutcome]:
    return (RemovalItemOutcome(item.removal_id, RemovalOutcome(item.ordinal, state)),)


def _is_done(answer: GroupAnswer) -> bool:
    """By us or by another one at the same removal. What the catalogue refuses is about the image; else it raises."""
    if isinstance(answer, BadTransitionError):
        return True  # somebody else has settled the item since it was read
    if isinstance(answer, StoreError):
        return False
    return isinstance(answer, Committed | AlreadyDone)
