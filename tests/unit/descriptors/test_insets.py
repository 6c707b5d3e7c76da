"""Pictures that lie in other pictures are found by their borders."""

import numpy as np
import pytest

from service.descriptors.insets import MOST, cut, insets


def page(height=400, width=600, level=245):
    """A light page with some words, as dark strokes."""
    made = np.full((height, width, 3), level, np.uint8)
    for row in range(20, height - 20, 24):
        made[row : row + 6, 30 : 30 + (row * 7) % (width - 60) : 5] = 40
    return made


def laid(picture, below, left, top):
    """The picture upon another, and its place as shares."""
    made = below.copy()
    tall, wide = picture.shape[:2]
    made[top : top + tall, left : left + wide] = picture
    height, width = below.shape[:2]
    return made, (left / width, top / height, (left + wide) / width, (top + tall) / height)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_a_picture_on_a_page_is_found(photographs, resized, name):
    """As a screenshot has it."""
    picture = resized(photographs[name], 150 / photographs[name].shape[0])
    made, place = laid(picture, page(), 220, 160)
    assert insets(made)[0] == pytest.approx(place, abs=0.02)


def test_a_picture_upon_another_is_found(photographs, resized):
    """Neither is plain, and no corner of it is the other's."""
    below = resized(photographs["coffee"], 1.0)[:400, :600]
    made, place = laid(resized(photographs["astronaut"], 0.35), below, 110, 90)
    assert any(found == pytest.approx(place, abs=0.02) for found in insets(made))


def test_bars_at_two_sides_are_taken_away(photographs):
    """The other two sides are the picture's own."""
    coffee = photographs["coffee"]
    bar = np.full((60, coffee.shape[1], 3), 200, np.uint8)
    made = np.concatenate([bar, coffee, bar])
    tall = made.shape[0]
    assert insets(made)[0] == pytest.approx((0.0, 60 / tall, 1.0, 1 - 60 / tall), abs=0.02)


def test_noise_and_blank_pictures_have_none():
    """There is a step everywhere, or nowhere."""
    noise = np.random.default_rng(1).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert insets(noise) == []
    assert insets(np.full((300, 400, 3), 128, np.uint8)) == []


@pytest.mark.parametrize("size", [(1, 1), (2, 500), (5, 7), (17, 18)])
def test_a_tiny_picture_is_no_trouble(size):
    """Too small for a side, or just large enough."""
    made = np.zeros((*size, 3), np.uint8)
    made[size[0] // 2 :, size[1] // 2 :] = 255
    assert len(insets(made)) <= MOST


def test_what_is_cut_is_that_part():
    """Never nothing, however thin."""
    picture = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
    assert np.array_equal(cut(picture, (0.25, 0.5, 0.75, 1.0)), picture[3:, 2:6])
    assert cut(picture, (0.5, 0.5, 0.5, 0.5)).shape == (1, 1, 3)
