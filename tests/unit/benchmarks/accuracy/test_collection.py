"""The fixed sets: what lies in which part, and what is asked."""

import io
from collections import Counter

import pytest
from PIL import Image
from skimage import data

from benchmarks.accuracy.collection import SPLITS, Plan, encoded, planned, query_of, split
from benchmarks.accuracy.ranges import NAMES
from benchmarks.accuracy.transforms import Step
from training.descriptor.pictures import held_out

SETS = [("fit", "photos"), ("report", "photos"), ("fit", "small"), ("report", "small")]


@pytest.mark.parametrize(("half", "size"), SETS)
def test_no_picture_is_both_reference_and_distractor(half, size):
    """Others are distractors: what a query was made of is known, and not counted."""
    parts = split(half, size)
    gallery = [*parts.references, *parts.distractors]
    assert len(set(gallery)) == len(gallery)
    assert set(parts.others) <= set(parts.distractors)


@pytest.mark.parametrize(("half", "size"), SETS)
def test_only_held_out_pictures_distract(half, size):
    """No network has seen them."""
    parts = split(half, size)
    assert {*parts.distractors, *parts.others} <= held_out()
    assert len(parts.references) == 250
    assert (2900 if size == "photos" else 2650) < len(parts.distractors) <= 3000


@pytest.mark.parametrize("size", ["photos", "small"])
def test_the_halves_share_neither_references_nor_others(size):
    """What was fitted on one half's pictures is not reported on them."""
    fit, report = split("fit", size), split("report", size)
    assert not {*fit.references, *fit.others} & {*report.references, *report.others}


@pytest.mark.parametrize(("half", "size"), SETS)
def test_a_photograph_that_is_there_twice_lies_in_no_part(half, size):
    """Its copy would be a true match that the truth knows nothing of."""
    twice = set((SPLITS / "held-out-copies.txt").read_text(encoding="ascii").split())
    parts = split(half, size)
    assert twice
    assert twice <= held_out()
    assert not twice & {*parts.references, *parts.distractors, *parts.others}


def test_every_edit_is_asked_of_as_many_references():
    """Fifty queries of each, no two of one edit with the same source."""
    singles = [plan for plan in planned(split("report", "photos"), 1) if plan.kind == "single"]
    assert Counter(plan.names for plan in singles) == {(name,): 50 for name in NAMES}
    assert len({(plan.names, plan.source) for plan in singles}) == len(singles)
    assert max(Counter(plan.source for plan in singles).values()) <= 10


@pytest.mark.parametrize(("half", "size"), SETS)
def test_strangers_come_from_others_alone(half, size):
    """Three thousand of them, single edits and chains, no two the same."""
    parts = split(half, size)
    plans = planned(parts, 1)
    strangers = [plan for plan in plans if plan.kind == "none"]
    assert len(set(strangers)) == 3000
    assert {plan.source for plan in strangers} == set(parts.others)
    assert {plan.source for plan in plans} - {plan.source for plan in strangers} == set(parts.references)
    assert min(Counter(len(plan.names) > 1 for plan in strangers).values()) >= 1000


def test_a_share_asks_the_first_of_each_kind():
    """So that a quick run's queries are among those of the full one."""
    parts = split("fit", "photos")
    few, all_of_them = planned(parts, 1, 0.1), planned(parts, 1)
    assert Counter(plan.kind for plan in few) == {"single": 150, "chain": 100, "none": 300}
    assert set(few) <= set(all_of_them)


def test_what_a_query_was_made_of_beside_its_reference_is_told():
    """A stranger's source, and whatever was pasted above or below."""
    pasted = [Step("overlay_image", {"other": "c"}, (9, 9), (9, 9)), Step("blur", {}, (9, 9), (9, 9))]
    assert query_of(Plan("a", "chain", ("overlay_image", "blur")), "0.jpg", pasted).beside == {"c"}
    assert query_of(Plan("b", "none", ("overlay_image", "blur")), "0.jpg", pasted).beside == {"b", "c"}


def test_a_query_is_written_nearly_without_loss():
    """The edit is tested, not the file it came in; but an edit that is a quality is kept."""
    picture = Image.fromarray(data.astronaut()).resize((64, 64))
    quality = Step("encoding_quality", {"quality": 10}, (64, 64), (64, 64))
    rough, fine = (
        _tables(encoded(picture, steps)) for steps in ([quality], [quality, Step("hflip", {}, (1, 1), (1, 1))])
    )
    assert max(fine[0]) < 15
    assert max(rough[0]) > 100


def test_a_query_tells_what_was_done_and_what_it_should_be_called():
    """Only one that matches has a reference."""
    window = {"x1": 0.0, "y1": 0.0, "x2": 0.5, "y2": 0.5}
    steps = [Step("crop", window, (100, 100), (50, 50)), Step("rotate", {"degrees": 5.0}, (50, 50), (45, 45))]
    query = query_of(Plan("sha", "chain", ("crop", "rotate")), "1.jpg", steps)
    assert query.reference == "sha"
    assert query.names == ["crop", "rotate"]
    assert query.edits == ["cropped", "rotated"]
    assert query.region is None
    stranger = query_of(Plan("sha", "none", ("crop",)), "2.jpg", steps[:1])
    assert stranger.reference is None
    assert stranger.region == [0, 0, 0.5, 0.5]


def _tables(file):
    with Image.open(io.BytesIO(file)) as image:
        return image.quantization
