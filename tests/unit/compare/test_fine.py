"""What is fine tells a copy from a look-alike, whatever lies on the copy."""

import cv2
import numpy as np
import pytest

from service.compare.cells import lay, settle
from service.compare.fine import UNHEARD, fine_of

IDENTITY = np.eye(3)
INLIERS = 6


def fine_between(query, reference):
    settled = settle(query, reference, IDENTITY, INLIERS)
    return fine_of(settled.laid, settled.drawn)


def striped(picture, period=40, thick=14):
    """A third of it under slanted stripes of one colour."""
    rows, columns = np.indices(picture.shape[:2])
    return np.where(((rows + columns) % period < thick)[..., None], np.uint8(210), picture)


def test_a_picture_agrees_with_itself_in_all_that_is_fine(photographs):
    """Of blocks with little in them nearly."""
    for name in ("astronaut", "coffee", "chelsea"):
        assert fine_between(photographs[name], photographs[name]).tenth > 0.85


def test_what_lies_on_a_copy_hardly_contradicts(astronaut):
    """A third is hidden: there nothing agrees, and next to nothing speaks against."""
    found = fine_between(striped(astronaut), astronaut)
    assert found.tenth > -0.1
    assert found.fifth > 0.0


def test_a_look_alike_contradicts(astronaut, photographs):
    """Its outlines are the same, its cells are found and in place; what is fine comes from elsewhere."""
    wall = photographs["brick"].astype(np.float32)
    alike = cv2.GaussianBlur(astronaut, (0, 0), 6) + 0.5 * (wall - cv2.GaussianBlur(wall, (0, 0), 6))
    settled = settle(np.clip(alike, 0, 255).astype(np.uint8), astronaut, IDENTITY, INLIERS)
    found = fine_of(settled.laid, settled.drawn)
    assert settled.cells.agreement > 0.9
    assert settled.in_place > 0.7
    assert found.tenth < -0.1
    assert found.fifth < 0.0


def test_a_blurred_copy_is_looked_at_in_the_next_band(astronaut):
    """It has nothing left of what is finest."""
    assert fine_between(cv2.GaussianBlur(astronaut, (0, 0), 5), astronaut).fifth > 0.4


def test_the_query_is_taken_from_where_the_drawn_map_has_it(astronaut):
    """Fine detail that is off by a pixel agrees with nothing."""
    shift = np.array([[1.0, 0, 3], [0, 1, 2]])
    moved = cv2.warpAffine(astronaut, shift, astronaut.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
    laid = lay(moved, astronaut, IDENTITY)
    there = np.array([[1.0, 0, 1.5], [0, 1, 1.0], [0, 0, 1]])
    assert fine_of(laid, there).tenth > 0.7
    assert fine_of(laid, IDENTITY).tenth < 0.3


@pytest.mark.parametrize("shape", [(4, 64, 3), (16, 16, 3)])
def test_of_too_few_blocks_nothing_is_said(shape):
    """Neither for a copy nor against it."""
    noise = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    laid = lay(noise, noise, IDENTITY, max(shape))
    narrow = type(laid)(noise, noise, np.ones(shape[:2], bool), laid.to_reference)
    assert fine_of(narrow, IDENTITY) == UNHEARD
