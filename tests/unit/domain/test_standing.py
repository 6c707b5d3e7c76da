"""What a policy has of a stored group: chains keep their ends, nothing goes without its own keeper."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.choosing import MOST_WEIGHED
from service.domain.pairs import Pair
from service.domain.policy import DEFAULT
from service.domain.standing import Member, Proved, Standing, standings
from service.domain.values import Action, Relation


@pytest.fixture(scope="session")
def members(a_picture):
    """Pictures of these widths, the first with the least hash."""

    def make(*widths, protected=()):
        pictures = (a_picture(width, 800, sha256=f"{number:064x}") for number, width in enumerate(widths))
        return [Member(picture, number in protected) for number, picture in enumerate(pictures)]

    return make


def copies(*pairs, relation=Relation.REENCODED):
    return {pair: Proved(relation, Pair()) for pair in pairs}


def test_copies_go_for_the_best(members):
    """Each for its sake."""
    found = standings(members(500, 2000, 1000), copies((0, 1), (1, 2), (0, 2)), DEFAULT)
    assert found == (Standing(Action.DELETE, 1), Standing(Action.KEEP, 1), Standing(Action.DELETE, 1))


def test_what_was_not_compared_with_the_keeper_does_not_go_for_it(members):
    """A chain of small changes keeps its ends."""
    found = standings(members(2000, 1000, 500), copies((0, 1), (1, 2)), DEFAULT)
    assert found == (Standing(Action.KEEP, 0), Standing(Action.DELETE, 0), Standing(Action.KEEP, 2))


def test_edits_and_protected_pictures_do_not_go(members):
    """By the policy's list, and by its folders."""
    edited = copies((0, 1), relation=Relation.EDITED)
    assert standings(members(500, 2000), edited, DEFAULT)[0] == Standing(Action.REVIEW, 1)
    freer = replace(DEFAULT, without_review=frozenset({Relation.EDITED}))
    assert standings(members(500, 2000), edited, freer)[0] == Standing(Action.DELETE, 1)
    held = members(500, 2000, protected={0})
    assert standings(held, copies((0, 1)), DEFAULT)[0] == Standing(Action.KEEP, 1)


def test_an_edit_that_is_not_clearly_less_is_for_a_person(members):
    """Even where the policy lets edits go."""
    freer = replace(DEFAULT, without_review=frozenset({Relation.EDITED, Relation.REENCODED}))
    assert standings(members(1000, 1000), copies((0, 1), relation=Relation.EDITED), freer)[1].action is Action.REVIEW
    assert standings(members(1000, 1000), copies((0, 1)), freer)[1].action is Action.DELETE


@given(
    widths=st.lists(st.integers(100, 3000), min_size=1, max_size=9),
    joined=st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8))),
)
def test_no_group_loses_its_last_picture_and_who_goes_was_compared_with_who_stays(members, widths, joined):
    """Whatever is joined to whatever."""
    among = members(*widths)
    proved = copies(*((one, other) for one, other in joined if one < other < len(among)))
    found = standings(among, proved, DEFAULT)
    assert any(each.action is Action.KEEP for each in found)
    for number, each in enumerate(found):
        if each.action is not Action.KEEP:
            assert found[each.keeper] == Standing(Action.KEEP, each.keeper)
            assert tuple(sorted((number, each.keeper))) in proved


def test_a_group_of_hundreds_is_weighed_by_the_best_of_them(members):
    """Nobody waits for all pairs of a thousand screenshots."""
    count = 4 * MOST_WEIGHED
    widths = [1000 + number for number in range(count)]
    widths[count // 2] = 9000
    proved = copies(*((one, other) for one in range(count) for other in range(one + 1, count)))
    found = standings(members(*widths), proved, DEFAULT)
    assert found[count // 2] == Standing(Action.KEEP, count // 2)
    assert {each.keeper for each in found} == {count // 2}
