"""Of many members no two are weighed twice, and nobody goes unweighed."""

import pytest

from service.domain import choosing
from service.domain.choosing import MOST_WEIGHED, Group, choose
from service.domain.keeper import recommend
from service.domain.pairs import Pair
from service.domain.policy import DEFAULT
from service.domain.standing import Member, Proved, standings
from service.domain.values import Relation, VerdictKind


@pytest.fixture
def weighed(monkeypatch):
    """How many times two pictures were weighed against each other."""
    counted, weigh = [], choosing.leads

    def count(one, other, pair, policy):
        counted.append((one.facts.sha256, other.facts.sha256))
        return weigh(one, other, pair, policy)

    monkeypatch.setattr(choosing, "leads", count)
    return counted


@pytest.fixture
def pictures(a_picture):
    def make(count):
        return [a_picture(1000 + number, 800, sha256=f"{number:064}") for number in range(count)]

    return make


def test_no_two_of_a_chain_are_weighed_twice(pictures, weighed):
    """Though what is left of it is asked again and again."""
    members = pictures(3 * MOST_WEIGHED)
    proved = {(one, one + 1): Proved(Relation.REENCODED, Pair()) for one in range(len(members) - 1)}
    found = standings([Member(one) for one in members], proved, DEFAULT)
    assert len({each.keeper for each in found}) > MOST_WEIGHED / 2
    assert len(weighed) == len(set(weighed))


def test_a_check_with_very_many_copies_weighs_the_best_of_them_against_each_other(pictures, a_match, weighed):
    """And all of them against who stays."""
    members = pictures(2 * MOST_WEIGHED)
    matches = [a_match(f"img_{number}") for number in range(1, len(members))]
    references = {match.content_id: one for match, one in zip(matches, members[1:], strict=True)}
    _, judged = recommend(VerdictKind.DUPLICATE, members[0], matches, [], references)
    assert len(judged) == len(matches)
    assert len(weighed) < MOST_WEIGHED * MOST_WEIGHED / 2 + 2 * len(members)


def test_whoever_is_not_among_the_best_is_weighed_against_who_stays(a_picture):
    """So that none goes without a word having been said for it."""
    members = [a_picture(1000, 800, sha256=f"{number:064}") for number in range(MOST_WEIGHED + 9)]
    members[-1] = a_picture(300, 200, sha256="f" * 64)
    choice = choose(members, {}, DEFAULT)
    assert {*choice.leads} == {*range(len(members))} - {choice.keeper}
    assert choice.leads[len(members) - 1]


def test_a_choice_among_some_is_that_of_a_group_of_those_alone(pictures):
    """What was weighed before changes nothing."""
    members = pictures(6)
    group = Group(members, {}, DEFAULT)
    group.choose(range(6))
    some = group.choose([1, 3, 4])
    assert (1, 3, 4)[choose([members[number] for number in (1, 3, 4)], {}, DEFAULT).keeper] == some.keeper


def test_of_the_same_pixels_the_others_cannot_be_more_like_one(a_picture):
    """How alike two look depends a little on which was the query; the fewer bytes decide, and not that."""
    members = [a_picture(size=size, sha256=f"{size:064}") for size in (100_000, 101_000, 60_000)]
    pairs = {
        (0, 1): Pair(same_pixels=True, alike=1.0),
        (0, 2): Pair(first_overlap=1.0, second_overlap=1.0, alike=0.90),
        (1, 2): Pair(first_overlap=1.0, second_overlap=1.0, alike=0.95),
    }
    choice = choose(members, pairs, DEFAULT)
    assert choice.keeper == 0
    assert [lead.what for lead in choice.leads[1]] == ["bytes"]
