"""How alike two pictures look: each term alone, then their sum."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage.metrics import structural_similarity

from service.compare.appearance import Appearance, compare, look, ssim
from service.domain.verdict import RECOLOURED_TONES, SAME_TONES


@pytest.fixture(scope="module")
def looks(photographs):
    return {name: look(picture) for name, picture in photographs.items()}


def with_bits_flipped(seen, count):
    bits = seen.bits.copy()
    bits[:count] = ~bits[:count]
    return replace(seen, bits=bits)


@pytest.mark.parametrize("other", ["coffee", "gravel", "astronaut", "blurred", "darker"])
def test_structure_is_what_scikit_image_computes(looks, other):
    """Wang's SSIM with a Gaussian window, by an independent implementation."""
    left = looks["astronaut"].grey
    made = {"blurred": cv2.GaussianBlur(left, (0, 0), 2), "darker": left * np.float32(0.7)}
    right = made[other] if other in made else looks[other].grey
    oracle = structural_similarity(
        left, right, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert ssim(left, right) == pytest.approx(oracle, abs=1e-3)


def test_a_picture_looks_exactly_like_itself(looks):
    """Every term is 1, and no tone has moved."""
    for seen in looks.values():
        same = compare(seen, seen)
        assert (same.hash, same.structure, same.colour) == pytest.approx((1.0, 1.0, 1.0), abs=1e-6)
        assert same.combined == pytest.approx(1.0, abs=1e-6)
        assert same.tone_distance == 0.0
        assert same.tone_residual == pytest.approx(0.0, abs=0.05)


def test_appearance_is_the_weighted_sum_of_its_terms():
    """0.40 h + 0.30 s + 0.30 c, as CONTRACT says."""
    seen = Appearance(hash=0.9, structure=0.5, colour=0.2, tone_distance=0.0, tone_residual=0.0, local_change=0.0)
    assert seen.combined == pytest.approx(0.40 * 0.9 + 0.30 * 0.5 + 0.30 * 0.2)


@pytest.mark.parametrize(("flipped", "term"), [(0, 1.0), (26, 1 - 26 / 256), (51, 1 - 51 / 256), (52, 0.0), (256, 0.0)])
def test_the_hash_term_is_cut_where_a_fifth_of_the_bits_differ(looks, flipped, term):
    """51 of 256 bits still count, 52 count as nothing."""
    seen = looks["astronaut"]
    assert seen.bits.shape == (256,)
    assert compare(with_bits_flipped(seen, flipped), seen).hash == pytest.approx(term)


def test_a_recoloured_picture_loses_its_colour_term(astronaut, looks):
    """Same structure, other colours."""
    tinted = np.stack([astronaut[..., 0] // 4, astronaut[..., 1], 255 - astronaut[..., 2] // 2], axis=2)
    assert compare(look(tinted), looks["astronaut"]).colour < 0.5


def test_terms_below_zero_count_as_zero(astronaut, looks):
    """A negative looks less than unlike."""
    negative = look(255 - astronaut)
    assert ssim(negative.grey, looks["astronaut"].grey) < 0
    assert compare(negative, looks["astronaut"]).structure == 0.0


def test_an_even_histogram_correlates_with_nothing(looks):
    """It has no spread, and must not become NaN."""
    even = replace(looks["coffee"], histograms=np.full((3, 64), 1 / 64, np.float32))
    assert compare(even, looks["coffee"]).colour == 0.0


def test_histograms_are_shares_of_the_picture(looks):
    """So that size does not matter."""
    for seen in looks.values():
        assert seen.histograms.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-4)


def test_strangers_look_unlike(looks):
    """Well below what a copy reaches."""
    assert compare(looks["coffee"], looks["astronaut"]).combined < 0.5


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_saving_anew_hardly_moves_the_tones(photographs, looks, saved_as_jpeg, quality):
    """JPEG at any common quality stays the same rendering."""
    for name, picture in photographs.items():
        assert compare(look(saved_as_jpeg(picture, quality)), looks[name]).tone_distance <= SAME_TONES


@pytest.mark.parametrize("scale", [0.4, 1.5])
def test_resizing_hardly_moves_the_tones(photographs, looks, resized, scale):
    """Nor does another size."""
    for name, picture in photographs.items():
        assert compare(look(resized(picture, scale)), looks[name]).tone_distance <= SAME_TONES


def test_a_change_of_brightness_is_explained_by_an_affine_map(coffee, looks):
    """The tones move, and next to nothing of it remains."""
    seen = compare(look((coffee * 0.7).astype(np.uint8)), looks["coffee"])
    assert seen.tone_distance > 3 * SAME_TONES
    assert seen.tone_residual < RECOLOURED_TONES / 2


def test_a_caption_is_not_explained_by_an_affine_map(coffee, looks):
    """Something was laid over it, so what remains is large."""
    captioned = coffee.copy()
    captioned[-80:] = 255
    assert compare(look(captioned), looks["coffee"]).tone_residual > RECOLOURED_TONES


@pytest.mark.parametrize(("name", "grey"), [("camera", True), ("moon", True), ("astronaut", False), ("rocket", False)])
def test_grey_pictures_are_told_from_colour_ones(photographs, saved_as_jpeg, name, grey):
    """Saved as a colour JPEG too, which leaves traces of colour."""
    assert look(photographs[name]).is_grey is grey
    assert look(saved_as_jpeg(photographs[name], 40)).is_grey is grey


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 500, 3), (500, 1, 3), (15, 16, 3)])
def test_a_picture_of_any_shape_can_be_looked_at(shape):
    """Smaller than every grid it is reduced to."""
    seen = look(np.full(shape, 40, np.uint8))
    assert compare(seen, seen).combined == pytest.approx(1.0)


def test_a_turned_view_can_be_looked_at(coffee):
    """Poses are views with negative strides, which OpenCV does not take."""
    assert look(coffee[:, ::-1].swapaxes(0, 1)).grey.shape == (256, 256)
