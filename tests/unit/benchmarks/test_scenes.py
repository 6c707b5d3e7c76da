"""The truth of the scenes benchmark: what really changed between two states, by the criterion's own words."""

import numpy as np

from benchmarks.scenes import Thing, changed, shown

LARGE, SMALL = Thing(0, 100, 100, 60), Thing(1, 400, 100, 30)


def test_the_same_things_changed_nothing():
    assert changed(shown((LARGE, SMALL)), shown((LARGE, SMALL))) == 0


def test_a_thing_that_comes_or_goes_counts_by_its_area():
    """An upright oval, two thirds as wide as high, and two pixels more all round."""
    area = np.pi / 4 * 44 * 64
    assert abs(changed(shown(()), shown((LARGE,))) - area) < 0.05 * area
    assert changed(shown((LARGE,)), shown(())) == changed(shown(()), shown((LARGE,)))


def test_what_is_smaller_than_the_least_contour_is_no_change():
    assert changed(shown((LARGE,)), shown((LARGE, SMALL))) == 0


def test_a_thing_that_moves_counts_where_it_was_and_where_it_is():
    moved = Thing(0, 300, 100, 60)
    assert changed(shown((LARGE,)), shown((moved,))) == 2 * changed(shown(()), shown((LARGE,)))


def test_another_thing_in_its_place_counts():
    assert changed(shown((LARGE,)), shown((Thing(5, 100, 100, 60),))) == changed(shown(()), shown((LARGE,)))
