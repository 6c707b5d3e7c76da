"""Traits of what a computer drew, and the rule that weighs them."""

import numpy as np
import pytest

from service.assess.screenshot import LEAST, SCREENSHOT_FROM, likeness, traits


def test_a_drawn_page_is_a_screenshot(drawn_page, grey, saved_as_jpeg):
    """And stays one as a JPEG."""
    assert likeness(grey(drawn_page)) > 0.9
    assert likeness(grey(saved_as_jpeg(drawn_page, 85))) >= SCREENSHOT_FROM


def test_photographs_are_none(photographs, grey):
    """Not the dark ones either; the moon, whose pixels are doubled, is not judged."""
    likely = {name: likeness(grey(picture)) for name, picture in photographs.items()}
    assert [name for name, risk in likely.items() if (risk or 0) >= SCREENSHOT_FROM] == []


def test_a_page_with_a_photograph_in_it_is_still_a_screenshot(drawn_page, coffee, grey):
    """Half of it shows what a camera saw."""
    page = drawn_page.copy()
    page[130:471, 100:612] = coffee
    assert likeness(grey(page)) >= SCREENSHOT_FROM


def test_a_pixelated_photograph_is_not_judged(astronaut, pixelated, grey):
    """All its steps are straight and crisp."""
    assert traits(grey(pixelated(astronaut, 8))).straight > 0.7
    assert likeness(grey(pixelated(astronaut, 8))) is None


def test_traits_of_a_chessboard_are_those_one_would_count():
    """Squares of eight pixels, half black: every strong step but those of corners is straight, and stands between flats."""
    squares = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((8, 8))) * 255
    found = traits([squares.astype(np.float32)])
    assert (found.straight, found.crisp) == (pytest.approx(1, abs=0.06), 1)
    assert found.flat == pytest.approx(49 / 64, abs=0.05)
    assert found.dominant == pytest.approx(0.5, abs=0.02)


def test_a_tiny_picture_is_not_judged():
    """An icon is as flat as a page."""
    assert likeness([np.zeros((LEAST - 1, 200), np.float32)]) is None
