"""What is recommended about a query and the stored copies of it: who stays, and what may become of the others.

Who stays is `choosing`'s to say. Nothing but what is in the pictures decides: neither the order they come in, nor names,
times or ids. Where all of that is equal, the stored picture stays before the query, and among others the one whose
content hash comes first.

The rule says *review* where it cannot tell, for a wrong delete is worse than a question: where what speaks for either
nearly cancels out, where only first frames were compared, where one holds transparency or a depth that the compared
pixels do not show, and where a lossless query would go only because a lossy copy of it was stored first. It names the
keeper and still asks, where the policy does not let a picture go without a look in the relation that it has to it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from service.domain.choosing import Choice, Group, is_clear, sum_of
from service.domain.letting_go import OTHER_WAY, asks, doubt, is_other_way, undecided, unsure
from service.domain.pairs import pair_of
from service.domain.policy import DEFAULT
from service.domain.values import Action, Reason, Recommendation, Relation, VerdictKind
from service.domain.weighing import unknown

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from service.domain.lead import Lead
    from service.domain.pairs import Pair
    from service.domain.policy import Policy
    from service.domain.values import Assessed, Match

QUERY = "query"

UNTOUCHED = Recommendation(Action.KEEP)


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
    group = Group(members, pairs, policy)
    choice = group.choose(range(len(members)))
    # The query is weighed against the best of the stored ones, whoever of all of them stays.
    rival = (choice.keeper or group.choose(range(1, len(members))).keeper) - 1
    best, reference = copies[rival], references[copies[rival].content_id]
    found = choice.leads[0] if choice.keeper else tuple(choice.leads[rival + 1])
    if why := doubt(query, reference):
        return _review(why), choice
    origin = Reason(*_origin(best))
    if choice.keeper == 0 and is_clear(found, policy) and sum_of(found) > 0:
        return Recommendation(Action.KEEP, QUERY, (origin, *_reasons(found, query, reference, stays="query"))), choice
    if why := undecided(best.relation, reference, query, found, policy):
        return _review(why), choice
    first = Reason("nothing else tells them apart, and the stored picture was first", 0.1)
    told = _reasons(found, query, reference, stays="stored picture") if is_clear(found, policy) else [first]
    why_not = OTHER_WAY if is_other_way(best.direction, query_goes=True) else unsure(reference, query)
    return _goes(best, (origin, *told), policy, protected, why_not), choice


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
    must_ask = asks(match.relation, query, reference, found, policy, came_later=True)
    if must_ask or is_other_way(match.direction, query_goes=False):
        return Recommendation(Action.REVIEW)
    return Recommendation(Action.DELETE)


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
