"""What JPEG leaves in pixels: visible blocks, and coefficients that are zero on its grid."""

import itertools

import numpy as np
import pytest

from service.assess.compression import blocking, was_lossy, zeroed_share


def test_blocks_show_more_the_lower_the_quality(detailed, saved_as_jpeg, grey):
    """On every photograph, over qualities that anybody can tell apart."""
    for picture in detailed.values():
        read = [blocking(grey(saved_as_jpeg(picture, quality))) for quality in (75, 35, 10)]
        assert all(fewer < more for fewer, more in itertools.pairwise(read))


def test_a_flat_picture_has_no_blocks():
    """And neither has one pixel."""
    assert blocking([np.zeros((64, 64), np.float32)]) == 0
    assert blocking([np.zeros((1, 1), np.float32)]) == 0


@pytest.mark.parametrize("quality", [50, 75, 90, 95])
def test_what_was_a_jpeg_is_known_by_its_pixels(detailed, saved_as_jpeg, grey, quality):
    """Whatever they are saved as since."""
    assert all(was_lossy(grey(saved_as_jpeg(picture, quality))[0]) for picture in detailed.values())


def test_what_never_was_a_jpeg_is_not_called_one(detailed, noisy, enlarged, grey):
    """Sharp, noisy or enlarged."""
    for picture in detailed.values():
        for made in (picture, noisy(picture, 4), enlarged(picture, 2, "bicubic")):
            assert not was_lossy(grey(made)[0])


def test_a_crop_that_moves_the_grid_hides_it(detailed, saved_as_jpeg, grey):
    """Zeros are then found neither here nor half a block further; the documentation says so."""
    cropped = saved_as_jpeg(detailed["coffee"], 75)[2:, 2:]
    assert abs(zeroed_share(grey(cropped)[0])) < 0.05


def test_a_picture_smaller_than_a_block_shows_nothing():
    """No block is whole."""
    assert zeroed_share(np.ones((7, 99), np.float32)) == 0
