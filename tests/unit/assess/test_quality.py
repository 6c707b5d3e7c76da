"""All the numbers of one picture together, and honesty about those that cannot be read."""

import itertools

import cv2
import numpy as np
import pytest

from service.assess.quality import assess_quality
from service.domain.file_facts import FileFacts
from service.domain.values import Quality

JPEG = FileFacts(jpeg_quality=90, lossless=False, bit_depth=8, metadata=frozenset({"exif"}), marks_readable=True)
PNG = FileFacts(lossless=True, bit_depth=8, marks_readable=True)
WEBP = FileFacts(lossless=False, bit_depth=8, marks_readable=True)
NUMBERS = [name for name in Quality.__dataclass_fields__ if name != "unknown"]


@pytest.mark.parametrize("file", [JPEG, PNG, WEBP, FileFacts()])
@pytest.mark.parametrize("shape", [(1, 1, 3), (90, 300, 3), (200, 300, 3)])
def test_what_is_not_measured_is_none_with_a_reason(file, shape):
    """Never a made-up 0; and what is measured needs no excuse."""
    quality = assess_quality(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), file)
    assert {name for name in NUMBERS if getattr(quality, name) is None} == set(quality.unknown)
    assert all(quality.unknown.values())


def test_numbers_are_plain(coffee):
    """As JSON and the catalogue want them."""
    quality = assess_quality(coffee, coffee, PNG)
    assert {type(getattr(quality, name)) for name in NUMBERS} <= {float, int, bool, type(None)}


def test_a_jpeg_has_lost_what_its_tables_say(coffee):
    """Whatever its pixels look like."""
    assert assess_quality(coffee, coffee, JPEG).compression == 0.9


def test_a_lossless_file_of_what_was_a_jpeg_is_told_from_one_that_kept_all(detailed, saved_as_jpeg):
    """The one is found out, and reads lower the lower its quality was."""
    picture = detailed["astronaut"]
    kept = assess_quality(picture, picture, PNG)
    resaved = [assess_quality(each, each, PNG) for each in (saved_as_jpeg(picture, quality) for quality in (60, 10))]
    assert (kept.was_lossy, kept.compression) == (False, 1.0)
    assert [each.was_lossy for each in resaved] == [True, True]
    assert 1.0 > resaved[0].compression > resaved[1].compression


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_overall_falls_as_a_picture_is_made_worse(detailed, noisy, pixelated, name):
    """Step by step: blurred, scaled down, laid under noise, pixelated."""
    picture = detailed[name]
    height, width, _ = picture.shape
    families = (
        [cv2.GaussianBlur(picture, (0, 0), sigma) for sigma in (0.8, 1.5, 3, 6)],
        [
            cv2.resize(picture, (int(width * s), int(height * s)), interpolation=cv2.INTER_AREA)
            for s in (0.8, 0.5, 0.25)
        ],
        [noisy(picture, level) for level in (6, 15, 40)],
        [pixelated(picture, side) for side in (2, 4, 8)],
    )
    for worse in families:
        read = [assess_quality(each, each, PNG).overall for each in (picture, *worse)]
        assert all(better > lesser for better, lesser in itertools.pairwise(read))


def test_a_file_without_metadata_says_so(coffee):
    """False where they could be read, null where not."""
    kept = [assess_quality(coffee, coffee, file).metadata_kept for file in (JPEG, PNG, FileFacts())]
    assert kept == [True, False, None]
