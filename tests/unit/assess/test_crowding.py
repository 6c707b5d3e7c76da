"""Earlier saves that show by where coefficients crowd on a JPEG's own steps."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from service.assess.crowding import crowding
from service.assess.tiles import take_sample


@pytest.fixture(scope="module")
def clean(photographs):
    """Photographs without a history side by side: scaled down, so that no block of an earlier save is left."""
    names = ("coffee", "astronaut", "chelsea", "rocket")
    small = [cv2.resize(photographs[name], (360, 240), interpolation=cv2.INTER_AREA) for name in names]
    return Image.fromarray(np.asarray(np.vstack([np.hstack(small[:2]), np.hstack(small[2:])]), np.uint8))


def saved(picture, **how):
    file = io.BytesIO()
    picture.save(file, "JPEG", **how)
    return Image.open(file).convert("RGB")


def read(picture, own_quality):
    return crowding(take_sample(np.asarray(picture)).grey, own_quality)


@pytest.mark.parametrize("quality", [90, 92, 94, 96])
def test_a_jpeg_saved_anew_tells_the_finer_save_before(clean, quality):
    """The second table's steps are coarser than the first one's, and no multiples of them."""
    assert read(saved(saved(clean, quality=95), quality=quality), quality) == (95, 1.0)


@pytest.mark.parametrize("factor", [0.75, 1.25, 1.3])
def test_a_jpeg_whose_contrast_was_stretched_between_two_saves_alike_tells_by_how_much(clean, factor):
    """Both tables are the same: nothing but the stretch makes coefficients crowd."""
    edited = ImageEnhance.Contrast(saved(clean, quality=95)).enhance(factor)
    found = read(saved(edited, quality=95), 95)
    assert found.quality == 95
    assert found.stretch == pytest.approx(factor, rel=0.03)


@pytest.mark.parametrize("quality", [85, 88, 90, 92, 94, 95, 96])
def test_a_jpeg_that_was_saved_once_tells_nothing(clean, quality):
    assert read(saved(clean, quality=quality), quality) is None


@pytest.mark.parametrize("quality", [50, 84, 97, 100])
def test_where_nothing_can_be_told_nothing_is(clean, quality):
    """Too coarse, or too fine."""
    assert read(saved(saved(clean, quality=95), quality=quality), quality) is None


@pytest.fixture(scope="module", params=["text", "tile", "checks"])
def patterned(request, clean):
    """Blocks that are like each other: words, light on dark, a small picture over and over, and a checkerboard."""
    if request.param == "tile":
        return Image.fromarray(np.tile(np.asarray(clean)[40:72, 40:88], (15, 15, 1)))
    if request.param == "checks":
        return Image.fromarray(
            np.repeat(np.indices((480, 640)).sum(axis=0)[..., None] // 3 % 2 * 90 + 60, 3, 2).astype(np.uint8)
        )
    page = Image.new("RGB", (720, 480), (24, 26, 30))
    for line in range(24):
        ImageDraw.Draw(page).text(
            (8, 20 * line), "nobody has read those notes on the kitchen door " * 2, (230, 230, 225)
        )
    return page


@pytest.mark.parametrize("quality", range(85, 97))
def test_text_and_patterns_that_were_saved_once_tell_nothing(patterned, quality):
    """Their coefficients crowd by what they show."""
    assert read(saved(patterned, quality=quality), quality) is None


def test_coefficients_that_lie_on_another_programs_steps_tell_nothing(clean):
    """They crowd on the steps that a quality of 90 would have, because they lie on others."""
    odd = [7] * 64
    assert read(saved(clean, qtables=[odd, odd]), 90) is None


@pytest.mark.parametrize("picture", [np.zeros((64, 64, 3), np.uint8), np.full((7, 200, 3), 90, np.uint8)])
def test_a_flat_or_tiny_picture_tells_nothing(picture):
    assert read(picture, 95) is None
