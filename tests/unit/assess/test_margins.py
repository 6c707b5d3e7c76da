"""Frames around pictures: borders, captions, pages; and what only looks like one."""

import cv2
import numpy as np
import pytest

from service.assess.margins import margin


@pytest.fixture
def framed(coffee):
    """The photograph with bands of one level around it: top, bottom, left, right."""

    def make(top=0, bottom=0, left=0, right=0, level=255):
        return cv2.copyMakeBorder(coffee, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(level,) * 3)

    return make


@pytest.mark.parametrize("level", [0, 90, 255])
def test_a_border_is_measured_to_the_pixel(framed, coffee, level):
    """Whatever its colour; on every side by itself."""
    picture = framed(30, 20, 50, 40, level)
    inner = coffee.shape[0] * coffee.shape[1]
    assert margin(picture) == pytest.approx(1 - inner / (picture.shape[0] * picture.shape[1]), abs=0.01)


def test_a_caption_is_part_of_its_band(framed, coffee):
    """Words hide the band's colour for a line."""
    picture = framed(bottom=60)
    cv2.putText(picture, "when the day is long", (10, coffee.shape[0] + 40), cv2.FONT_HERSHEY_SIMPLEX, 1, (0, 0, 0), 2)
    assert margin(picture) == pytest.approx(60 / picture.shape[0], abs=0.01)


def test_a_photograph_has_none(photographs):
    """Nor does one of its own plain parts become one."""
    assert [margin(picture) for picture in photographs.values()] == pytest.approx([0.0] * len(photographs), abs=0.02)


def test_a_sky_is_no_frame():
    """It is of one colour row by row, and ends nowhere at once."""
    ramp = np.linspace(60, 220, 300).astype(np.uint8)
    assert margin(np.repeat(np.repeat(ramp[:, None, None], 400, axis=1), 3, axis=2)) == 0.0


@pytest.mark.parametrize("shape", [(1, 1, 3), (4, 400, 3), (300, 400, 3)])
def test_what_is_all_one_colour_has_none(shape):
    """There is no picture within."""
    assert margin(np.full(shape, 200, np.uint8)) == 0.0
