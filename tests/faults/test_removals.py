"""A removal of images, killed wherever it may be, is gone on with or undone. `make bench-faults` does it in full."""

import pytest

from benchmarks.faults import removals


@pytest.mark.timeout(600)
def test_a_removal_that_is_killed_loses_nothing_and_ends(tmp_path, counted, monkeypatch):
    """Each item is removed exactly when its image is, every keeper is there, and undone all is as it was."""
    monkeypatch.setattr(removals, "SHARE", 2)
    images = removals.filled(tmp_path / "data", 240)
    run = removals.killed(tmp_path / "data", images, counted(100))
    assert run.wrong == []
    assert sum(run.kills.values()) >= counted(100)
