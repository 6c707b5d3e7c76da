"""Which of many pictures agree by the criterion that was chosen, who of them should stay, and why.

Equal pixels agree by every criterion, and a picture with too little detail agrees by nothing else: a blank page is no
copy of another one for being blank. Frames of a fixed camera are excepted, where nothing to be seen is what repeats.
What no comparison of pixels shows (an animation's other frames, transparency, an enlarged copy) is left to a person.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from service.domain.choosing import NEARLY_EQUAL, sum_of
from service.domain.fineness import is_far_sharper
from service.domain.keeper import told_of
from service.domain.letting_go import doubt, lost_unseen, unsure
from service.domain.pairs import Pair
from service.domain.removal_sets import removal_sets
from service.domain.weighing import leads
from service.domain.worth import worth
from service.workflows.folder_scan import PassedOver, Scanned

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from service.domain.lead import Lead
    from service.domain.policy import Policy
    from service.domain.removal_sets import RemovalSet
    from service.domain.values import Assessed, PictureFacts
    from service.workflows.findings import Progress
    from service.workflows.folder_scan import Looked
    from service.workflows.matchers import Matcher

PROTECTED = "the policy protects where it lies or comes from"
"""Why a picture never goes."""
EXACT = "pixels"
"""The agreement of equal pixels, told instead of a number."""
EQUAL_PIXELS = -1.0
"""The same where a number is wanted: no criterion gives it."""


MOST_DOUBTS = 20
"""Pairs of one picture that are left to a person; with others that only might agree it is compared no more."""


class Keep(StrEnum):
    """Who of the pictures that agree should stay."""

    BEST = "best"
    LARGEST_FILE = "largest_file"


@runtime_checkable
class Judging(Protocol):
    """A matcher that looks at more than pixels, and may doubt what it finds."""

    def know(self, assessed: Assessed) -> None:
        """What is known of the picture that is added next."""
        ...

    def doubt(self, one: int, other: int) -> str | None:
        """Why `other` should not go for the sake of `one`, with which it agreed just now."""
        ...


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Two pictures that agree, and why neither goes for the other's sake."""

    one: int
    other: int
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """What was found among pictures."""

    pictures: tuple[Scanned, ...]
    sets: tuple[RemovalSet, ...]
    """Numbers of pictures, agreement as the matcher gives it or `EQUAL_PIXELS`."""
    doubtful: tuple[Doubtful, ...]
    """What agrees, and yet is left for somebody to look at."""
    passed_over: tuple[PassedOver, ...]


def find(
    looked: Iterable[Looked],
    matcher: Matcher,
    keep: Keep,
    progress: Progress,
    policy: Policy,
    *,
    stays: Collection[str] = (),
    add: Callable[[Any, str], None] | None = None,
) -> Found:
    """Hand every picture to the matcher, and compare those that could agree.

    Pictures come with their working pixels; with what the matcher's sight made of them where its `keep` is to `add` them.

    The same pictures are found the same, whatever order they come in. Those whose names are in `stays` never go: what
    would go for another one's sake is doubtful.
    """
    pictures: list[Scanned] = []
    passed_over: list[PassedOver] = []
    take = add or matcher.add
    for one in looked:
        if isinstance(one, PassedOver):
            passed_over.append(one)
        else:
            scanned, seen = one
            if isinstance(matcher, Judging):
                matcher.know(scanned.assessed)
            take(seen, scanned.group or "")
            pictures.append(scanned)
    compared = _Comparison(pictures, matcher, stays, policy if keep is Keep.BEST else None)
    sets, going = [], 0
    for found in removal_sets(ranked(pictures, keep, policy), compared.candidates, compared.agreement):
        sets.append(found)
        going += len(found.losers)
        progress("duplicates", going, None)
    gone = {loser for one in sets for loser, _ in one.losers}
    doubtful = (pair for pair in compared.doubtful if not gone & {pair.one, pair.other})
    return Found(tuple(pictures), tuple(sets), tuple(doubtful), tuple(passed_over))


def ranked(pictures: Sequence[Scanned], keep: Keep, policy: Policy) -> list[int]:
    """Numbers of pictures, who should rather stay first; of two that are equal in all else the first by name."""

    def before(number: int) -> tuple[float, ...]:
        best = -round(worth(pictures[number].assessed, policy), 9)
        return (-pictures[number].assessed.facts.bytes, best) if keep is Keep.LARGEST_FILE else (best,)

    return sorted(range(len(pictures)), key=lambda number: (*before(number), pictures[number].name))


