"""Who stays of several copies, and what may become of the others.

Each picture is weighed against each other one (`weighing`). Who is ahead of the most others stays; what is ahead of
fewer goes. Where three or more are known to one another, the one that all the others are most like is ahead by that,
too: copies differ from their original each in its own way, and from one another by both. Nothing but what is in the
pictures decides: neither the order they come in, nor names, times or ids. Where all of that is equal, the stored
picture stays before the query, and among others the one whose content hash comes first.

The rule says *review* where it cannot tell, for a wrong delete is worse than a question: where what speaks for either
nearly cancels out, where only first frames were compared, where one holds transparency or a depth that the compared
pixels do not show, and where a lossless query would go only because a lossy copy of it was stored first. It names the
keeper and still asks, where the policy does not let a picture go without a look in the relation that it has to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from service.domain.direction import differ_in_size
from service.domain.letting_go import OTHER_WAY, is_other_way, unsure
from service.domain.pairs import NOTHING_KNOWN, pair_of
from service.domain.policy import DEFAULT
from service.domain.values import Action, Reason, Recommendation, Relation, VerdictKind
from service.domain.weighing import LOSSLESS, Lead, leads, unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from service.domain.pairs import Pair
    from service.domain.policy import Policy
    from service.domain.values import Assessed, Match

QUERY = "query"

MUCH_SHARPER = 0.25
"""A smaller picture this much sharper than the larger: 99 % of 250 photographs scaled down to a half gain 0.21 or less,
99 % of those blurred by 1 pixel or more and enlarged by 5 % lose 0.35 or more, 90 % of those enlarged twice 0.34."""
STEADY_LIKENESS, FULL_LIKENESS = 0.004, 0.05
"""Mean appearance to all the others by which one of two is nearer: what counts for nothing, and in full."""
NEARLY_EQUAL = 0.03
"""A lead of less is none, however much more the policy asks for before one goes for another's sake."""
MUCH = 3.0
"""Times a clear lead that must be said for and against together, before two count as told apart and not as equal."""

UNTOUCHED = Recommendation(Action.KEEP)
CANCELS_OUT = "what speaks for one and for the other nearly cancels out"


@dataclass(frozen=True, slots=True)
class Choice:
    """Number of the member that stays, and its leads over each other member, all told."""

    keeper: int
    leads: Mapping[int, tuple[Lead, ...]]


def choose(members: Sequence[Assessed], pairs: Mapping[tuple[int, int], Pair], policy: Policy) -> Choice:
    """Who stays of one member or more. `pairs`: what was found between two, by their numbers, in either order."""
    numbers = range(len(members))
    found: dict[tuple[int, int], tuple[Lead, ...]] = {}
    for one in numbers:
        for other in numbers[one + 1 :]:
            pair = _between(one, other, pairs)
            found[one, other] = (
                *leads(members[one], members[other], pair, policy),
                *_central(one, other, len(members), pairs, policy),
            )
            found[other, one] = tuple(lead._replace(weight=-lead.weight) for lead in found[one, other])
    ahead = {number: [sum_of(found[number, other]) for other in numbers if other != number] for number in numbers}

    def standing(number: int) -> tuple[int, float, str]:
        """Ahead of how many, by how much of the one that comes closest; then what holds whatever the order."""
        return (
            -sum(lead > 0 for lead in ahead[number]),
            -round(min(ahead[number], default=0.0), 9),
            members[number].facts.sha256,
        )

    keeper = min(numbers, key=standing)
    return Choice(keeper, {other: found[keeper, other] for other in numbers if other != keeper})


def _between(one: int, other: int, pairs: Mapping[tuple[int, int], Pair]) -> Pair:
    if (one, other) in pairs:
        return pairs[one, other]
    return pairs[other, one].turned() if (other, one) in pairs else NOTHING_KNOWN


def _central(
    one: int, other: int, count: int, pairs: Mapping[tuple[int, int], Pair], policy: Policy
) -> tuple[Lead, ...]:
    """Which of two all the others are more like; nothing unless that is known of all of them."""
    nearer = []
    for third in range(count):
        if third in (one, other):
            continue
        here, there = (_between(each, third, pairs).alike for each in (one, other))
        if here is None or there is None:
            return ()
        nearer.append(here - there)
    if not nearer:
        return ()
    mean = math.fsum(nearer) / len(nearer)
    share = math.copysign(min(1.0, max(0.0, abs(mean) - STEADY_LIKENESS) / FULL_LIKENESS), mean)
    return (Lead("centre", policy.weights.centre * share, "is what all the others are most like"),) if share else ()


def sum_of(found: Sequence[Lead]) -> float:
    """All leads together."""
    return round(math.fsum(lead.weight for lead in found), 9)


def is_clear(found: Sequence[Lead], policy: Policy) -> bool:
    """Whether these leads tell two pictures apart."""
    return abs(sum_of(found)) >= policy.clear_lead


