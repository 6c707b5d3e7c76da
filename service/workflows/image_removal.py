"""A planned removal of images, applied, undone and purged. Each may be cut short anywhere and taken up again.

Nothing moves: an image is made `removed` in the catalogue, and its bytes stay where they are. That, and what became of
the item, are one commit; it is made only while both the image and the one for whose sake it goes are there, which the
catalogue looks at under its writer's lock. So of copies that several plans remove for one another's sake, one stays.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from index_store.errors import BadTransitionError, StoreError
from index_store.group_records import AlreadyDone, GroupItem
from index_store.records import Committed, Removal, Return
from index_store.removal_records import RemovalItemOutcome, RemovalOutcome, check_move
from service.workflows.file_removal import LeftAsideError, StalePlanError, check_purge, items_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from index_store.blobs.protocol import Blobs
    from index_store.catalogue.protocol import Catalogue, Removals
    from index_store.group_records import GroupAnswer
    from index_store.removal_records import RemovalItem, RemovalItemState, RemovalRecord
    from service.workflows.findings import Progress

_AT_ONCE = 64
UNUSED_SECONDS = 3600.0
"""Bytes that were put within that time may belong to a picture on its way in, whose row is not committed yet."""


def apply(
    removal_id: str,
    plan_hash: str,
    catalogue: Catalogue,
    progress: Progress,
    *,
    against: Callable[[RemovalItem], str | None] = lambda _: None,
    unchained: bool = False,
) -> RemovalRecord:
    """Remove every image of the plan whose keeper is there; done already, it stays so.

    `against` is asked of each item right before it goes, and says why it should not; then it is skipped. With
    `unchained` what others went for the sake of at the same moment comes back. Raises StalePlanError,
    BadTransitionError or StoreError.
    """
    removals = catalogue.removals
    record = removals.get(removal_id)
    if record.plan_hash != plan_hash:
        raise StalePlanError
    if record.state == "applied":
        return record
    removals.set_state(removal_id, "applying")
    items = list(items_of(removal_id, removals, "planned"))
    for some in _some_of(items):
        stay = {item.ordinal: why for item in some if (why := against(item))}
        going = [item for item in some if item.ordinal not in stay]
        entries = [
            GroupItem(Removal(item.loser["image_id"], item.keeper["image_id"]), also=_settled(item, "removed"))
            for item in going
        ]
        stay |= {going[place].ordinal: str(answer) for place, answer in _refused(entries, catalogue)}
        _skip(removal_id, stay, removals)
        progress("removed", some[-1].ordinal, record.items)
    if unchained:
        _bring_back_keepers(record, catalogue)
    return removals.set_state(removal_id, "applied")


def _bring_back_keepers(record: RemovalRecord, catalogue: Catalogue) -> None:
    """What went here while others went for its sake elsewhere: nobody has compared those with its own keeper.

    Of two removals at once, whichever commits last of such a chain sees the other's item here; and the first one is
    refused by the catalogue where its keeper has gone before.
    """
    removals = catalogue.removals
    keepers = {keeper["image_id"] for keeper in removals.keepers(record.kind)}
    back = [
        item
        for item in items_of(record.removal_id, removals, "removed")
        if item.loser["image_id"] in keepers and item.loser["sha256"] != item.keeper["sha256"]
    ]
    for some in _some_of(back):
        why = {"title": "others went for its sake at the same moment"}
        entries = [
            GroupItem(
                Return(item.loser["image_id"]),
                also=(RemovalItemOutcome(item.removal_id, RemovalOutcome(item.ordinal, "returned", problem=why)),),
            )
            for item in some
        ]
        for _, answer in _refused(entries, catalogue):
            if isinstance(answer, StoreError):
                raise answer


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
    left: list[str] = []
    for some in _some_of(items):
        entries = [GroupItem(Return(item.loser["image_id"]), also=_settled(item, "returned")) for item in some]
        left += [f"{some[place].loser['image_id']}: {answer}" for place, answer in _refused(entries, catalogue)]
        progress("brought back", some[-1].ordinal, record.items)
    if left:
        raise LeftAsideError(f"{len(left)} images could not be brought back. The first: {left[0]}")
    return removals.set_state(removal_id, "undone")


def purge(
    removal_id: str, catalogue: Catalogue, blobs: Blobs, progress: Progress, *, now: datetime | None = None
) -> RemovalRecord:
    """Let the images of a removal go for good: the one act that cannot be undone, so it is never part of another one.

    The bytes of a content go with its last image. Whatever has lost its keeper since stays, and so does what has come
    back. Raises TooEarlyToPurgeError before the retention has passed, LeftAsideError, BadTransitionError or StoreError.
    """
    removals = catalogue.removals
    record = removals.get(removal_id)
    check_move(record, "purged")
    check_purge(record, now=now)
    left: dict[int, str] = {}
    for some in _some_of(list(items_of(removal_id, removals, "removed"))):
        rotten = {item.ordinal: why for item in some if (why := _without_bytes(item.keeper, blobs))}
        left |= rotten | removals.purge(removal_id, [item.ordinal for item in some if item.ordinal not in rotten])
        progress("let go", some[-1].ordinal, record.items)
    # Recorded first, so that nothing is taken for undoable that is gone; then deleted, as often as it takes.
    gone = [item.loser["sha256"] for item in items_of(removal_id, removals, "purged") if "sha256" in item.loser]
    for sha256 in removals.unneeded(gone):
        blobs.let_go(sha256, unused_seconds=UNUSED_SECONDS)
    if left:
        raise LeftAsideError(f"{len(left)} images were not let go. The first: {next(iter(left.values()))}")
    return removals.set_state(removal_id, "purged")


def _without_bytes(keeper: Mapping[str, Any], blobs: Blobs) -> str | None:
    """Why a keeper is not worth letting its copy go for good."""
    if "sha256" in keeper:
        try:
            blobs.get(keeper["sha256"], verify=True)
        except StoreError as error:
            return str(error)
    return None


def _some_of(items: Sequence[RemovalItem]) -> Iterator[Sequence[RemovalItem]]:
    """As many as are committed together."""
    for first in range(0, len(items), _AT_ONCE):
        yield items[first : first + _AT_ONCE]


def _skip(removal_id: str, stay: Mapping[int, str], removals: Removals) -> None:
    """Record these items as skipped, each with its reason, but those that somebody else has settled since."""
    outcomes = [RemovalOutcome(ordinal, "skipped", problem={"title": why}) for ordinal, why in stay.items()]
    if not outcomes:
        return
    try:
        removals.record(removal_id, outcomes)
    except BadTransitionError:
        for outcome in outcomes:
            with suppress(BadTransitionError):
                removals.record(removal_id, (outcome,))


def _refused(entries: Sequence[GroupItem], catalogue: Catalogue) -> list[tuple[int, GroupAnswer]]:
    """Commit them together; by place and answer those that the catalogue refused."""
    if not entries:
        return []
    answers = enumerate(catalogue.append_many(entries))
    return [(place, answer) for place, answer in answers if not _is_done(answer)]


def _settled(item: RemovalItem, state: RemovalItemState) -> tuple[RemovalItemOutcome]:
    return (RemovalItemOutcome(item.removal_id, RemovalOutcome(item.ordinal, state)),)


def _is_done(answer: GroupAnswer) -> bool:
    """By us or by another one at the same removal. What the catalogue refuses is about the image; else it raises."""
    if isinstance(answer, BadTransitionError):
        return True  # somebody else has settled the item since it was read
    if isinstance(answer, StoreError):
        return False
    return isinstance(answer, Committed | AlreadyDone)
