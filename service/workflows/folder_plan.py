"""What could go from a folder: pictures that agree with a better one by the criterion that was chosen."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from index_store.removal_records import NewRemoval, PlannedItem
from service.domain.policy import DEFAULT
from service.inputs.names import locator_of, readable
from service.inputs.values import Skipped
from service.workflows.folder_root import FOLDER, check_still, found
from service.workflows.folder_scan import Look, PassedOver, Scanned, Scope, scan
from service.workflows.removal_finding import PROTECTED, Doubtful, Keep, find, lead_of, measures, why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from index_store.trees.linking import Link
    from service.domain.policy import Policy
    from service.domain.removal_sets import RemovalSet
    from service.inputs.roots import Identity
    from service.pictures.pool import DecodePool
    from service.workflows.findings import Progress
    from service.workflows.folder_crew import Crew
    from service.workflows.folder_scan import Looked
    from service.workflows.matchers import Matcher


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """What was found, and the plan that follows from it."""

    pictures: tuple[Scanned, ...]
    sets: tuple[RemovalSet, ...]
    """Numbers of pictures, agreement as the matcher gives it or `EQUAL_PIXELS`."""
    doubtful: tuple[Doubtful, ...]
    """What agrees, and yet is left for somebody to look at."""
    passed_over: tuple[PassedOver, ...]
    skipped: Skipped
    removal: NewRemoval
    folder: Identity
    """What lay there while it was looked at."""

    @property
    def going(self) -> int:
        return len(self.removal.items)

    @property
    def bytes(self) -> int:
        """That would be freed."""
        return sum(item.bytes for item in self.removal.items)

    def summary(self) -> str:
        """For people."""
        return f"{len(self.pictures):,} pictures, {self.going:,} duplicates in {len(self.sets):,} sets"


@dataclass(frozen=True, slots=True)
class FolderQuestion:
    """What was asked for; the parameters are the matcher's own."""

    scope: Scope
    matcher: str
    parameters: dict[str, Any] = field(default_factory=dict)
    keep: Keep = Keep.BEST
    link: Link | None = None
    """To the one that stays, to be left where another was set aside."""
    policy: Policy = DEFAULT
    """Who of the pictures that agree is the best."""

    def as_json(self) -> dict[str, Any]:
        return {
            "root": locator_of(self.scope.root),
            "shown": readable(os.fsencode(self.scope.root)),
            "camera": self.scope.camera.pattern if self.scope.camera else None,
            "matcher": self.matcher,
            "parameters": self.parameters,
            "keep": self.keep.value,
            "link": self.link,
            "policy": self.policy.name,
        }


def plan_folder(
    question: FolderQuestion,
    matcher: Matcher,
    pool: DecodePool,
    progress: Progress,
    *,
    max_bytes: int,
    aside: Path,
    own: Iterable[Path] = (),
    crew: Crew | None = None,
) -> FolderPlan:
    """Look at every picture once, compare those that could agree, and say what could go. Writes nothing.

    The same folder has the same plan, whatever the order its files lie in and whoever looks at them. Raises
    WrongFolderError if there is nothing in the folder, or if another one comes in its place meanwhile.
    """
    skipped, lies = Skipped(), found(question.scope.root)
    look = Look(question.scope, max_bytes, matcher.sight)
    looked = scan(look, pool, progress, skipped=skipped, own=own, crew=crew)
    seen = find(_guarded(looked, question), matcher, question.keep, progress, question.policy, add=matcher.keep)
    check_still(question.scope.root, lies)
    pictures = seen.pictures
    policy = question.policy
    items = tuple(
        _item(pictures[one.keeper], pictures[loser], agreed, policy)
        for one in seen.sets
        for loser, agreed in one.losers
    )
    asked = question.as_json()
    request = asked | {"pictures": len(pictures), "aside": locator_of(aside)}
    removal = NewRemoval(FOLDER, request, _hash_of(asked, items), items)
    return FolderPlan(pictures, seen.sets, seen.doubtful, seen.passed_over, skipped, removal, lies)


def _guarded(looked: Iterable[Looked], question: FolderQuestion) -> Iterator[Looked]:
    """What the policy protects never goes, by whatever links either path leads there."""
    protected = question.policy.protected
    folders = *protected.folders, *(os.path.realpath(each) for each in protected.folders if each.startswith("/"))
    protected = replace(protected, folders=tuple(dict.fromkeys(folders)))
    roots = {str(question.scope.root).rstrip("/"), os.path.realpath(question.scope.root)}
    for one in looked:
        if isinstance(one, PassedOver) or not any(protected.hold(f"{root}/{one[0].name}", {}) for root in roots):
            yield one
        else:
            yield replace(one[0], stays=one[0].stays or PROTECTED), one[1]


def _item(keeper: Scanned, loser: Scanned, agreed: float, policy: Policy) -> PlannedItem:
    goes, stays = _told(loser), _told(keeper)
    told = why(goes, stays, agreed, lead_of(keeper, loser, policy), policy.name)
    return PlannedItem(goes, stays, loser.assessed.facts.bytes, told)


def _told(one: Scanned) -> dict[str, Any]:
    return {"name": readable(os.fsencode(one.name)), "at": locator_of(one.name)} | measures(one)


def _hash_of(asked: dict[str, Any], items: Sequence[PlannedItem]) -> str:
    """SHA-256 over what was asked and which bytes go for the sake of which others."""
    said = [[item.loser["at"], item.loser["sha256"], item.keeper["at"], item.keeper["sha256"]] for item in items]
    return hashlib.sha256(json.dumps([asked, said], sort_keys=True, separators=(",", ":")).encode()).hexdigest()
