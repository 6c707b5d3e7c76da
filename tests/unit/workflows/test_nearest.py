"""Which neighbours are looked at closely: the nearest, and in a crowd only who stands out of it."""

from dataclasses import replace

import pytest

from index_store.vectors import Neighbour
from service.descriptors.registry import MODELS
from service.workflows.nearest import ALWAYS, Nearest

MODEL = replace(MODELS["builtin"], least_similarity=0.5, stands_out=0.1)


def met(*similarities, most=20):
    made = Nearest(most, MODEL)
    made.meet(Neighbour(f"{number}", number, similarity, 0) for number, similarity in enumerate(similarities))
    return made


def test_while_there_is_room_all_that_are_similar_enough_are_looked_at():
    few = met(*[0.9] * 19)
    assert (few.reach, few.asks_geometry_from) == (-1.0, 0.5)


def test_with_no_crowd_near_the_least_similarity_holds():
    """Copies among strangers."""
    among_strangers = met(0.8, 0.7, 0.6, 0.55, *[0.3] * 16)
    assert (among_strangers.reach, among_strangers.asks_geometry_from) == (0.3, 0.5)


def test_in_a_crowd_it_takes_more_to_be_looked_at():
    crowded = met(0.97, 0.96, 0.95, 0.94, *[0.8] * 16)
    assert crowded.asks_geometry_from == pytest.approx(0.9)


def test_the_nearest_few_are_looked_at_in_any_crowd():
    """Of thirty copies of one picture it is enough to know the best."""
    falling = [0.9 - 0.001 * number for number in range(30)]
    assert met(*falling).asks_geometry_from == falling[ALWAYS - 1]


def test_more_neighbours_never_lower_it():
    """Or a picture that was passed over once would have to be looked at again."""
    nearest, before = Nearest(20, MODEL), 0.0
    for number in range(200):
        nearest.meet([Neighbour(f"{number}", number, (number * 37 % 100) / 100, 0)])
        assert nearest.asks_geometry_from >= before
        before = nearest.asks_geometry_from
    assert before > 0.9


def test_where_few_are_wanted_there_is_no_crowd():
    assert met(0.9, 0.89, 0.88, 0.87, most=4).asks_geometry_from == 0.5


def test_forgotten_neighbours_count_no_more():
    crowded = met(*[0.9] * 20)
    crowded.clear()
    assert (crowded.reach, crowded.asks_geometry_from, dict(crowded.contents)) == (-1.0, 0.5, {})
