"""What is looked at: everything of a small picture, a few tiles of a large one."""

import numpy as np
import pytest

from service.assess.tiles import MOST_TILES, TILE, take_sample


def test_a_small_picture_is_looked_at_whole(coffee):
    """As one tile, in colour and in grey."""
    sample = take_sample(coffee)
    assert [tile.shape for tile in sample.colour] == [coffee.shape]
    assert [tile.shape for tile in sample.grey] == [coffee.shape[:2]]
    assert sample.megapixels == coffee.shape[0] * coffee.shape[1] / 1e6


@pytest.mark.parametrize(("height", "width", "tiles"), [(3000, 4000, 5), (200, 9000, 3), (9000, 200, 3)])
def test_a_large_picture_is_looked_at_in_few_places(height, width, tiles):
    """Whatever its size; where it is no longer than a tile in one direction some of the places are one."""
    sample = take_sample(np.zeros((height, width, 3), np.uint8))
    assert len(sample.grey) == tiles <= MOST_TILES
    assert all(max(tile.shape) <= TILE for tile in sample.grey)


def test_tiles_begin_where_blocks_of_jpeg_do():
    """A picture that counts its columns and rows shows where each tile begins."""
    height, width = 1003, 1777
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = np.arange(width) % 8
    picture[..., 1] = (np.arange(height) % 8)[:, None]
    assert {tuple(tile[0, 0]) for tile in take_sample(picture).colour} == {(0, 0, 0)}
