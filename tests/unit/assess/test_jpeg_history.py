"""Earlier saves as JPEG, told by the pixels alone."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from service.assess.jpeg_history import earlier_save
from service.assess.tiles import take_sample


@pytest.fixture(scope="module")
def clean(coffee):
    """A photograph without a history: scaled down, so that no block of an earlier save is left."""
    height, width = coffee.shape[:2]
    size = (width * 3 // 4, height * 3 // 4)
    return np.asarray(cv2.resize(coffee, size, interpolation=cv2.INTER_AREA), np.uint8)


@pytest.fixture(scope="module")
def saved():
    """The pixels of a picture after a save as JPEG."""

    def save(picture, quality):
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(file))

    return save


def read(picture, own_quality=None):
    return earlier_save(take_sample(picture).grey, own_quality)


@pytest.mark.parametrize("quality", [30, 50, 70, 80, 90, 95])
def test_a_jpeg_that_was_saved_losslessly_tells_its_quality(clean, saved, quality):
    """Its coefficients still lie on the table's steps."""
    found = read(saved(clean, quality))
    assert found.quality == pytest.approx(quality, abs=5 if quality < 50 else 2)
    assert not found.tones_changed


@pytest.mark.parametrize("quality", [None, 86, 90, 95, 98])
def test_a_picture_without_a_history_tells_none(clean, saved, quality):
    """Neither as it is nor saved once: a file's own table is no earlier one."""
    assert read(clean if quality is None else saved(clean, quality), quality) is None


@pytest.mark.parametrize("quality", [96, 97, 98])
def test_a_jpeg_saved_anew_and_finer_tells_the_first_save(clean, saved, quality):
    """The file says 98 and holds 90; what is told may be too fine by a step."""
    found = read(saved(saved(clean, 90), quality), quality)
    assert 90 <= found.quality <= 95
    assert not found.tones_changed


@pytest.mark.parametrize("quality", [96, 97, 98])
def test_a_fine_jpeg_saved_a_little_finer_tells_the_first_save(clean, saved, quality):
    """Steps of two levels lie on every other of its own: all odd ones are missing."""
    found = read(saved(saved(clean, 95), quality), quality)
    assert found.quality == 95
    assert not found.tones_changed


@pytest.mark.parametrize("first", [40, 60, 75])
@pytest.mark.parametrize("second", [86, 90, 92])
def test_a_coarse_jpeg_saved_anew_tells_how_coarse_it_was(clean, saved, first, second):
    """Its coefficients lie on its own steps, which says more than how they crowd on the second ones."""
    found = read(saved(saved(clean, first), second), second)
    assert found.quality == pytest.approx(first, abs=2)
    assert not found.tones_changed


def test_a_jpeg_saved_anew_and_coarser_tells_the_finer_save(clean, saved):
    """By how its coefficients crowd, where none lie on the first steps any more."""
    assert read(saved(saved(clean, 95), 90), 90).quality == 95


@pytest.mark.parametrize("factor", [0.7, 0.85, 1.3])
def test_light_that_was_changed_since_stretches_the_steps(clean, saved, factor):
    """So much brighter or darker, so much wider or narrower; below 90 or so it reads as another quality instead."""
    lit = np.clip(np.rint(saved(np.asarray(clean // 2, np.uint8), 95) * factor), 0, 255).astype(np.uint8)
    found = read(lit)
    assert found.tones_changed
    assert found.stretch == pytest.approx(factor, rel=0.1)


def test_a_coarse_jpeg_is_not_asked(clean, saved):
    """Its own table hides what was before, and has taken more."""
    assert read(saved(saved(clean, 95), 70), 70) is None


@pytest.mark.parametrize("shape", [(3, 3, 3), (8, 8, 3), (7, 300, 3)])
def test_what_is_too_small_tells_nothing(shape):
    """Not even one block, or too few of them."""
    assert read(np.full(shape, 128, np.uint8)) is None
