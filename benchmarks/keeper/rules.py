"""Whom other rules would keep: plain ones, and those that other tools choose by unless told otherwise.

The tools themselves are not run: their rules are written anew from their sources and documentation, each in a line.
Ties go to the content hash that comes first, so that neither names nor order decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.policy import DEFAULT
from service.domain.worth import worth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from service.domain.values import Assessed


def _most(members: Sequence[Assessed], key: Callable[[Assessed], tuple[float, ...]]) -> int:
    best = max(key(member) for member in members)
    tied = [number for number, member in enumerate(members) if key(member) == best]
    return min(tied, key=lambda number: members[number].facts.sha256)


def largest_file(members: Sequence[Assessed]) -> int:
    return _most(members, lambda one: (one.facts.bytes,))


def most_pixels(members: Sequence[Assessed]) -> int:
    return _most(members, lambda one: (one.facts.megapixels,))


def sharpest(members: Sequence[Assessed]) -> int:
    return _most(members, lambda one: (one.quality.sharpness or 0.0,))


def dupeguru(members: Sequence[Assessed]) -> int:
    """Rewritten: the largest file is the reference (core/scanner.py); then names decide, which are shuffled here."""
    return largest_file(members)


def immich(members: Sequence[Assessed]) -> int:
    """Rewritten: the largest file, then the one with more EXIF (what its page of duplicates suggests, pull 14947)."""
    return _most(members, lambda one: (one.facts.bytes, bool(one.quality.metadata_kept)))


def czkawka(members: Sequence[Assessed]) -> int:
    """Rewritten: all but the biggest (`AEB`). Unless told so, its default deletes nothing and chooses nobody."""
    return largest_file(members)


def worth_alone(members: Sequence[Assessed]) -> int:
    """Ours, before any two are compared: the order in which removal plans try keepers."""
    return _most(members, lambda one: (round(worth(one, DEFAULT), 9),))


RULES: dict[str, Callable[[Sequence[Assessed]], int]] = {
    "largest_file": largest_file,
    "most_pixels": most_pixels,
    "sharpest": sharpest,
    "czkawka_rewritten": czkawka,
    "dupeguru_rewritten": dupeguru,
    "immich_rewritten": immich,
    "keepone_worth_alone": worth_alone,
}
