"""The service held against the truth: what counts as found, false and rightly named."""

import io

import numpy as np
import pytest
from PIL import Image, ImageOps

from benchmarks.accuracy.collection import Collection, Query
from benchmarks.accuracy.end_to_end import end_to_end
from service.workflows import check


def written(picture):
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=95, subsampling=0)
    return out.getvalue()


def query(file, source, kind, step, edits, region=None):
    return Query(file, source, kind, [step], edits, [], region)


@pytest.fixture(scope="module")
def named(photographs, tmp_path_factory):
    """Two references and two distractors; a crop, a mirror image, and strangers made of the distractors."""
    folder = tmp_path_factory.mktemp("set")
    shown = {
        name: Image.fromarray(np.asarray(photographs[name])) for name in ("astronaut", "coffee", "chelsea", "rocket")
    }
    for below in ("pictures", "queries"):
        (folder / below).mkdir()
    for name, picture in shown.items():
        (folder / "pictures" / f"{name}.jpg").write_bytes(written(picture))
    width, height = shown["coffee"].size
    box = (0.02, 0.03, 0.97, 0.98)
    made = {
        "0.jpg": shown["coffee"].crop(tuple(round(b * side) for b, side in zip(box, (width, height) * 2, strict=True))),
        "1.jpg": ImageOps.mirror(shown["astronaut"]),
        "2.jpg": shown["chelsea"].rotate(90, expand=True),
        "3.jpg": shown["astronaut"].resize((200, 200)),
    }
    for file, picture in made.items():
        (folder / "queries" / file).write_bytes(written(picture))
    queries = [
        query("0.jpg", "coffee", "single", {"name": "crop"}, ["cropped"], list(box)),
        query("1.jpg", "astronaut", "chain", {"name": "hflip"}, ["blurred"]),
        query("2.jpg", "chelsea", "none", {"name": "rotate"}, []),
        query("3.jpg", "rocket", "none", {"name": "scale"}, []),
    ]
    return Collection(folder, "fit", "photos", 1, ["astronaut", "coffee"], ["chelsea", "rocket"], queries)


@pytest.fixture(scope="module")
def told(named):
    return end_to_end(named)


def test_copies_are_found_and_their_names_held_against_the_truth(told):
    """Both are found; the truth of the mirror image is wrong on purpose."""
    assert (told["single"]["duplicate_balanced"]["value"], told["chain"]["duplicate_balanced"]["value"]) == (1, 1)
    assert (told["single"]["edits_right"]["value"], told["chain"]["edits_right"]["value"]) == (1, 0)
    assert (told["single"]["listed"]["value"], told["chain"]["listed"]["value"]) == (1, 1)
    assert told["single"]["crop_iou"]["median"] > 0.9
    assert told["per_transform"]["crop"]["value"] == 1


def test_a_stranger_that_finds_its_own_source_is_no_mistake_and_another_is(told):
    """One is a turned distractor; the other is said to be made of the rocket, and shows the astronaut."""
    assert told["false_duplicates"]["balanced"]["which"] == [("3.jpg", "astronaut")]
    assert told["false_duplicates"]["balanced"]["n"] == 2


def test_a_quick_batch_is_asked_as_one(named, told, monkeypatch):
    """Features are made of fewer pictures where nobody stands out of the crowd."""
    monkeypatch.setattr(check, "CROWD", 1)
    monkeypatch.setattr(check, "STANDS_OUT", 2.0)
    monkeypatch.setattr(check, "VERY_SIMILAR", 2.0)
    quickly = end_to_end(named, quick=True)
    assert quickly["chain"]["duplicate_balanced"]["value"] == 1
    assert 0 < quickly["bytes_a_picture"]["kp5"] < told["bytes_a_picture"]["kp5"]


def test_what_a_picture_costs_is_told(told):
    """Bytes of each kind, and where a check's time goes."""
    assert told["bytes_a_picture"]["kp5"] > 1000
    assert set(told["timings_ms"]) == {"decode", "embed", "search", "verify", "assess", "total"}
    assert told["candidates"] == 12
