"""The line that enlarging leaves: where it lies, and what is no line."""

import numpy as np
import pytest

from service.assess.resampling_trace import Line, find_line, without_blocks


@pytest.mark.parametrize(("factor", "frequency"), [(1.25, 0.2), (1.6, 0.375), (3.0, 1 / 3), (3.5, 2 / 7)])
def test_the_line_lies_at_the_inverse_of_the_factor(astronaut, enlarged, grey, factor, frequency):
    """Or at what is left to 1."""
    assert find_line(grey(enlarged(astronaut, factor, "bicubic"))).frequency == pytest.approx(frequency, abs=0.003)


def test_untouched_photographs_have_no_line(detailed, grey):
    """However much there is in them that repeats."""
    assert [name for name, picture in detailed.items() if find_line(grey(picture))] == []


def test_a_line_stands_for_every_factor_that_could_have_left_it():
    """By its first harmonic or its second."""
    assert Line(0.25, 99).factors() == ((4.0, pytest.approx(4 / 3)), (8.0, pytest.approx(8 / 3)))


def test_blocks_are_taken_out_of_a_profile_and_other_rhythms_are_not():
    """A step at every eighth place leaves all three lines; a rhythm of four leaves one."""
    rest = np.random.default_rng(2).normal(0, 0.01, 320)
    blocks, fours = np.tile([1.0, *[0] * 7], 40), np.tile([1.0, 0, 0, 0], 80)
    assert np.abs(without_blocks(blocks + rest)).max() < 0.1
    assert without_blocks(fours + rest) == pytest.approx(fours + rest)
