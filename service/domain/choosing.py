"""Who stays of several copies: whoever is ahead of the most others, each weighed against each.

Where three or more are known to one another, the one that all the others are most like is ahead by that, too. Of very
many only the best by themselves are weighed against each other; each of the others is weighed against who stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.domain.lead import Lead
from service.domain.pairs import NOTHING_KNOWN
from service.domain.weighing import leads
from service.domain.worth import worth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.domain.pairs import Pair
    from service.domain.policy import Policy
    from service.domain.values import Assessed

MOST_WEIGHED = 48
"""Members of a group that are all weighed against each other; of more the best by themselves."""
STEADY_LIKENESS, FULL_LIKENESS = 0.004, 0.05
"""Mean appearance to all the others by which one of two is nearer: what counts for nothing, and in full."""
NEARLY_EQUAL = 0.03
"""A lead of less is none, however much more the policy asks for before one goes for another's sake."""
MUCH = 3.0
"""Times a clear lead that must be said for and against together, before two count as told apart and not as equal."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Number of the member that stays, and its leads over each other member, all told."""

    keeper: int
    leads: Mapping[int, tuple[Lead, ...]]


@dataclass(slots=True)
class Group:
    """Members, and what was found between two of them, by their numbers, in either order. Weighs any two once."""

    members: Sequence[Assessed]
    pairs: Mapping[tuple[int, int], Pair]
    policy: Policy
    _weighed: dict[tuple[int, int], tuple[Lead, ...]] = field(default_factory=dict)
    _alone: dict[int, tuple[float, str]] = field(default_factory=dict)

    def choose(self, numbers: Sequence[int]) -> Choice:
        """Who stays of these members, one or more."""
        weighed = numbers
        if len(numbers) > MOST_WEIGHED:
            weighed = sorted(sorted(numbers, key=self._by_itself)[:MOST_WEIGHED])
        ahead: dict[int, list[float]] = {number: [] for number in weighed}
        for place, one in enumerate(weighed):
            for other in weighed[place + 1 :]:
                lead = sum_of(self._leads(one, other, weighed))
                ahead[one].append(lead)
                ahead[other].append(-lead)

        def standing(number: int) -> tuple[int, float, str]:
            """Ahead of how many, by how much of the one that comes closest; then what holds whatever the order."""
            return (
                -sum(lead > 0 for lead in ahead[number]),
                -round(min(ahead[number], default=0.0), 9),
                self.members[number].facts.sha256,
            )

        keeper = min(weighed, key=standing)
        return Choice(keeper, {other: self._leads(keeper, other, weighed) for other in numbers if other != keeper})

    def _by_itself(self, number: int) -> tuple[float, str]:
        if number not in self._alone:
            one = self.members[number]
            self._alone[number] = -worth(one, self.policy), one.facts.sha256
        return self._alone[number]

    def _leads(self, one: int, other: int, among: Sequence[int]) -> tuple[Lead, ...]:
        """All leads of the first over the second, that of being most like all the others `among` them included."""
        if one > other:
            return tuple(lead._replace(weight=-lead.weight) for lead in self._leads(other, one, among))
        if (one, other) not in self._weighed:
            pair = self._between(one, other)
            self._weighed[one, other] = tuple(leads(self.members[one], self.members[other], pair, self.policy))
        return (*self._weighed[one, other], *self._central(one, other, among))

    def _between(self, one: int, other: int) -> Pair:
        if (one, other) in self.pairs:
            return self.pairs[one, other]
        return self.pairs[other, one].turned() if (other, one) in self.pairs else NOTHING_KNOWN

    def _central(self, one: int, other: int, among: Sequence[int]) -> tuple[Lead, ...]:
        """Which of two all the others are more like; nothing unless that is known of all of them, nor of the same pixels."""
        if self._between(one, other).same_pixels:
            return ()
        nearer = []
        for third in among:
            if third in (one, other):
                continue
            here, there = (self._between(each, third).alike for each in (one, other))
            if here is None or there is None:
                return ()
            nearer.append(here - there)
        if not nearer:
            return ()
        mean = math.fsum(nearer) / len(nearer)
        share = math.copysign(min(1.0, max(0.0, abs(mean) - STEADY_LIKENESS) / FULL_LIKENESS), mean)
        if not share:
            return ()
        return (Lead("centre", self.policy.weights.centre * share, "is what all the others are most like"),)


def choose(members: Sequence[Assessed], pairs: Mapping[tuple[int, int], Pair], policy: Policy) -> Choice:
    """Who stays of one member or more. `pairs`: what was found between two, by their numbers, in either order."""
    return Group(members, pairs, policy).choose(range(len(members)))


def sum_of(found: Sequence[Lead]) -> float:
    """All leads together."""
    return round(math.fsum(lead.weight for lead in found), 9)


def is_clear(found: Sequence[Lead], policy: Policy) -> bool:
    """Whether these leads tell two pictures apart."""
    return abs(sum_of(found)) >= policy.clear_lead


def cancels_out(found: Sequence[Lead], policy: Policy) -> bool:
    """Whether much is said for either of two and nothing comes of it; otherwise they are nearly equal."""
    return not is_clear(found, policy) and math.fsum(abs(lead.weight) for lead in found) >= MUCH * policy.clear_lead
