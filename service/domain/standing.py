"""What a policy would have of every picture in a group of copies that are stored already.

The keeper is chosen as `keeper` does. What was proved to be its copy could go for its sake; what is left of the group,
proved to be the copy of others only, is asked again among itself. So each one that goes was compared with its own
keeper, and no group loses its last picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.keeper import NEARLY_EQUAL, cancels_out, choose, doubt, is_clear, sum_of
from service.domain.letting_go import unsure
from service.domain.values import Action, Relation
from service.domain.worth import worth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.domain.keeper import Choice
    from service.domain.pairs import Pair
    from service.domain.policy import Policy
    from service.domain.values import Assessed

MOST_WEIGHED = 48
"""Members of a group that are all weighed against each other; of more the best by themselves."""


@dataclass(frozen=True, slots=True)
class Member:
    assessed: Assessed
    protected: bool = False


@dataclass(frozen=True, slots=True)
class Proved:
    """Two members, by their numbers, that are copies."""

    relation: Relation
    pair: Pair
    """Seen from the lower number."""


@dataclass(frozen=True, slots=True)
class Standing:
    """`keeper` is a member's number; its own where it stays."""

    action: Action
    keeper: int


def standings(
    members: Sequence[Member], proved: Mapping[tuple[int, int], Proved], policy: Policy
) -> tuple[Standing, ...]:
    """What becomes of each. `proved` holds pairs with the lower number first; others were not found to be copies."""
    found: dict[int, Standing] = {}
    left = list(range(len(members)))
    while left:
        keeper, choice, weighed = _keeper(left, members, proved, policy)
        found[keeper] = Standing(Action.KEEP, keeper)
        going = [other for other in left if other != keeper and _key(keeper, other) in proved]
        for other in going:
            leads = choice.leads[weighed.index(other)] if other in weighed else ()
            relation = proved[_key(keeper, other)].relation
            goes, stays = members[other].assessed, members[keeper].assessed
            asks = relation not in policy.without_review or doubt(goes, stays) or unsure(stays, goes)
            nearly = not is_clear(leads, policy) and (relation is Relation.EDITED or cancels_out(leads, policy))
            # Ahead of most, and yet not of this one; or not by as much as the policy asks for.
            behind = sum_of(leads) < 0 or (not is_clear(leads, policy) and sum_of(leads) >= NEARLY_EQUAL)
            if members[other].protected:
                found[other] = Standing(Action.KEEP, keeper)
            else:
                found[other] = Standing(Action.REVIEW if asks or nearly or behind else Action.DELETE, keeper)
        left = [other for other in left if other not in found]
    return tuple(found[number] for number in range(len(members)))


def _keeper(
    left: Sequence[int], members: Sequence[Member], proved: Mapping[tuple[int, int], Proved], policy: Policy
) -> tuple[int, Choice, list[int]]:
    """Who of those that are left stays, the choice, and who was weighed for it, in the choice's own numbers."""
    weighed = list(left)
    if len(left) > MOST_WEIGHED:
        alone = {
            number: (-worth(members[number].assessed, policy), members[number].assessed.facts.sha256) for number in left
        }
        weighed = sorted(left, key=alone.__getitem__)[:MOST_WEIGHED]
    places = {number: place for place, number in enumerate(weighed)}
    pairs = {
        (places[one], places[other]): proof.pair
        for (one, other), proof in proved.items()
        if one in places and other in places
    }
    choice = choose([members[number].assessed for number in weighed], pairs, policy)
    return weighed[choice.keeper], choice, weighed


def _key(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)
