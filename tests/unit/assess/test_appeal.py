"""Light, contrast and colour of pictures whose numbers can be worked out by hand."""

import numpy as np
import pytest

from service.assess.appeal import colourfulness, contrast, exposure, grey_levels, lights_cut_at


def halves(one, other):
    """A grey picture, half of each level."""
    return np.array([[one, other]] * 8, np.uint8)


def test_a_middling_grey_is_exposed_best():
    """Black and white are not exposed at all."""
    assert exposure(grey_levels(halves(127, 128))) == pytest.approx(1, abs=1e-3)
    assert exposure(grey_levels(halves(0, 0))) == exposure(grey_levels(halves(255, 255))) == 0


def test_clipped_pixels_are_lost():
    """Half of the picture is black, so half is left, less for the dark mean (level 64)."""
    assert exposure(grey_levels(halves(0, 128))) == pytest.approx(0.5 * (1 - (2 * 64 / 255 - 1) ** 4))


def test_contrast_is_the_spread_of_the_levels():
    """Levels 32 on either side of their mean are half of full contrast; a flat picture has none."""
    assert contrast(grey_levels(halves(96, 160))) == pytest.approx(0.5)
    assert contrast(grey_levels(halves(9, 9))) == 0
    assert contrast(grey_levels(halves(0, 255))) == 1


def test_a_grey_picture_has_no_colour(astronaut):
    """And the photograph that it was made from has some."""
    grey = np.repeat(astronaut[..., 1:2], 3, axis=2)
    assert colourfulness(grey) == 0
    assert 0.1 < colourfulness(astronaut) < 1


def test_colourfulness_is_that_of_the_paper():
    """Half red, half green, each of 50: rg is 50 and -50, yb is 25, so M = 50 + 0.3 * 25."""
    picture = np.zeros((2, 4, 3), np.uint8)
    picture[:, :2, 0] = picture[:, 2:, 1] = 50
    assert colourfulness(picture) == pytest.approx((50 + 0.3 * 25) / 109)


def test_a_picture_all_clipped_has_no_exposure_rather_than_less():
    """Shares of pixels add up to one but for a rounding, and a number below nothing has no root."""
    rng = np.random.default_rng(7)
    ends = np.r_[0:5, 251:256]
    for _ in range(400):
        grey = rng.choice(ends, (40, 50), p=rng.dirichlet(np.ones(10))).astype(np.uint8)
        assert 0 <= exposure(grey_levels(grey)) <= 1


@pytest.fixture(scope="module")
def falling():
    """Fewer and fewer pixels the lighter they are, as in most pictures, and none above 240."""
    chance = np.random.default_rng(5)
    return np.minimum(chance.triangular(0, 60, 300, (200, 200)), 240).astype(np.uint8)


def test_lights_that_run_out_are_not_cut_off(photographs, falling):
    even = np.where(falling >= 240, 100, falling).astype(np.uint8)
    assert lights_cut_at(grey_levels(even)) is None
    assert lights_cut_at(grey_levels(np.asarray(photographs["chelsea"][..., 1]))) is None


@pytest.mark.parametrize("factor", [1.0, 0.9, 0.7])
def test_lights_that_were_cut_off_are_found_where_darkening_put_them(falling, factor):
    """A tenth of the picture lies at one level; a save as JPEG would spread it over some."""
    spread = np.random.default_rng(6).normal(0, 1, falling.shape)
    darkened = np.clip(np.rint(falling * factor + spread), 0, 255).astype(np.uint8)
    assert lights_cut_at(grey_levels(darkened)) == pytest.approx(240 * factor, abs=5)


@pytest.mark.parametrize(("shape", "level", "told"), [((99, 99), 255, 255), ((99, 99), 90, None), ((9, 9), 255, None)])
def test_a_dark_or_tiny_picture_has_no_lights_to_cut_off(shape, level, told):
    """A picture of one level is cut off there."""
    assert lights_cut_at(grey_levels(np.full(shape, level, np.uint8))) == told
