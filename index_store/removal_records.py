"""Removals as they are remembered: a plan, what became of each of its items, and how far it has come.

A plan is written down whole before anything is touched, with a hash over what it says; to apply it one names that hash.
State comes first: that a removal is being applied is committed before its first file moves, so whoever finds it so after
a crash knows to go on. An item is settled once and can be settled back once: what was removed may return or be purged,
what was skipped stays skipped. What was being removed when a process was killed returns without having been removed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from index_store.errors import BadTransitionError
from index_store.ids import new_id
from index_store.records import Json

RemovalState = Literal["planned", "applying", "applied", "undoing", "undone", "purged"]
RemovalItemState = Literal["planned", "removed", "skipped", "returned", "purged"]

TRANSITIONS: Mapping[RemovalState, frozenset[RemovalState]] = {
    "planned": frozenset({"applying"}),
    "applying": frozenset({"applied", "undoing"}),
    "applied": frozenset({"undoing", "purged"}),
    "undoing": frozenset({"undone"}),
    "undone": frozenset(),
    "purged": frozenset(),
}
"""Where a removal may go from each state; staying where it is changes nothing. One that is cut short may be undone."""
ITEM_TRANSITIONS: Mapping[RemovalItemState, frozenset[RemovalItemState]] = {
    "planned": frozenset({"removed", "skipped", "returned"}),
    "removed": frozenset({"returned", "purged"}),
    "skipped": frozenset(),
    "returned": frozenset(),
    "purged": frozenset(),
}


def new_removal_id() -> str:
    return new_id("rem")


@dataclass(frozen=True, slots=True)
class PlannedItem:
    """One picture that could go. What loser and keeper are (a file, an image) is told by whoever planned."""

    loser: Json
    keeper: Json
    bytes: int
    """That would be freed."""
    why: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NewRemoval:
    """A plan."""

    kind: str
    request: Json
    """What was asked for: the scope, the criterion and its parameters."""
    plan_hash: str
    items: tuple[PlannedItem, ...]
    created_by: str | None = None
    removal_id: str = field(default_factory=new_removal_id)


@dataclass(frozen=True, slots=True)
class RemovalRecord:
    removal_id: str
    kind: str
    state: RemovalState
    request: Json
    plan_hash: str
    items: int
    bytes: int
    """Of all items together."""
    created: str
    created_by: str | None
    changed: str
    """When it came into the state it is in."""
    number: int
    """Newest first means by this, not by a clock."""


@dataclass(frozen=True, slots=True)
class RemovalItem:
    removal_id: str
    ordinal: int
    state: RemovalItemState
    loser: Json
    keeper: Json
    bytes: int
    why: Json
    place: str | None
    """Where it was set aside, or where it came back to."""
    problem: Json | None
    """Why it was skipped."""
    settled: str | None


@dataclass(frozen=True, slots=True)
class RemovalOutcome:
    """What became of an item."""

    ordinal: int
    state: RemovalItemState
    place: str | None = None
    problem: Json | None = None


@dataclass(frozen=True, slots=True)
class RemovalItemOutcome:
    """The same, to be committed together with what it tells of."""

    removal_id: str
    outcome: RemovalOutcome


@dataclass(frozen=True, slots=True)
class RemovalPage:
    items: tuple[RemovalRecord, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class RemovalItemPage:
    items: tuple[RemovalItem, ...]
    next_cursor: str | None


def check_move(removal: RemovalRecord, state: RemovalState) -> None:
    """Raises `BadTransitionError` where the removal cannot go."""
    if state not in {removal.state, *TRANSITIONS[removal.state]}:
        raise BadTransitionError(f"removal {removal.removal_id} is {removal.state} and cannot become {state}")


def moved(removal: RemovalRecord, state: RemovalState, *, now: str) -> RemovalRecord:
    """The removal in another state. Raises `BadTransitionError`."""
    check_move(removal, state)
    if removal.state == state:
        return removal
    return replace(removal, state=state, changed=now)


def check_under_way(removal: RemovalRecord, outcome: RemovalOutcome) -> None:
    """Raises `BadTransitionError` unless the removal is being applied, where something goes, or undone, where it returns.

    So whoever still applies what somebody else has begun to undo removes nothing more. What should not have gone after
    all may return before the removal is applied.
    """
    needed = {"removed": {"applying"}, "returned": {"applying", "undoing"}}.get(outcome.state, {removal.state})
    if removal.state not in needed:
        raise BadTransitionError(f"removal {removal.removal_id} is {removal.state}: nothing can be {outcome.state}")


def check_purging(removal: RemovalRecord) -> None:
    """Raises `BadTransitionError` unless the removal is applied: what is being undone is on its way back."""
    if removal.state not in {"applied", "purged"}:
        raise BadTransitionError(f"removal {removal.removal_id} is {removal.state}: nothing of it can be purged")


def stays(loser: str, keeper: str, loser_state: str | None, keeper_state: str | None) -> str | None:
    """Why an image is not to be purged; None where nothing speaks for it."""
    if keeper_state != "active":
        return f"image {keeper}, for whose sake {loser} went, is {keeper_state or 'unknown'}"
    if loser_state != "removed":
        return f"image {loser} is {loser_state or 'unknown'}"
    return None


def check_settle(item: RemovalItem, outcome: RemovalOutcome) -> None:
    """Raises `BadTransitionError` where the item cannot have that outcome."""
    if outcome.state not in {item.state, *ITEM_TRANSITIONS[item.state]}:
        raise BadTransitionError(
            f"item {item.ordinal} of {item.removal_id} is {item.state} and cannot become {outcome.state}"
        )


def settled(item: RemovalItem, outcome: RemovalOutcome, *, now: str) -> RemovalItem:
    """The item with its outcome; told again, it stays as it is. Raises `BadTransitionError`."""
    check_settle(item, outcome)
    if item.state == outcome.state:
        return item
    return replace(item, state=outcome.state, place=outcome.place, problem=outcome.problem, settled=now)
