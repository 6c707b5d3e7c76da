"""A data folder is shared by all, or held by one."""

import fcntl
import subprocess
import sys

import pytest

from index_store.errors import HalfRestoredError, StoreInUseError
from index_store.in_use import LOCK, RESTORING, hold_alone, share


def test_many_may_share_a_folder(tmp_path):
    """Services, workers and commands work side by side."""
    with share(tmp_path / "data"), share(tmp_path / "data"):
        pass


def test_nobody_holds_alone_what_another_shares(tmp_path):
    """A restore must not happen under a running service."""
    with share(tmp_path), pytest.raises(StoreInUseError, match="stop the service"):
        hold_alone(tmp_path)
    hold_alone(tmp_path).close()


def test_nobody_shares_what_another_holds_alone(tmp_path):
    """A service must not start in the middle of a repair."""
    with hold_alone(tmp_path), pytest.raises(StoreInUseError):
        share(tmp_path)
    share(tmp_path).close()


def test_a_half_restored_folder_lets_nobody_in_but_a_restore(tmp_path):
    """It is no store yet, and the restore that was killed holds no lock any more."""
    (tmp_path / RESTORING).mkdir()
    for hold in (share, hold_alone):
        with pytest.raises(HalfRestoredError, match="start it again"):
            hold(tmp_path)
    hold_alone(tmp_path, to_restore=True).close()


def test_a_process_that_was_killed_holds_nothing(tmp_path):
    """The kernel lets go of it; nobody has to clean up."""
    code = (
        "import os, pathlib; from index_store.in_use import share;"
        f"held = share(pathlib.Path({str(tmp_path)!r})); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    assert (tmp_path / LOCK).exists()
    hold_alone(tmp_path).close()


def test_a_lock_on_a_file_that_was_replaced_does_not_count(tmp_path, monkeypatch):
    """Else a service would share a folder that a restore which failed has just removed."""
    lock, replaced = fcntl.flock, []

    def replace_then_lock(descriptor, how):
        if not replaced:
            (tmp_path / LOCK).unlink()
            (tmp_path / LOCK).touch()
            replaced.append(True)
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", replace_then_lock)
    with share(tmp_path), pytest.raises(StoreInUseError):
        hold_alone(tmp_path)