def lead_of(stays: Scanned, goes: Scanned, policy: Policy) -> list[Lead]:
    """By what the one that stays is ahead of the one that goes, as far as each tells alone."""
    return leads(stays.assessed, goes.assessed, Pair(same_pixels=_same_pixels(stays, goes)), policy)


def _same_pixels(one: Scanned, other: Scanned) -> bool:
    return one.assessed.facts.pixel_hash == other.assessed.facts.pixel_hash


class _Comparison:
    """A matcher that knows of equal pixels, of pictures without detail, and of what no comparison of pixels shows."""

    def __init__(
        self, pictures: Sequence[Scanned], matcher: Matcher, stays: Collection[str], policy: Policy | None
    ) -> None:
        self._stays = stays
        self._policy = policy
        self._pictures, self._matcher = pictures, matcher
        # A camera sees nothing by night, and that is what repeats.
        self._flat_too = matcher.name == "scene_change"
        self._told_apart = any(one.group is not None for one in pictures)
        self._equal: dict[str, list[int]] = {}
        for number, one in enumerate(pictures):
            self._equal.setdefault(one.assessed.facts.pixel_hash, []).append(number)
        self.doubtful: list[Doubtful] = []
        self._doubted: Counter[int] = Counter()

    def candidates(self, one: int) -> list[int]:
        equal = [other for other in self._equal[self._facts(one).pixel_hash] if other != one]
        if self._stands_alone(one):
            return equal
        return sorted({*equal, *self._matcher.candidates(one).tolist()})

    def agreement(self, keeper: int, other: int) -> float | None:
        """How well they agree, or `EQUAL_PIXELS`; None also where somebody has to look."""
        one, two = self._pictures[keeper], self._pictures[other]
        if self._facts(keeper).sha256 == self._facts(other).sha256:
            agreed = EQUAL_PIXELS if one.group == two.group else None
            why = two.stays
        else:
            agreed = self._agreed(keeper, other)
            why = two.stays or _unseen(one, two) or doubt(one.assessed, two.assessed) or self._is_behind(one, two)
            if two.name in self._stays:
                why = "others went for its sake"
        if agreed is None:
            return None
        if not why and agreed != EQUAL_PIXELS and isinstance(self._matcher, Judging):
            why = self._matcher.doubt(keeper, other)
        if why:
            self.doubtful.append(Doubtful(keeper, other, why))
            self._doubted.update((keeper, other))
            return None
        return agreed

    def _is_behind(self, one: Scanned, other: Scanned) -> str | None:
        """Alone the first was worth more; beside the other it may be the lesser one. Not asked where bytes decide."""
        if self._policy is None:
            return None
        if why := unsure(one.assessed, other.assessed):
            return why
        found = lead_of(one, other, self._policy)
        ahead = sum_of(found)
        if ahead <= -NEARLY_EQUAL:
            return f"the one that would go {next(lead.text for lead in found if lead.weight < 0)}"
        why = None if _same_pixels(one, other) else lost_unseen(one.assessed, other.assessed, found, self._policy)
        if why:
            return why
        is_open = ahead < self._policy.clear_lead and is_far_sharper(one.assessed, other.assessed)
        if is_open or is_far_sharper(other.assessed, one.assessed):
            return "one of the two is far sharper: it was sharpened, or the other one blurred"
        return None

    def _agreed(self, keeper: int, other: int) -> float | None:
        one, two = self._pictures[keeper], self._pictures[other]
        if one.group != two.group or (one.group is None and self._told_apart):
            return None
        if _same_pixels(one, two):
            return EQUAL_PIXELS
        if self._stands_alone(keeper) or self._stands_alone(other):
            return None
        # Of a row of frames each agrees with each: who looks at so many pairs needs no more to see what they are.
        if max(self._doubted[keeper], self._doubted[other]) >= MOST_DOUBTS:
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


def why(goes: dict[str, Any], stays: dict[str, Any], agreed: float, found: Sequence[Lead], by: str) -> dict[str, Any]:
    """What is told of a loser: how well it agrees with its keeper, how the two differ, and what of that counted.

    `by`: the policy's name.
    """
    return {
        "agreement": EXACT if agreed == EQUAL_PIXELS else round(agreed, 4),
        "reasons": _reasons(goes, stays),
        "weighed": [{"text": text, "weight": weight} for text, weight in told_of(found, "the keeper", "the other")],
        "policy": by,
    }


def measures(one: Scanned) -> dict[str, Any]:
    """What is told of a picture and compared by the reasons."""
    facts = one.assessed.facts
    return {
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