def cancels_out(found: Sequence[Lead], policy: Policy) -> bool:
    """Whether much is said for either of two and nothing comes of it; otherwise they are nearly equal."""
    return not is_clear(found, policy) and math.fsum(abs(lead.weight) for lead in found) >= MUCH * policy.clear_lead


def recommend(
    kind: VerdictKind,
    query: Assessed,
    copies: Sequence[Match],
    others: Sequence[Match],
    references: Mapping[str, Assessed],
    policy: Policy = DEFAULT,
    *,
    protected: Collection[str] = (),
) -> tuple[Recommendation, tuple[Match, ...]]:
    """The recommendation for the query, and all matches each with its own.

    `copies` are the matches at or above the operating point, likeliest first; `others` come after them, and about
    those nothing is recommended but to keep them, or, if it is one of them that leaves the verdict open, to look.
    `references` holds what was assessed of the contents, by content id. `protected` are content ids that never go, and
    `QUERY` if the query is not to go either.
    """
    verdict, choice = _about_query(kind, query, copies, references, policy, protected)
    judged = []
    for place, match in enumerate(copies):
        found = choice.leads.get(place + 1, ()) if choice is not None else ()
        about = _about(match, verdict, query, references[match.content_id], found, policy, protected)
        judged.append(replace(match, recommendation=about))
    for match in others:
        asks = kind is VerdictKind.UNCERTAIN and not judged
        judged.append(replace(match, recommendation=Recommendation(Action.REVIEW) if asks else UNTOUCHED))
    return verdict, tuple(judged)


def _about_query(
    kind: VerdictKind,
    query: Assessed,
    copies: Sequence[Match],
    references: Mapping[str, Assessed],
    policy: Policy,
    protected: Collection[str],
) -> tuple[Recommendation, Choice | None]:
    if kind is VerdictKind.UNCERTAIN:
        return _review("the evidence speaks neither clearly for a copy nor against it"), None
    if kind is VerdictKind.UNIQUE or not copies:
        reason = Reason("no stored picture was found to come from the same source", 1.0)
        return Recommendation(Action.KEEP, QUERY, (reason,)), None
    if copies[0].relation is Relation.IDENTICAL:
        reason = Reason("the very same file is stored already", 1.0)
        return _goes(copies[0], (reason,), policy, protected), None
    return _among(query, copies, references, policy, protected)


def _among(
    query: Assessed,
    copies: Sequence[Match],
    references: Mapping[str, Assessed],
    policy: Policy,
    protected: Collection[str],
) -> tuple[Recommendation, Choice]:
    """Who stays of the query and the stored copies of it."""
    members = [query, *(references[match.content_id] for match in copies)]
    pairs = {(0, place + 1): _pair(match) for place, match in enumerate(copies)}
    choice = choose(members, pairs, policy)
    # The query is weighed against the best of the stored ones, whoever of all of them stays.
    rival = (choice.keeper or choose(members[1:], {}, policy).keeper + 1) - 1
    best, reference = copies[rival], references[copies[rival].content_id]
    found = choice.leads[0] if choice.keeper else tuple(choice.leads[rival + 1])
    if why := doubt(query, reference):
        return _review(why), choice
    origin = Reason(*_origin(best))
    if is_clear(found, policy) and sum_of(found) < 0:  # ahead of most, and yet not of this one
        return _review(CANCELS_OUT), choice
    if is_clear(found, policy) and choice.keeper == 0:
        return Recommendation(Action.KEEP, QUERY, (origin, *_reasons(found, query, reference, stays="query"))), choice
    if is_clear(found, policy):
        reasons = (origin, *_reasons(found, query, reference, stays="stored picture"))
        return _goes(best, reasons, policy, protected, _why_not(best, reference, query, query_goes=True)), choice
    return _equal(best, query, reference, found, policy, protected), choice


def _equal(
    best: Match,
    query: Assessed,
    reference: Assessed,
    found: Sequence[Lead],
    policy: Policy,
    protected: Collection[str],
) -> Recommendation:
    """Where weighing does not tell them apart."""
    if best.relation is Relation.EDITED:
        return _review("one is an edit of the other, and which is the source cannot be told")
    if cancels_out(found, policy):
        return _review(CANCELS_OUT)
    if abs(sum_of(found)) >= NEARLY_EQUAL:
        return _review("one of them is ahead, but not by as much as the policy asks for")
    if reference.quality.compression is None and query.quality.compression is not None:
        return _review("how much the stored picture lost to compression is not known")
    if best.relation is not Relation.SAME_PIXELS and _only_query_is_lossless(query, reference):
        return _review("nothing but its earlier arrival speaks for the stored picture, and the query alone is lossless")
    first = Reason("nothing else tells them apart, and the stored picture was first", 0.1)
    reasons = (Reason(*_origin(best)), first)
    return _goes(best, reasons, policy, protected, _why_not(best, reference, query, query_goes=True))


