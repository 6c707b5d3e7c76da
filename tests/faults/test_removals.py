"""A removal, of images or of files, killed wherever it may be, is gone on with or undone. `make bench-faults` in full."""

import pytest

from benchmarks.faults import folder_kills, removals


@pytest.mark.timeout(600)
def test_a_removal_that_is_killed_loses_nothing_and_ends(tmp_path, counted, monkeypatch):
    """Each item is removed exactly when its image is, every keeper is there, and undone all is as it was."""
    monkeypatch.setattr(removals, "SHARE", 2)
    images = removals.filled(tmp_path / "data", 240)
    run = removals.killed(tmp_path / "data", images, counted(100))
    assert run.wrong == []
    assert sum(run.kills.values()) >= counted(100)


@pytest.mark.timeout(600)
def test_a_removal_of_files_that_is_killed_loses_nothing_and_ends(tmp_path, counted, monkeypatch):
    """Every keeper lies in its place, every other file there or aside, and undone the folder is what it was."""
    monkeypatch.setattr(folder_kills, "SHARE", 2)
    names = folder_kills.filled(tmp_path, 120)
    run = folder_kills.killed(tmp_path, names, counted(100))
    assert run.wrong == []
    assert sum(run.kills.values()) >= counted(100)
