"""What a policy would have of every picture in a group of copies that are stored already.

The keeper is chosen as a check does, and who may go unseen is asked of the same function. What was proved to be its copy
could go for its sake; what is left of the group, proved to be the copy of others only, is asked again among itself. So
each one that goes was compared with its own keeper, and no group loses its last picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from service.domain.choosing import Group
from service.domain.letting_go import asks, is_other_way
from service.domain.values import Action, Direction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from service.domain.pairs import Pair
    from service.domain.policy import Policy
    from service.domain.values import Assessed, Relation


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
    direction: Direction = Direction.UNKNOWN
    """Taken the lower number for the query."""

    def turned(self) -> Proved:
        """The same, seen from the other one."""
        return Proved(self.relation, self.pair.turned(), _TURNED.get(self.direction, self.direction))


_TURNED: Final = {
    Direction.QUERY_FROM_REFERENCE: Direction.REFERENCE_FROM_QUERY,
    Direction.REFERENCE_FROM_QUERY: Direction.QUERY_FROM_REFERENCE,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """`keeper` is a member's number; its own where it stays."""

    action: Action
    keeper: int


def standings(
    members: Sequence[Member], proved: Mapping[tuple[int, int], Proved], policy: Policy
) -> tuple[Standing, ...]:
    """What becomes of each. `proved` holds pairs with the lower number first; others were not found to be copies."""
    assessed = [member.assessed for member in members]
    group = Group(assessed, {key: proof.pair for key, proof in proved.items()}, policy)
    found: dict[int, Standing] = {}
    left = list(range(len(members)))
    while left := _joined(left, proved):
        choice = group.choose(left)
        keeper = choice.keeper
        found[keeper] = Standing(Action.KEEP, keeper)
        for other, leads in choice.leads.items():
            proof = proved.get(_key(keeper, other))
            if proof is None:
                continue
            if members[other].protected:
                found[other] = Standing(Action.KEEP, keeper)
            else:
                must_ask = is_other_way(proof.direction, query_goes=other < keeper)
                must_ask = must_ask or asks(proof.relation, assessed[keeper], assessed[other], leads, policy)
                found[other] = Standing(Action.REVIEW if must_ask else Action.DELETE, keeper)
        left = [other for other in left if other not in found]
    return tuple(found.get(number, Standing(Action.KEEP, number)) for number in range(len(members)))


def _joined(left: Sequence[int], proved: Iterable[tuple[int, int]]) -> list[int]:
    """Who of those that are left is a copy of another one. Whoever is not stays, and has no say about the others."""
    there = set(left)
    ends = {end for key in proved if there.issuperset(key) for end in key}
    return [number for number in left if number in ends]


def _key(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)
