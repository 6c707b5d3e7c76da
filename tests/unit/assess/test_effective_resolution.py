"""Effective resolution: the factor of an enlargement is found, and an untouched picture is let be."""

import itertools

import cv2
import numpy as np
import pytest

from service.assess.effective_resolution import detail, effective_megapixels, mean_power
from service.assess.spectrum_templates import STRETCH
from service.assess.tiles import take_sample

FACTORS = (1.25, 1.5, 2.0, 2.3, 3.0, 4.0)


@pytest.mark.parametrize("how", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("factor", FACTORS)
def test_the_factor_of_an_enlargement_is_found(detailed, enlarged, factor, how):
    """Within a tenth along a side, of every picture but one at most, whatever the filter."""
    read = [detail(take_sample(enlarged(picture, factor, how))).factor for picture in detailed.values()]
    assert sum(abs(each / factor - 1) < 0.1 for each in read) >= len(read) - 1


def test_an_untouched_picture_has_all_its_pixels(detailed):
    """Within 15 %."""
    for name, picture in detailed.items():
        height, width, _ = picture.shape
        assert effective_megapixels(take_sample(picture)) == pytest.approx(height * width / 1e6, rel=0.15), name


@pytest.mark.parametrize("quality", [40, 75, 90])
def test_blocks_of_jpeg_are_no_enlargement(detailed, saved_as_jpeg, quality):
    """Their rhythm of eight pixels is known."""
    for picture in detailed.values():
        assert detail(take_sample(saved_as_jpeg(picture, quality))).factor < 1.2


def test_noise_is_no_detail_taken_away(detailed, noisy):
    """A grainy picture is not called enlarged."""
    for picture in detailed.values():
        assert detail(take_sample(noisy(picture, 8))).factor < 1.1


def test_noise_over_an_enlargement_hides_it_from_the_spectrum_and_not_from_the_trace(astronaut, enlarged, noisy):
    """The spectrum is as wide as that of an untouched picture."""
    found = detail(take_sample(noisy(enlarged(astronaut, 1.8, "bilinear"), 4)))
    assert found.by == "trace"
    assert found.factor == pytest.approx(1.8, rel=0.02)


def test_a_file_saved_as_jpeg_after_it_was_enlarged_is_found_out(astronaut, enlarged, saved_as_jpeg):
    """The trace lies beside the blocks'."""
    found = detail(take_sample(saved_as_jpeg(enlarged(astronaut, 1.7, "bicubic"), 90)))
    assert found.factor == pytest.approx(1.7, rel=0.02)


def test_twice_the_size_leaves_no_trace_and_is_read_from_the_spectrum(astronaut, enlarged):
    """Every new pixel lies as far from an old one as any other."""
    found = detail(take_sample(enlarged(astronaut, 2, "bicubic")))
    assert found.by == "spectrum"
    assert found.factor == pytest.approx(2, rel=0.1)


@pytest.mark.parametrize("side", [2, 3, 5, 8])
def test_blocks_of_one_colour_count_once(astronaut, pixelated, side):
    """Whatever a spectrum would say of their edges."""
    found = detail(take_sample(pixelated(astronaut, side)))
    assert found.by == "blocks"
    assert found.factor == pytest.approx(side, rel=0.03)


def test_detail_never_grows_with_blur(detailed):
    """And what four pixels of blur leave is less than a quarter."""
    for picture in detailed.values():
        blurred = [picture, *(cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in (0.7, 1, 1.5, 2, 4))]
        read = [detail(take_sample(each)).factor for each in blurred]
        assert all(before <= after * 1.1 for before, after in itertools.pairwise(read))
        assert read[-1] > 2


def test_a_large_picture_is_read_from_tiles(astronaut, enlarged):
    """As its parts would be."""
    large = enlarged(np.tile(astronaut, (2, 2, 1)), 2.5, "bicubic")
    assert effective_megapixels(take_sample(large)) == pytest.approx(4 * 0.512**2, rel=0.05)


@pytest.mark.parametrize("shape", [(STRETCH - 1, 400, 3), (400, STRETCH - 1, 3), (1, 1, 3)])
def test_of_a_picture_too_small_for_a_spectrum_nothing_is_said(shape):
    """Not that it was all there."""
    picture = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert detail(take_sample(picture)) is None
    assert effective_megapixels(take_sample(picture)) is None


def test_of_a_flat_picture_nothing_is_said():
    """One colour has no detail that could be missing."""
    assert detail(take_sample(np.full((300, 300, 3), 77, np.uint8))) is None


def test_white_noise_reads_its_variance():
    """At every frequency, whatever the window."""
    noise = np.random.default_rng(3).normal(100, 5, (300, 300)).astype(np.float32)
    assert mean_power([noise]).mean() == pytest.approx(25, rel=0.05)
