"""Which pictures could go, and that none goes without a keeper of its own."""

from hypothesis import given
from hypothesis import strategies as st

from service.domain.removal_sets import RemovalSet, removal_sets


def sets_of(order, agreeing):
    """Agreement by pairs, whichever way round; every other picture is a candidate."""
    told = {frozenset(pair) for pair in agreeing}

    def agreement(one, other):
        return 1.0 if frozenset((one, other)) in told else None

    return list(removal_sets(order, lambda one: [n for n in order if n != one], agreement))


def test_the_best_stays_and_what_agrees_with_it_could_go():
    assert sets_of([2, 0, 1], [(0, 2), (1, 2)]) == [RemovalSet(2, ((0, 1.0), (1, 1.0)))]


def test_a_chain_keeps_its_ends():
    """Of three frames, each like the next, the first and the last are not alike: both stay."""
    assert sets_of([0, 1, 2], [(0, 1), (1, 2)]) == [RemovalSet(0, ((1, 1.0),))]


def test_who_agrees_with_nobody_is_not_told_of():
    assert sets_of([0, 1, 2], []) == []


def test_only_keepers_are_compared():
    """A picture that goes is never looked at again, so a thousand copies cost a thousand looks."""
    looks = []

    def agreement(one, other):
        looks.append((one, other))
        return 1.0

    [found] = removal_sets(range(1000), lambda one: (n for n in range(1000) if n != one), agreement)
    assert len(found.losers) == 999
    assert len(looks) == 999


NUMBERS = st.integers(0, 11)


@given(st.permutations(range(12)), st.sets(st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] != pair[1])))
def test_each_loser_agrees_with_a_keeper_that_stays_and_goes_once(order, agreeing):
    told = {frozenset(pair) for pair in agreeing}
    found = sets_of(order, agreeing)
    keepers = [one.keeper for one in found]
    losers = [number for one in found for number, _ in one.losers]
    assert len(set(losers)) == len(losers)
    assert not set(keepers) & set(losers)
    for one in found:
        for number, _ in one.losers:
            assert frozenset((one.keeper, number)) in told
            assert order.index(one.keeper) < order.index(number)


@given(st.permutations(range(12)), st.sets(st.tuples(NUMBERS, NUMBERS).filter(lambda pair: pair[0] != pair[1])))
def test_no_two_that_stay_agree(order, agreeing):
    """What could go does go."""
    found = sets_of(order, agreeing)
    staying = set(order) - {number for one in found for number, _ in one.losers}
    assert not [pair for pair in agreeing if set(pair) <= staying]
