"""Blocks of one colour, their sides, and pictures that merely have edges."""

import numpy as np
import pytest

from service.assess.pixelation import block_factor


@pytest.mark.parametrize("side", [2, 4, 7, 12, 16])
def test_the_side_of_the_blocks_is_found(detailed, grey, pixelated, side):
    """Within three hundredths, on every photograph."""
    for name in ("astronaut", "coffee", "chelsea"):
        assert block_factor(grey(pixelated(detailed[name], side))) == pytest.approx(side, rel=0.1), name


def test_blocks_of_uneven_sides_read_their_mean(astronaut, grey):
    """An enlargement by two and a half without a filter makes blocks of two and three."""
    places = np.arange(400) * 2 // 5
    assert block_factor(grey(astronaut[places][:, places])) == pytest.approx(2.5, rel=0.02)


def test_photographs_have_no_blocks(photographs, grey):
    """Nor has a scanned page with its margins. Only the moon that ships with scikit-image does: its pixels are doubled."""
    assert {name: side for name, picture in photographs.items() if (side := block_factor(grey(picture))) != 1} == {
        "moon": 2
    }


def test_blocks_in_one_direction_are_none(astronaut, grey):
    """Lines of a screen, not pixels."""
    assert block_factor(grey(np.repeat(astronaut[:, ::4], 4, axis=1))) == 1
