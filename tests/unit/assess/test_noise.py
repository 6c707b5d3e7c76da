"""Noise is read in grey levels, and detail is not taken for it."""

import itertools

import cv2
import numpy as np
import pytest

from service.assess.noise import noise


@pytest.mark.parametrize("level", [2, 5, 20])
def test_white_noise_reads_its_standard_deviation(level):
    """A tenth too small at most a quarter, since smooth blocks are looked at."""
    flat = np.random.default_rng(5).normal(128, level, (256, 256)).astype(np.float32)
    assert 0.8 * level < noise([flat]) < level


def test_noise_grows_with_what_is_added(photographs, noisy, grey):
    """On every photograph, from the first level on."""
    for picture in photographs.values():
        read = [noise(grey(noisy(picture, level) if level else picture)) for level in (0, 3, 8, 20)]
        assert all(less < more for less, more in itertools.pairwise(read))


def test_a_ramp_has_no_noise():
    """However steep."""
    assert noise([np.tile(np.arange(128, dtype=np.float32) * 2, (128, 1))]) == pytest.approx(0, abs=1e-3)


def test_a_blurred_photograph_has_next_to_none(astronaut, grey):
    """Its edges notwithstanding."""
    assert noise(grey(cv2.GaussianBlur(astronaut, (0, 0), 2))) < 0.5


def test_a_picture_smaller_than_a_block_has_none():
    """Too small to be read."""
    assert noise([np.zeros((7, 20), np.float32)]) == 0
