"""Which of two files is ahead: a photograph and what is often made of one, so that the answer is known."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from service.domain.choosing import sum_of
from service.domain.pairs import NOTHING_KNOWN, Pair
from service.domain.policy import DEFAULT
from service.domain.weighing import leads
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import looked_at


@pytest.fixture(scope="module")
def photograph(coffee):
    """Sharp to the pixel, and without a history."""
    picture = Image.fromarray(coffee)
    return picture.resize((picture.width * 3 // 4, picture.height * 3 // 4), Image.Resampling.BOX)


@pytest.fixture(scope="module")
def led(pool):
    """What the first of two files leads by, all told, and by what."""

    def run(one, other, pair=NOTHING_KNOWN):
        here, there = (looked_at(file, pool, Stopwatch(), wait_s=60)[0] for file in (one, other))
        found = leads(here, there, pair, DEFAULT)
        return sum_of(found), {lead.what: lead.weight for lead in found}

    return run


def saved(picture, quality=95):
    file = io.BytesIO()
    if quality is None:
        picture.save(file, "PNG")
    else:
        picture.save(file, "JPEG", quality=quality)
    return file.getvalue()


@pytest.mark.parametrize("quality", [95, 98])
def test_what_may_be_sharpened_does_not_lead(led, photograph, quality):
    """It reads as sharper, but beside a blurred copy an original does as well: a person has to look."""
    copy = photograph.filter(ImageFilter.UnsharpMask(1.5, 120, 1))
    total, _ = led(saved(photograph), saved(copy, quality))
    assert 0 <= total < DEFAULT.clear_lead


@pytest.mark.parametrize("quality", [95, 98])
@pytest.mark.parametrize("deviation", [0.6, 0.7, 1.0])
def test_a_finely_saved_blurred_copy_is_behind(led, photograph, deviation, quality):
    """It is not taken for what the original was sharpened from."""
    total, found = led(saved(photograph), saved(photograph.filter(ImageFilter.GaussianBlur(deviation)), quality))
    assert found["sharpness"] > 0
    assert total > 0


def test_a_jpeg_saved_anew_a_little_finer_is_behind(led, photograph):
    """It is larger, and nothing is seen of it."""
    original = saved(photograph)
    total, found = led(original, saved(Image.open(io.BytesIO(original)), 96))
    assert found["saved_before"] > 0
    assert total > DEFAULT.clear_lead


def test_a_page_around_a_soft_photograph_holds_no_more_of_it(led, photograph):
    """Its letters are sharper than anything that the photograph shows."""
    soft = photograph.filter(ImageFilter.GaussianBlur(0.7))
    page = Image.new("RGB", (soft.width + 120, soft.height + 260), (255, 255, 255))
    page.paste(soft, (60, 60))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(18)
    for line in range(6):
        draw.text((60, soft.height + 80 + 26 * line), "when the day is long and nobody has read", (30, 30, 30), font)
    shown = soft.width * soft.height / (page.width * page.height)
    total, found = led(
        saved(soft), saved(page, None), Pair(first_overlap=1.0, second_overlap=shown, second_framed=True)
    )
    assert found.get("detail", 0.0) >= 0
    assert total > DEFAULT.clear_lead


def test_a_border_around_a_grainy_photograph_makes_it_no_cleaner(led, photograph):
    """The border alone is without grain."""
    pixels = np.asarray(photograph, np.float64)
    grain = np.random.default_rng(3).normal(0, 9, pixels.shape)
    grainy = Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))
    border = Image.new("RGB", (grainy.width + 90, grainy.height + 70), (0, 0, 0))
    border.paste(grainy, (45, 35))
    shown = grainy.width * grainy.height / (border.width * border.height)
    pair = Pair(first_overlap=1.0, second_overlap=shown, second_framed=True)
    total, found = led(saved(grainy), saved(border, None), pair)
    assert "noise" not in found
    assert total > DEFAULT.clear_lead


@pytest.mark.parametrize("quality", [75, 85])
def test_an_enlargement_that_a_coarse_save_hides_is_behind(led, photograph, quality):
    """Twice as large, and no more to see."""
    large = photograph.resize((photograph.width * 2, photograph.height * 2), Image.Resampling.BICUBIC)
    total, found = led(saved(photograph), saved(large, quality))
    assert found.get("detail", 0.0) >= 0
    assert total > DEFAULT.clear_lead


def test_a_blurred_copy_is_behind_still(led, photograph):
    """The sharper of two was not always sharpened."""
    total, found = led(saved(photograph), saved(photograph.filter(ImageFilter.GaussianBlur(1.2)), None))
    assert found["detail"] > 0
    assert total > DEFAULT.clear_lead
