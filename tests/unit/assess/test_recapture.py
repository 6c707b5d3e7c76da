"""A fine grid over all of a picture gives a recapture away; photographs, however they are saved, have none."""

import cv2
import numpy as np
import pytest

from service.assess.recapture import BLOCK, RECAPTURED_FROM, recapture_risk


@pytest.fixture(scope="module")
def risk(grey):
    return lambda picture: recapture_risk(grey(picture))


@pytest.fixture(scope="module")
def seen_through():
    """The picture with a grid of so many pixels a period over it, turned by so many degrees."""

    def lay(picture, period, degrees, depth=0.25):
        rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
        turn = np.deg2rad(degrees)
        across = columns * np.cos(turn) + rows * np.sin(turn)
        down = rows * np.cos(turn) - columns * np.sin(turn)
        grid = 1 - depth / 2 + depth / 2 * np.cos(2 * np.pi * across / period) * np.cos(2 * np.pi * down / period)
        return np.clip(picture * grid[..., None], 0, 255).astype(np.uint8)

    return lay


@pytest.mark.parametrize(("period", "degrees"), [(2.6, 4), (3.3, 11), (4.1, 30)])
def test_a_grid_over_a_photograph_is_seen(period, degrees, risk, seen_through, photographs):
    """Whatever the picture shows below it."""
    for name in ("astronaut", "chelsea", "coffee", "rocket"):
        assert risk(seen_through(photographs[name], period, degrees)) > 0.9


@pytest.mark.parametrize("change", ["none", "jpeg", "enlarged", "smaller", "noisy"])
def test_photographs_have_no_grid(change, risk, photographs, saved_as_jpeg, enlarged, resized, noisy):
    """Nor do JPEG's blocks, enlarging or noise make one."""
    for name in ("astronaut", "chelsea", "coffee", "rocket", "clock", "moon"):
        picture = photographs[name]
        changed = {
            "none": lambda picture: picture,
            "jpeg": lambda picture: saved_as_jpeg(picture, 35),
            "enlarged": lambda picture: enlarged(picture, 1.7, "bilinear"),
            "smaller": lambda picture: resized(picture, 0.6),
            "noisy": lambda picture: noisy(picture, 12),
        }[change](picture)
        assert risk(changed) < RECAPTURED_FROM


def test_a_pattern_in_one_part_of_a_picture_counts_for_less_than_one_all_over(risk, seen_through, astronaut):
    """A tie or a fence is no screen."""
    everywhere = seen_through(astronaut, 3.3, 11, depth=0.06)
    part = astronaut.copy()
    part[:BLOCK, :BLOCK] = everywhere[:BLOCK, :BLOCK]
    assert risk(part) < RECAPTURED_FROM < risk(everywhere)


@pytest.mark.parametrize("turned", [False, True])
def test_lines_that_go_exactly_across_or_down_are_no_grid(turned, risk, coffee):
    """Blinds, fences and JPEG's blocks make those."""
    striped = (coffee.transpose(1, 0, 2) if turned else coffee).copy()
    striped[::3] = np.minimum(striped[::3], 235) + 20
    assert risk(striped) < RECAPTURED_FROM


def test_what_is_too_small_or_too_even_is_not_judged(risk, astronaut):
    """Four blocks that show something are the least."""
    assert risk(astronaut[: 2 * BLOCK, : 2 * BLOCK - 1]) is None
    assert risk(np.full((400, 400, 3), 90, np.uint8)) is None
    assert risk(astronaut[: 2 * BLOCK, : 2 * BLOCK]) is not None


def test_a_grid_in_a_large_picture_is_seen(risk, seen_through, astronaut):
    """Of which five tiles are looked at."""
    large = cv2.resize(astronaut, (2400, 2400), interpolation=cv2.INTER_CUBIC)
    assert risk(large) < RECAPTURED_FROM
    assert risk(seen_through(large, 3.1, 5)) > 0.9
