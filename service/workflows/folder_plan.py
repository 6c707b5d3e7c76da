"""What could go from a folder: pictures that agree with a better one by the criterion that was chosen.

Equal pixels agree by every criterion, and a picture with too little detail agrees by nothing else: a blank page is no
copy of another one for being blank. Frames of a fixed camera are excepted, where nothing to be seen is what repeats.
What no comparison of pixels shows (an animation's other frames, transparency, an enlarged copy) is left to a person.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from index_store.removal_records import NewRemoval, PlannedItem
from service.domain.keeper import LOSSLESS, SHARPER, doubt
from service.domain.removal_sets import removal_sets
from service.inputs.names import locator_of, readable
from service.inputs.values import Skipped
from service.workflows.folder_scan import PassedOver, Scanned, Scope, scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from service.domain.removal_sets import RemovalSet
    from service.domain.values import PictureFacts
    from service.pictures.pool import DecodePool
    from service.workflows.findings import Progress
    from service.workflows.matchers import Matcher

FOLDER = "folder"
EXACT = "pixels"
"""The agreement of equal pixels, told instead of a number."""
EQUAL_PIXELS = -1.0
"""The same where a number is wanted: no criterion gives it."""


class Keep(StrEnum):
    """Who of the pictures that agree should stay."""

    BEST = "best"
    LARGEST_FILE = "largest_file"


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Two pictures that agree, and why neither goes for the other's sake."""

    one: int
    other: int
    why: str


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

    def as_json(self) -> dict[str, Any]:
        return {
            "root": locator_of(self.scope.root),
            "shown": readable(os.fsencode(self.scope.root)),
            "camera": self.scope.camera.pattern if self.scope.camera else None,
            "matcher": self.matcher,
            "parameters": self.parameters,
            "keep": self.keep.value,
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
) -> FolderPlan:
    """Look at every picture once, compare those that could agree, and say what could go. Writes nothing.

    The same folder has the same plan, whatever the order its files lie in.
    """
    pictures: list[Scanned] = []
    passed_over: list[PassedOver] = []
    skipped = Skipped()
    for looked in scan(question.scope, pool, progress, max_bytes=max_bytes, skipped=skipped, own=own):
        if isinstance(looked, PassedOver):
            passed_over.append(looked)
        else:
            scanned, working = looked
            matcher.add(working, scanned.group or "")
            pictures.append(scanned)
    compared = _Comparison(pictures, matcher)
    sets, going = [], 0
    for found in removal_sets(ranked(pictures, question.keep), compared.candidates, compared.agreement):
        sets.append(found)
        going += len(found.losers)
        progress("duplicates", going, None)
    items = tuple(_item(pictures, found.keeper, loser, agreed) for found in sets for loser, agreed in found.losers)
    asked = question.as_json()
    request = asked | {"pictures": len(pictures), "aside": locator_of(aside)}
    removal = NewRemoval(FOLDER, request, _hash_of(asked, items), items)
    doubtful = tuple(compared.doubtful)
    return FolderPlan(tuple(pictures), tuple(sets), doubtful, tuple(passed_over), skipped, removal)


def ranked(pictures: Sequence[Scanned], keep: Keep) -> list[int]:
    """Numbers of pictures, who should rather stay first; of two that are equal in all else the first by name.

    Most pixels; of those a lossless file, since its lossy copies look sharper than it does; then sharpest, in steps
    that a save alone does not make; then most bytes.
    """

    def worth(number: int) -> tuple[float, ...]:
        facts, sharpness = pictures[number].assessed.facts, pictures[number].assessed.quality.sharpness or 0.0
        best = (-facts.megapixels, facts.format not in LOSSLESS, -round(sharpness / SHARPER), -facts.bytes)
        return (-facts.bytes, *best) if keep is Keep.LARGEST_FILE else best

    return sorted(range(len(pictures)), key=lambda number: (*worth(number), pictures[number].name))


