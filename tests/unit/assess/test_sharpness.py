"""Sharpness: falls with blur, and of large pictures is read from tiles."""

import itertools

import cv2
import numpy as np
import pytest

from service.assess.sharpness import MOST_TILES, TILE, _tiles, sharpness


def test_sharpness_falls_with_every_blur(photographs):
    """Strictly, inside 0..1, on every photograph."""
    for picture in photographs.values():
        blurred = [picture, *(cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in (0.7, 1, 2, 4))]
        read = [sharpness(each) for each in blurred]
        assert all(sharper > softer for sharper, softer in itertools.pairwise(read))
        assert all(0 <= each < 1 for each in read)


def test_a_flat_picture_has_no_sharpness():
    """Nothing in it has an edge."""
    assert sharpness(np.full((40, 30, 3), 99, np.uint8)) == 0.0


def test_a_picture_of_one_pixel_can_be_assessed():
    """Too small for any filter, and still no error."""
    assert sharpness(np.zeros((1, 1, 3), np.uint8)) == 0.0


@pytest.mark.parametrize(
    ("height", "width", "tiles"), [(1600, 2000, 9), (400, 9000, 3), (9000, 400, 3), (700, 5000, 9)]
)
def test_a_large_picture_is_judged_on_a_few_tiles(height, width, tiles):
    """So that cost does not grow with size; they reach all four corners."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[0, 0] = picture[0, -1] = picture[-1, 0] = picture[-1, -1] = 1
    cut = _tiles(picture)
    assert len(cut) == tiles
    assert all(max(tile.shape) <= TILE for tile in cut)
    assert sum(int(tile[..., 0].sum()) for tile in cut) >= 4


def test_a_picture_of_nine_tiles_is_judged_whole():
    """At the border nothing is cut."""
    side = TILE * round(MOST_TILES**0.5)
    assert [tile.shape for tile in _tiles(np.zeros((side, side, 3), np.uint8))] == [(side, side, 3)]


def test_tiles_judge_like_the_whole(astronaut):
    """A large picture made of one photograph over and over is as sharp as the photograph."""
    large = np.tile(astronaut, (4, 4, 1))
    assert len(_tiles(large)) == MOST_TILES
    assert sharpness(large) == pytest.approx(sharpness(astronaut), abs=0.02)
