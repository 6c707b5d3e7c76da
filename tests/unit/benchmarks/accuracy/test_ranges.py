"""The table of edits: every number that is drawn lies where the table says."""

import numpy as np
import pytest

from benchmarks.accuracy.ranges import NAMES, RANGES, Anywhere, Either, OneOf, Strength, drawn


def test_there_are_thirty_edits():
    """The number that the figures are given for."""
    assert len(NAMES) == 30


@pytest.mark.parametrize("name", NAMES)
def test_numbers_stay_in_the_table(name):
    """Over many draws, each number lies in its range and each choice is one of those offered."""
    rng = np.random.default_rng(1)
    for _ in range(50):
        for key, value in drawn(name, rng).items():
            match RANGES[name][key]:
                case Strength(mild, hard):
                    assert min(mild, hard) <= value <= max(mild, hard)
                case Anywhere(low, high):
                    assert low <= value <= high
                case OneOf(choices):
                    assert value in choices
                case Either(less, more):
                    sides = [sorted((side.mild, side.hard)) for side in (less, more)]
                    assert any(low <= value <= high for low, high in sides)


def test_half_the_strength_stays_in_the_milder_half():
    """Whether the hard end is the larger number or the smaller."""
    rng = np.random.default_rng(1)
    assert all(Strength(1, 6).drawn(rng, 0.5) <= 3.5 for _ in range(50))
    assert all(Strength(0.9, 0.25).drawn(rng, 0.5) >= 0.575 for _ in range(50))


def test_numbers_that_are_never_harder_know_no_strength():
    """A turn by 300 degrees is no harder than one by 20."""
    rng = np.random.default_rng(1)
    assert max(Anywhere(5, 355).drawn(rng, 0.1) for _ in range(50)) > 300
