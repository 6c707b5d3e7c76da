"""What an edited picture should be called, and what a crop kept."""

import pytest

from benchmarks.accuracy.ranges import NAMES
from benchmarks.accuracy.transforms import Step
from benchmarks.accuracy.truth import EDITS, Words, region, words

CONTRACT = {
    *("cropped", "padded", "rotated", "flipped", "stretched", "perspective", "recoloured", "greyscale", "blurred"),
    *("sharpened", "noisy", "pixelated", "compressed", "overlaid", "composited", "screenshot"),
}
CROP = Step("crop", {"x1": 0.1, "y1": 0.25, "x2": 0.6, "y2": 0.999}, (400, 200), (200, 149))


def step(name, before=(400, 300), **arguments):
    return Step(name, arguments, before, before)


def test_every_edit_has_its_words_and_they_are_the_contracts():
    """No edit without an entry, and no word that an answer could not hold."""
    assert set(EDITS) == set(NAMES)
    assert {word for one in EDITS.values() for word in (*one.wanted, *one.accepted)} <= CONTRACT


@pytest.mark.parametrize(
    ("said", "right"),
    [
        (["rotated"], True),
        (["cropped", "rotated"], True),
        (["cropped"], False),
        (["rotated", "blurred"], False),
        ([], False),
    ],
)
def test_a_name_is_right_when_all_wanted_words_and_no_strange_ones_are_said(said, right):
    """AugLy's rotation cuts the corners off, so `cropped` may be said beside `rotated`."""
    assert Words(("rotated",), ("cropped",)).right(said) is right


def test_a_chain_wants_what_each_of_its_edits_wants():
    """A word that one edit wants is not merely accepted because another accepts it."""
    assert words([step("rotate"), step("crop"), step("scale")]) == Words(("rotated", "cropped"), ())


def test_a_square_padded_to_a_square_is_not_called_padded():
    """Nothing was added that could be seen."""
    assert words([step("pad_square", (300, 301))]).wanted == ()
    assert words([step("pad_square", (400, 300))]).wanted == ("padded",)


def test_a_picture_without_its_colours_may_be_called_greyscale():
    """Saturation near nothing is grey, whatever it was made by."""
    assert words([step("saturation", factor=0.0)]).right(["greyscale"])
    assert not words([step("saturation", factor=3.0)]).right(["greyscale"])


def test_the_region_is_what_the_crop_kept_in_whole_pixels():
    """In shares of the picture; 0.999 of 200 rows is 199 rows."""
    assert region([CROP]) == (0.1, 0.25, 0.6, 0.995)


def test_the_region_stays_known_when_colours_or_the_frame_change():
    """Neither moves what the crop kept."""
    assert region([step("blur"), CROP, step("pad"), step("hflip")]) == region([CROP])


@pytest.mark.parametrize("name", ["hflip", "pad", "rotate", "skew"])
def test_the_region_is_unknown_when_the_picture_was_moved_first(name):
    """A share of the mirrored or padded picture is another share of the source."""
    assert region([step(name), CROP]) is None


def test_the_region_is_unknown_when_more_is_cut_off():
    """A turn after the crop takes more away."""
    assert region([CROP, step("rotate")]) is None
    assert region([step("blur")]) is None
