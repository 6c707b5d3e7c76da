"""The keeper benchmark: what it makes, and how it counts."""

import io
import random

import pytest
from PIL import Image

from benchmarks.keeper.__main__ import Tally
from benchmarks.keeper.copies import FAMILIES
from benchmarks.keeper.groups import Group
from benchmarks.keeper.rules import RULES
from service.domain.values import Assessed, Authenticity, PictureFacts, Quality


@pytest.fixture(scope="module")
def jpeg(coffee):
    """A JPEG of a photograph, as an original."""
    out = io.BytesIO()
    Image.fromarray(coffee[:300, :400]).save(out, "JPEG", quality=95)
    return out.getvalue()


@pytest.mark.parametrize("family", FAMILIES)
def test_a_copy_is_another_file_and_the_same_for_the_same_seed(jpeg, family):
    """So that a figure can be made again."""
    first, again = (FAMILIES[family](jpeg, random.Random(5)) for _ in range(2))  # noqa: S311 - pictures, not secrets
    assert first == again != jpeg
    assert Image.open(io.BytesIO(first)).size


def test_more_metadata_changes_no_pixel(jpeg):
    """The file is heavier, and that is all."""
    heavier = FAMILIES["metadata"](jpeg, random.Random(5))  # noqa: S311 - likewise
    assert len(heavier) > len(jpeg) + 2000
    assert Image.open(io.BytesIO(heavier)).tobytes() == Image.open(io.BytesIO(jpeg)).tobytes()


def test_a_tally_tells_by_family_and_by_what_was_kept_instead():
    """A group counts for each family that is in it."""
    tally = Tally()
    group = Group(0, (b"", b"", b""), ("blurred", "", "jpeg"))
    assert tally.count(group, 1)
    assert not tally.count(group, 0)
    told = tally.as_json()
    assert (told["kept"], told["by_family"]["jpeg"], told["by_family"]["padded"]) == (0.5, 0.5, None)
    assert told["kept_instead"] == {"blurred": 1}


def test_plain_rules_keep_what_they_are_called_after(make_assessed):
    """By one number each."""
    group = [make_assessed(3, 10, 0.9), make_assessed(2, 30, 0.1), make_assessed(1, 20, 0.5)]
    kept = {name: rule(group) for name, rule in RULES.items()}
    assert (kept["sharpest"], kept["most_pixels"], kept["largest_file"]) == (0, 1, 0)


@pytest.fixture
def make_assessed():
    """Of so many kilobytes, so many pixels a side, so sharp."""

    def make(kilobytes, side, sharpness):
        facts = PictureFacts("0" * 64, "JPEG", side, side, 1000 * kilobytes, "1" * 64, 1)
        return Assessed(facts, Quality(sharpness=sharpness), Authenticity())

    return make
