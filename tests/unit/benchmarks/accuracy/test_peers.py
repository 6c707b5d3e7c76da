"""Other systems' answers, brought into our own shape."""

import subprocess

import numpy as np
import pytest

from benchmarks.accuracy import folder_tools
from benchmarks.accuracy.first_stage import best
from benchmarks.accuracy.folder_tools import Found, Tool, UnavailableError, groups, together
from benchmarks.accuracy.peers import signs


def test_a_cosine_of_signs_is_a_hamming_distance():
    """One bit of four differs: 1 - 2 x 1/4."""
    describe = signs(lambda picture: picture[0, :, 0] > 9)
    left, right = np.zeros((1, 4, 3), np.uint8), np.zeros((1, 4, 3), np.uint8)
    left[0, :2], right[0, :3] = 10, 10
    assert best(describe([left]), describe([left, right])).tolist() == [1, 0.5]


def test_a_group_of_files_is_all_its_pairs():
    """One group a line, by the files' own names."""
    assert groups("/x/a.jpg /x/b.jpg\n/y/1.jpg /y/2.jpg /y/3.jpg\n") == [
        ("a.jpg", "b.jpg"),
        ("1.jpg", "2.jpg"),
        ("1.jpg", "3.jpg"),
        ("2.jpg", "3.jpg"),
    ]


@pytest.fixture
def on_disk(small_set, tmp_path):
    """The small set with empty files."""
    for below, names in (("pictures", ["a.jpg", "b.jpg", "c.jpg"]), ("queries", [q.file for q in small_set.queries])):
        (tmp_path / below).mkdir()
        for name in names:
            (tmp_path / below / name).touch()
    return type(small_set)(tmp_path, "fit", "photos", 1, small_set.references, small_set.distractors, small_set.queries)


def test_a_folder_tool_sees_gallery_and_queries_together(on_disk):
    """And a second call changes nothing."""
    names = sorted(path.name for path in together(on_disk).iterdir())
    assert names == ["0.jpg", "1.jpg", "2.jpg", "3.jpg", "a.jpg", "b.jpg", "c.jpg"]
    assert len(list(together(on_disk).iterdir())) == 7


def test_a_tool_that_cannot_be_had_is_told_with_the_reason(on_disk, tmp_path, monkeypatch):
    """The others still answer."""

    def absent(_cache):
        raise UnavailableError("it is not here")

    def broken(_cache):
        def find(_folder):
            raise subprocess.CalledProcessError(3, ["difpy"])

        return find

    tools = (
        Tool("absent", absent),
        Tool("broken", broken),
        Tool("there", lambda _cache: lambda _folder: Found("1.2", [("0.jpg", "a.jpg")])),
    )
    monkeypatch.setattr(folder_tools, "TOOLS", tools)
    told = folder_tools.told(on_disk, tmp_path)
    assert told["absent"] == {"absent": "it is not here"}
    assert "status 3" in told["broken"]["absent"]
    assert told["there"]["version"] == "1.2"
    assert told["there"]["single"]["found"]["value"] == 0.5
