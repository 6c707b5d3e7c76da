"""Further models see a picture in one size, whoever asks them."""

import numpy as np
import pytest

from service.descriptors.sizes import LONG_SIDE, brought, copied


@pytest.fixture
def large():
    """Noise of 1,500 by 3,000 pixels."""
    return np.random.default_rng(1).integers(0, 255, (1500, 3000, 3), np.uint8)


def test_a_large_picture_is_averaged_to_the_size_and_no_further(large):
    """What was brought there is left alone, so it may be done by whoever comes first."""
    seen = brought(large)
    assert seen.shape == (LONG_SIDE // 2, LONG_SIDE, 3)
    assert seen.mean() == pytest.approx(large.mean(), abs=0.5)
    assert seen.std() < large.std() / 2
    assert brought(seen) is seen


def test_a_long_strip_keeps_a_pixel():
    """Of a side that would have none left."""
    assert brought(np.zeros((2, 9000, 3), np.uint8)).shape == (1, LONG_SIDE, 3)


def test_a_copy_outlives_what_it_was_read_from(large):
    """Whether it had to be made smaller or not."""
    small = large[:100, :100]
    taken = copied(small)
    assert np.array_equal(taken, small)
    assert not np.shares_memory(taken, small)
    assert not np.shares_memory(copied(large), large)
