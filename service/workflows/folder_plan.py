"""What could go from a folder: pictures that agree with a better one by the criterion that was chosen.

Equal pixels agree by every criterion, and a picture with too little detail agrees by nothing else: a blank page is no
copy of another one for being blank. Frames of a fixed camera are excepted, where nothing to be seen is what repeats.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes

from index_store.removal_records import NewRemoval, PlannedItem
from service.domain.removal_sets import removal_sets
from service.inputs.names import readable
from service.inputs.values import Skipped
from service.workflows.folder_scan import PassedOver, Scanned, Scope, scan

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from service.domain.removal_sets import RemovalSet
    from service.pictures.pool import DecodePool
    from service.workflows.findings import Progress
    from service.workflows.matchers import Matcher

FOLDER = "folder"
EXACT = "pixels"
"""The agreement of equal pixels, told instead of a number."""


class Keep(StrEnum):
    """Who of the pictures that agree should stay."""

    BEST = "best"
    LARGEST_FILE = "largest_file"


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """What was found, and the plan that follows from it."""

    pictures: tuple[Scanned, ...]
    sets: tuple[RemovalSet, ...]
    """Numbers of pictures; an agreement of -1 stands for equal pixels."""
    passed_over: tuple[PassedOver, ...]
    skipped: Skipped
    removal: NewRemoval

    @property
    def going(self) -> int:
        return len(self.removal.items)


@dataclass(frozen=True, slots=True)
class FolderQuestion:
    """What was asked for; the parameters are the matcher's own."""

    scope: Scope
    matcher: str
    parameters: dict[str, Any] = field(default_factory=dict)
    keep: Keep = Keep.BEST

    def as_json(self) -> dict[str, Any]:
        root = os.fsencode(self.scope.root)
        return {
            "root": quote_from_bytes(root),
            "shown": readable(root),
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
            matcher.add(working, scanned.group)
            pictures.append(scanned)
    by_detail = _ByDetail(pictures, matcher, flat_too=matcher.name == "scene_change")
    sets = []
    for found in removal_sets(ranked(pictures, question.keep), by_detail.candidates, by_detail.agreement):
        sets.append(found)
        progress("duplicates", sum(len(one.losers) for one in sets), None)
    items = tuple(_item(pictures, found.keeper, loser, agreed) for found in sets for loser, agreed in found.losers)
    asked = question.as_json()
    removal = NewRemoval(FOLDER, asked | {"pictures": len(pictures)}, _hash_of(asked, items), items)
    return FolderPlan(tuple(pictures), tuple(sets), tuple(passed_over), skipped, removal)


def ranked(pictures: Sequence[Scanned], keep: Keep) -> list[int]:
    """Numbers of pictures, who should rather stay first; of two that are equal in all else the first by name."""

    def worth(number: int) -> tuple[float, ...]:
        facts, sharpness = pictures[number].assessed.facts, pictures[number].assessed.quality.sharpness or 0.0
        if keep is Keep.LARGEST_FILE:
            return (-facts.bytes, -facts.megapixels, -sharpness)
        return (-facts.megapixels, -sharpness, -facts.bytes)

    return sorted(range(len(pictures)), key=lambda number: (*worth(number), pictures[number].name))


class _ByDetail:
    """A matcher that knows of equal pixels and of pictures without detail."""

    def __init__(self, pictures: Sequence[Scanned], matcher: Matcher, *, flat_too: bool) -> None:
        self._pictures, self._matcher, self._flat_too = pictures, matcher, flat_too
        self._equal: dict[tuple[str, str], list[int]] = {}
        for number, one in enumerate(pictures):
            self._equal.setdefault(self._key(one), []).append(number)

    @staticmethod
    def _key(one: Scanned) -> tuple[str, str]:
        return one.group, one.assessed.facts.pixel_hash

    def candidates(self, one: int) -> list[int]:
        equal = [other for other in self._equal[self._key(self._pictures[one])] if other != one]
        if self._is_flat(one):
            return equal
        return sorted({*equal, *self._matcher.candidates(one).tolist()})

    def agreement(self, one: int, other: int) -> float | None:
        if self._key(self._pictures[one]) == self._key(self._pictures[other]):
            return -1.0
        if self._is_flat(one) or self._is_flat(other):
            return None
        return self._matcher.agreement(one, other)

    def _is_flat(self, number: int) -> bool:
        return self._pictures[number].assessed.too_little_detail and not self._flat_too


def _item(pictures: Sequence[Scanned], keeper: int, loser: int, agreed: float) -> PlannedItem:
    why = {"agreement": EXACT if agreed < 0 else round(agreed, 4)}
    goes, stays = _told(pictures[loser]), _told(pictures[keeper])
    return PlannedItem(goes, stays, pictures[loser].assessed.facts.bytes, why | {"reasons": _reasons(goes, stays)})


def _told(one: Scanned) -> dict[str, Any]:
    facts, raw = one.assessed.facts, os.fsencode(one.name)
    return {
        "name": readable(raw),
        "at": quote_from_bytes(raw),
        "sha256": facts.sha256,
        "bytes": facts.bytes,
        "width": facts.width,
        "height": facts.height,
        "format": facts.format,
        "sharpness": one.assessed.quality.sharpness,
    }


def _reasons(goes: dict[str, Any], stays: dict[str, Any]) -> list[str]:
    """What speaks for the one that stays, first what decided."""
    if goes["sha256"] == stays["sha256"]:
        return ["the very same file"]
    told = []
    if (pixels := stays["width"] * stays["height"] / (goes["width"] * goes["height"])) != 1:
        told.append(f"{pixels:.2f} times the pixels")
    if stays["sharpness"] is not None and goes["sharpness"] is not None and stays["sharpness"] != goes["sharpness"]:
        told.append(f"sharpness {stays['sharpness']:.2f} against {goes['sharpness']:.2f}")
    if stays["bytes"] != goes["bytes"]:
        told.append(f"{stays['bytes'] / goes['bytes']:.2f} times the bytes")
    return told or ["nothing tells them apart; the first by name stays"]


def _hash_of(asked: dict[str, Any], items: Sequence[PlannedItem]) -> str:
    """SHA-256 over what was asked and which bytes go for the sake of which others."""
    said = [[item.loser["at"], item.loser["sha256"], item.keeper["at"], item.keeper["sha256"]] for item in items]
    return hashlib.sha256(json.dumps([asked, said], sort_keys=True, separators=(",", ":")).encode()).hexdigest()
