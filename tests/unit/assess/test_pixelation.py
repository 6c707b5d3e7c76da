"""Blocks of one colour, their sides, and pictures that merely have edges."""

import cv2
import numpy as np
import pytest

from service.assess.effective_resolution import detail
from service.assess.pixelation import block_factor, is_doubled
from service.assess.tiles import take_sample


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


@pytest.mark.parametrize("quality", [50, 75, 95])
@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_twice_the_size_without_a_filter_is_found_behind_jpeg(detailed, saved_as_jpeg, name, quality):
    """It blurs the blocks, and leaves the spectrum as wide as that of an untouched picture."""
    picture = detailed[name]
    doubled = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    sample = take_sample(saved_as_jpeg(doubled, quality))
    assert is_doubled(sample.grey)
    assert detail(sample).factor >= 2


@pytest.mark.parametrize("quality", [10, 20, 60])
def test_the_borders_of_jpegs_blocks_are_no_steps_by_turns(detailed, saved_as_jpeg, quality):
    """Not where they lie on even places, nor on odd ones, nor where a crop has moved them."""
    for name, picture in detailed.items():
        saved = saved_as_jpeg(picture, quality)
        for cut in (saved, saved[3:, 3:], saved[4:, 4:]):
            assert not is_doubled(take_sample(np.ascontiguousarray(cut)).grey), name


def test_lines_of_a_screen_are_not_twice_the_size(astronaut, saved_as_jpeg):
    """Both directions must say so."""
    lines = saved_as_jpeg(np.repeat(astronaut, 2, axis=1), 90)
    assert not is_doubled(take_sample(lines).grey)


def drawing(seed, *, on_even_pixels):
    """Rectangles of one colour, as programs draw their windows."""
    random = np.random.default_rng(seed)
    picture = np.full((480, 640, 3), 245, np.uint8)
    for _ in range(25):
        top, left, high, wide = (int(n) for n in random.integers((0, 0, 8, 8), (440, 600, 120, 160)))
        if on_even_pixels:
            top, left, high, wide = (2 * (n // 2) for n in (top, left, high, wide))
        picture[top : top + high, left : left + wide] = random.integers(0, 255, 3)
    return picture


@pytest.mark.parametrize("on_even_pixels", [True, False])
def test_the_edges_of_a_drawing_are_no_steps_by_turns(on_even_pixels):
    """However few they are, and wherever they lie."""
    for seed in range(20):
        assert not is_doubled(take_sample(drawing(seed, on_even_pixels=on_even_pixels)).grey), seed
