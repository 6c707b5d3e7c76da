"""Who stays. First rule: more pixels, then sharper, then, within one format, more bytes; else the one stored first.

The query is weighed against the best of the stored copies, not against the likeliest. Every reason carries its weight:
positive where it speaks for the one that stays, negative where it speaks against.

The rule says *review* where it cannot tell, for a wrong delete is worse than a question: between a picture and an edit
of it (which is the source?), where only first frames were compared, where one holds transparency or a depth that the
compared pixels do not show, where the one with more pixels looks blurred or enlarged beside the other, and where a
lossless query would go only because a lossy copy of it was stored first. Where the query stays, the same is asked of
each stored copy before it may go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from service.domain.direction import differ_in_size
from service.domain.values import Action, Reason, Recommendation, Relation, VerdictKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.domain.values import Assessed, Match

QUERY = "query"

SHARPER = 0.11
"""Smaller differences in sharpness do not decide: the artefacts of a save at JPEG 90 alone raise it by up to 0.105 on
500 photographs, while a blur of 2 pixels lowers the median from 0.88 to 0.04 (training/measure_limits.py)."""
MUCH_SHARPER = 0.25
"""A smaller picture this much sharper than the larger: 99 % of 250 photographs scaled down to a half gain 0.21 or less,
99 % of those blurred by 1 pixel or more and enlarged by 5 % lose 0.35 or more, 90 % of those enlarged twice 0.34."""
HEAVIER = 1.02
"""A file must be this many times as large as the other, of the same format, for its bytes to decide."""

LOSSLESS = frozenset({"BMP", "PNG", "TIFF"})
"""Formats that keep every level; WebP, AVIF and HEIC may, and do not say so in what is read of them."""

UNTOUCHED = Recommendation(Action.KEEP)


@dataclass(frozen=True, slots=True)
class _Advantage:
    """How far a stored picture leads the query; negative where the query leads, 0 for a tie. In order of importance."""

    pixels: float
    """log2 of the ratio."""
    sharpness: float
    size: float
    """log2 of the ratio of bytes."""

    @property
    def order(self) -> tuple[float, float, float]:
        return (self.pixels, self.sharpness, self.size)

    @property
    def decisive(self) -> float:
        return next((lead for lead in self.order if lead), 0.0)


def recommend(
    kind: VerdictKind,
    query: Assessed,
    copies: Sequence[Match],
    others: Sequence[Match],
    references: Mapping[str, Assessed],
) -> tuple[Recommendation, tuple[Match, ...]]:
    """The recommendation for the query, and all matches each with its own.

    `copies` are the matches at or above the operating point, likeliest first; `others` come after them, and about
    those nothing is recommended but to keep them, or, if it is one of them that leaves the verdict open, to look.
    `references` holds what was assessed of the contents, by content id.
    """
    verdict = _about_query(kind, query, copies, references)
    judged = [
        replace(match, recommendation=_about(match, verdict, query, references[match.content_id])) for match in copies
    ]
    for match in others:
        asks = kind is VerdictKind.UNCERTAIN and not judged
        judged.append(replace(match, recommendation=Recommendation(Action.REVIEW) if asks else UNTOUCHED))
    return verdict, tuple(judged)


def _about_query(
    kind: VerdictKind, query: Assessed, copies: Sequence[Match], references: Mapping[str, Assessed]
) -> Recommendation:
    if kind is VerdictKind.UNCERTAIN:
        return _review("the evidence speaks neither clearly for a copy nor against it")
    if kind is VerdictKind.UNIQUE or not copies:
        reason = Reason("no stored picture was found to come from the same source", 1.0)
        return Recommendation(Action.KEEP, QUERY, (reason,))
    return _among(query, copies, references)


def _among(query: Assessed, copies: Sequence[Match], references: Mapping[str, Assessed]) -> Recommendation:
    """Who stays of the query and the stored copies of it."""
    if copies[0].relation is Relation.IDENTICAL:
        return Recommendation(Action.DELETE, copies[0].image_id, (Reason("the very same file is stored already", 1.0),))
    plain = [match for match in copies if match.relation is not Relation.EDITED]
    if not plain:
        return _review("one is an edit of the other, and which is the source cannot be told")
    advantages = {match.image_id: _advantage(query, references[match.content_id], match.relation) for match in plain}
    best = max(plain, key=lambda match: advantages[match.image_id].order)
    reference, advantage = references[best.content_id], advantages[best.image_id]
    if why := doubt(query, reference):
        return _review(why)
    stored_stays = advantage.decisive >= 0
    if (
        not advantage.decisive
        and best.relation is not Relation.SAME_PIXELS
        and _only_query_is_lossless(query, reference)
    ):
        return _review("nothing but its earlier arrival speaks for the stored picture, and the query alone is lossless")
    reasons = (_origin(best), *_reasons(query, reference, advantage, stored_stays=stored_stays))
    if stored_stays:
        return Recommendation(Action.DELETE, best.image_id, reasons)
    return Recommendation(Action.KEEP, QUERY, reasons)


def _about(match: Match, verdict: Recommendation, query: Assessed, reference: Assessed) -> Recommendation:
    """What the verdict means for a stored copy: it goes only if the query stays and is surely no less than it."""
    if verdict.action is Action.REVIEW:
        return Recommendation(Action.REVIEW)
    if verdict.keeper != QUERY:
        return UNTOUCHED
    if match.relation is Relation.EDITED or doubt(query, reference):
        return Recommendation(Action.REVIEW)
    return Recommendation(Action.DELETE)


def doubt(query: Assessed, reference: Assessed) -> str | None:
    """Why sizes and sharpness must not decide between these two, or None."""
    if query.facts.animated or reference.facts.animated:
        return "only the first frames of an animation were compared"
    if query.facts.unseen != reference.facts.unseen:
        return "one of the two holds transparency or a depth that the compared pixels do not show"
    smaller, larger = sorted((query, reference), key=lambda assessed: assessed.facts.megapixels)
    if differ_in_size(smaller.facts, larger.facts) and _sharpness_lead(smaller, larger) >= MUCH_SHARPER:
        return "the larger picture is far less sharp: it may have been blurred or enlarged"
    return None


def _only_query_is_lossless(query: Assessed, reference: Assessed) -> bool:
    return query.facts.format in LOSSLESS and reference.facts.format not in LOSSLESS


def _advantage(query: Assessed, reference: Assessed, relation: Relation) -> _Advantage:
    if relation is Relation.SAME_PIXELS:
        return _Advantage(0.0, 0.0, 0.0)
    pixels = sharpness = size = 0.0
    if differ_in_size(query.facts, reference.facts):
        pixels = math.log2(reference.facts.megapixels / query.facts.megapixels)
    elif abs(lead := _sharpness_lead(reference, query)) >= SHARPER:
        # Only at equal size: a smaller rendering is sharper for each pixel without holding more.
        sharpness = lead
    ratio = reference.facts.bytes / query.facts.bytes
    if query.facts.format == reference.facts.format and max(ratio, 1 / ratio) >= HEAVIER:
        size = math.log2(ratio)
    return _Advantage(pixels, sharpness, size)


def _sharpness_lead(left: Assessed, right: Assessed) -> float:
    if left.quality.sharpness is None or right.quality.sharpness is None:
        return 0.0
    return left.quality.sharpness - right.quality.sharpness


def _reasons(query: Assessed, reference: Assessed, advantage: _Advantage, *, stored_stays: bool) -> list[Reason]:
    sign = 1.0 if stored_stays else -1.0

    def reason(lead: float, text: str, ceiling: float, full_at: float) -> Reason:
        leader = "the stored picture" if lead > 0 else "the query"
        share = min(1.0, abs(lead) / full_at)
        return Reason(f"{leader} {text}", round(math.copysign(ceiling * share, lead) * sign, 3))

    reasons = []
    if advantage.pixels:
        reasons.append(reason(advantage.pixels, f"has {2 ** abs(advantage.pixels):.1f} times the pixels", 0.6, 2.0))
    if advantage.sharpness:
        sharpnesses = (query.quality.sharpness or 0.0, reference.quality.sharpness or 0.0)
        text = f"is sharper ({max(sharpnesses):.2f} against {min(sharpnesses):.2f})"
        reasons.append(reason(advantage.sharpness, text, 0.3, 0.5))
    if advantage.size:
        text = f"is the larger file ({2 ** abs(advantage.size):.1f} times the bytes)"
        reasons.append(reason(advantage.size, text, 0.1, 2.0))
    if not advantage.decisive:
        reasons.append(Reason("nothing else tells them apart, and the stored picture was first", 0.1))
    return reasons


def _origin(match: Match) -> Reason:
    if match.relation is Relation.SAME_PIXELS:
        return Reason("both hold exactly the same pixels", 0.5)
    return Reason(f"both come from one source ({_percent(match.probability)} sure)", 0.3)


def _percent(probability: float) -> str:
    """Rounded down: nothing but equal bytes or pixels is quite certain."""
    return f"{math.floor(probability * 1000) / 10:.1f} %"


def _review(why: str) -> Recommendation:
    return Recommendation(Action.REVIEW, None, (Reason(why, 1.0),))