def _why_not(match: Match, stays: Assessed, goes: Assessed, *, query_goes: bool) -> str | None:
    """Why one may not go for the other's sake without a look, or None. Of the same pixels only files are compared."""
    if is_other_way(match.direction, query_goes=query_goes):
        return OTHER_WAY
    return unsure(stays, goes)


def _goes(
    best: Match, reasons: tuple[Reason, ...], policy: Policy, protected: Collection[str], why_not: str | None = None
) -> Recommendation:
    """The query may go for a stored picture's sake, if the policy lets it and nothing says why not."""
    if QUERY in protected:
        reason = Reason("the policy protects where the query comes from", 1.0)
        return Recommendation(Action.KEEP, best.image_id, (reason, *reasons))
    if best.relation not in policy.without_review:
        reason = Reason(f"the policy lets no {best.relation.value} picture go without a look", 1.0)
        return Recommendation(Action.REVIEW, best.image_id, (reason, *reasons))
    if why_not is not None:
        return Recommendation(Action.REVIEW, best.image_id, (Reason(why_not, 1.0), *reasons))
    return Recommendation(Action.DELETE, best.image_id, reasons)


def _about(
    match: Match,
    verdict: Recommendation,
    query: Assessed,
    reference: Assessed,
    found: Sequence[Lead],
    policy: Policy,
    protected: Collection[str],
) -> Recommendation:
    """What the verdict means for a stored copy: it goes only if the query stays and is surely no less than it."""
    if match.content_id in protected:
        return UNTOUCHED
    if verdict.keeper is None:
        return Recommendation(Action.REVIEW)
    if verdict.keeper != QUERY:
        return UNTOUCHED
    asks = match.relation not in policy.without_review or not is_clear(found, policy) or sum_of(found) < 0
    if asks or doubt(query, reference) or _why_not(match, query, reference, query_goes=False):
        return Recommendation(Action.REVIEW)
    return Recommendation(Action.DELETE)


def doubt(query: Assessed, reference: Assessed) -> str | None:
    """Why numbers must not decide between these two, or None."""
    if query.facts.animated or reference.facts.animated:
        return "only the first frames of an animation were compared"
    if query.facts.unseen != reference.facts.unseen:
        return "one of the two holds transparency or a depth that the compared pixels do not show"
    if None not in (query.quality.effective_megapixels, reference.quality.effective_megapixels):
        return None
    smaller, larger = sorted((query, reference), key=lambda assessed: assessed.facts.megapixels)
    if differ_in_size(smaller.facts, larger.facts) and _sharpness_lead(smaller, larger) >= MUCH_SHARPER:
        return "the larger picture is far less sharp: it may have been blurred or enlarged"
    return None


def _only_query_is_lossless(query: Assessed, reference: Assessed) -> bool:
    was_lossy = query.quality.was_lossy or query.quality.earlier_jpeg_quality is not None
    return query.facts.format in LOSSLESS and not was_lossy and reference.facts.format not in LOSSLESS


def _sharpness_lead(left: Assessed, right: Assessed) -> float:
    if left.quality.sharpness is None or right.quality.sharpness is None:
        return 0.0
    return left.quality.sharpness - right.quality.sharpness


def _pair(match: Match) -> Pair:
    evidence = match.evidence
    overlaps = evidence.query_overlap, evidence.reference_overlap
    return pair_of(match.relation, match.edits, overlaps, evidence.appearance)


def _reasons(found: Sequence[Lead], query: Assessed, reference: Assessed, *, stays: str) -> list[Reason]:
    """Positive for the one that stays; what could not be compared is said with no weight."""
    names = ("the query", "the stored picture") if stays == "query" else ("the stored picture", "the query")
    told = [Reason(text, weight) for text, weight in told_of(found, *names)]
    told.extend(Reason(f"{word} is not known of both", 0.0) for word in unknown(query, reference))
    return told


def told_of(found: Sequence[Lead], first: str, second: str) -> list[tuple[str, float]]:
    """Leads of the first over the second in words, each with its weight; those that round to nothing are left out."""
    return [
        (f"{first if lead.weight > 0 else second} {lead.text}", round(max(-1.0, min(1.0, lead.weight)), 3))
        for lead in found
        if round(lead.weight, 3)
    ]


def _origin(match: Match) -> tuple[str, float]:
    if match.relation is Relation.SAME_PIXELS:
        return "both hold exactly the same pixels", 0.5
    return f"both come from one source ({_percent(match.probability)} sure)", 0.3


def _percent(probability: float) -> str:
    """Rounded down: nothing but equal bytes or pixels is quite certain."""
    return f"{math.floor(probability * 1000) / 10:.1f} %"


def _review(why: str) -> Recommendation:
    return Recommendation(Action.REVIEW, None, (Reason(why, 1.0),))