class _Comparison:
    """A matcher that knows of equal pixels, of pictures without detail, and of what no comparison of pixels shows."""

    def __init__(self, pictures: Sequence[Scanned], matcher: Matcher) -> None:
        self._pictures, self._matcher = pictures, matcher
        # A camera sees nothing by night, and that is what repeats.
        self._flat_too = matcher.name == "scene_change"
        self._told_apart = any(one.group is not None for one in pictures)
        self._equal: dict[str, list[int]] = {}
        for number, one in enumerate(pictures):
            self._equal.setdefault(one.assessed.facts.pixel_hash, []).append(number)
        self.doubtful: list[Doubtful] = []

    def candidates(self, one: int) -> list[int]:
        equal = [other for other in self._equal[self._facts(one).pixel_hash] if other != one]
        if self._stands_alone(one):
            return equal
        return sorted({*equal, *self._matcher.candidates(one).tolist()})

    def agreement(self, keeper: int, other: int) -> float | None:
        """How well they agree, or `EQUAL_PIXELS`; None also where somebody has to look."""
        one, two = self._pictures[keeper], self._pictures[other]
        if self._facts(keeper).sha256 == self._facts(other).sha256:
            return EQUAL_PIXELS if one.group == two.group else None
        agreed = self._agreed(keeper, other)
        if agreed is None:
            return None
        if why := _unseen(one, two) or doubt(one.assessed, two.assessed):
            self.doubtful.append(Doubtful(keeper, other, why))
            return None
        return agreed

    def _agreed(self, keeper: int, other: int) -> float | None:
        one, two = self._pictures[keeper], self._pictures[other]
        if one.group != two.group or (one.group is None and self._told_apart):
            return None
        if self._facts(keeper).pixel_hash == self._facts(other).pixel_hash:
            return EQUAL_PIXELS
        if self._stands_alone(keeper) or self._stands_alone(other):
            return None
        return self._matcher.agreement(keeper, other)

    def _stands_alone(self, number: int) -> bool:
        one = self._pictures[number]
        is_of_none = one.group is None and self._told_apart
        return is_of_none or (one.assessed.too_little_detail and not self._flat_too)

    def _facts(self, number: int) -> PictureFacts:
        return self._pictures[number].assessed.facts


def _unseen(one: Scanned, other: Scanned) -> str | None:
    if one.assessed.facts.unseen or other.assessed.facts.unseen:
        return "one of the two holds transparency or a depth that the compared pixels do not show"
    return None


def _item(pictures: Sequence[Scanned], keeper: int, loser: int, agreed: float) -> PlannedItem:
    why = {"agreement": EXACT if agreed == EQUAL_PIXELS else round(agreed, 4)}
    goes, stays = _told(pictures[loser]), _told(pictures[keeper])
    return PlannedItem(goes, stays, pictures[loser].assessed.facts.bytes, why | {"reasons": _reasons(goes, stays)})


def _told(one: Scanned) -> dict[str, Any]:
    facts = one.assessed.facts
    return {
        "name": readable(os.fsencode(one.name)),
        "at": locator_of(one.name),
        "sha256": facts.sha256,
        "bytes": facts.bytes,
        "width": facts.width,
        "height": facts.height,
        "format": facts.format,
        "sharpness": one.assessed.quality.sharpness,
    }


def _reasons(goes: dict[str, Any], stays: dict[str, Any]) -> list[str]:
    """How the one that stays differs from the one that goes."""
    if goes["sha256"] == stays["sha256"]:
        return ["the very same file"]
    told = []
    if (pixels := stays["width"] * stays["height"] / (goes["width"] * goes["height"])) != 1:
        told.append(f"{pixels:.2f} times the pixels")
    if stays["format"] != goes["format"]:
        told.append(f"{stays['format']} against {goes['format']}")
    if stays["sharpness"] is not None and goes["sharpness"] is not None and stays["sharpness"] != goes["sharpness"]:
        told.append(f"sharpness {stays['sharpness']:.2f} against {goes['sharpness']:.2f}")
    if stays["bytes"] != goes["bytes"]:
        told.append(f"{stays['bytes'] / goes['bytes']:.2f} times the bytes")
    return told or ["nothing tells them apart; the first by name stays"]


def _hash_of(asked: dict[str, Any], items: Sequence[PlannedItem]) -> str:
    """SHA-256 over what was asked and which bytes go for the sake of which others."""
    said = [[item.loser["at"], item.loser["sha256"], item.keeper["at"], item.keeper["sha256"]] for item in items]
    return hashlib.sha256(json.dumps([asked, said], sort_keys=True, separators=(",", ":")).encode()).hexdigest()
