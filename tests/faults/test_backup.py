"""Backups under load are whole: the small version of `benchmarks/faults/backup.py`."""

from benchmarks.faults.backup import back_up_under_load

ROUNDS = 3


def test_backups_under_load_restore_clean_and_hold_what_was_acknowledged(tmp_path):
    """Two writers go on all the while."""
    story = back_up_under_load(tmp_path, rounds=ROUNDS, writers=2)
    assert (story.verified, story.restored_clean, story.lost) == (ROUNDS, ROUNDS, 0)
    assert story.pictures > ROUNDS
