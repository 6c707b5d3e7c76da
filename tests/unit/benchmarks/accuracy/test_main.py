"""The results file: one section a set, one part at a time."""

import json

import pytest

from benchmarks.accuracy import __main__ as accuracy
from benchmarks.accuracy.__main__ import Run, write


@pytest.fixture(autouse=True)
def _core_alone(monkeypatch):
    """The `heavy` extra is not there in the tests."""
    monkeypatch.setattr(accuracy, "LIBRARIES", ("numpy",))


def test_a_part_is_put_beside_the_others(small_set, tmp_path):
    """A part that is measured again replaces itself alone."""
    path, run = tmp_path / "accuracy.json", Run(tmp_path, tmp_path, small_set)
    write(path, run, "first_stage", {"old": 1})
    write(path, run, "hashes", {"pdq": 2})
    write(path, run, "first_stage", {"new": 3})
    section = json.loads(path.read_text(encoding="utf-8"))["fit/photos"]
    assert section["first_stage"] == {"new": 3}
    assert section["hashes"] == {"pdq": 2}


def test_figures_stand_with_the_set_they_are_of(small_set, tmp_path):
    """Seed, sizes and numbers of queries."""
    path = tmp_path / "accuracy.json"
    write(path, Run(tmp_path, tmp_path, small_set), "first_stage", {})
    told = json.loads(path.read_text(encoding="utf-8"))
    assert told["fit/photos"]["set"] == {
        "half": "fit",
        "references_are": "photos",
        "seed": 1,
        "references": 2,
        "distractors": 1,
        "queries": {"single": 2, "chain": 1, "none": 1},
    }
    assert set(told["versions"]) == {"python", "numpy"}
