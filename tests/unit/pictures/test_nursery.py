"""The keeper and its children, with trouble that no picture makes."""

import errno
import mmap
import os
import threading
import time
from pathlib import Path
from unittest.mock import Mock

import pytest
from PIL import Image

from service.pictures import nursery, process
from service.pictures.admit import Limits
from service.pictures.budget import MachineBudget
from service.pictures.pool import DecodePool


@pytest.fixture
def budget(tmp_path):
    return MachineBudget(2**28, tmp_path / "budget")


def descriptors():
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counting entries that vanish while looked at


def children():
    tasks = Path("/proc/self/task").iterdir()
    return sorted(pid for task in tasks for pid in (task / "children").read_text().split())


@pytest.mark.parametrize(
    "trouble", [RuntimeError("can't start new thread"), MemoryError(), OSError(errno.EAGAIN, "no")]
)
def test_the_keeper_outlives_whatever_keeps_a_child_from_starting(budget, encode, monkeypatch, caplog, trouble):
    """Were its thread to end, so would all children, one after the other and for good."""
    start = nursery.ChildProcess
    attempts = []

    def try_to_start(*args, **options):
        attempts.append(1)
        if len(attempts) <= 2:
            raise trouble
        return start(*args, **options)

    monkeypatch.setattr(nursery, "ChildProcess", try_to_start)
    with DecodePool(1, budget=budget) as pool:
        pool.decode(encode(Image.new("RGB", (7, 7)), "PNG"), wait_s=60).close()
    assert [line.name for line in caplog.records if line.getMessage() == "decoder_not_started"] == ["keepone"] * 2


@pytest.mark.parametrize("culprit", [(mmap, "mmap"), (process.socket, "socketpair"), (process.subprocess, "Popen")])
def test_a_child_that_cannot_be_made_leaves_nothing_behind(monkeypatch, culprit):
    """Neither a descriptor nor a process."""
    before = descriptors(), children()
    monkeypatch.setattr(*culprit, Mock(side_effect=OSError(errno.ENOMEM, "Cannot allocate memory")))
    with pytest.raises(OSError, match="Cannot allocate"):
        process.ChildProcess(Limits(), fault_injection=False)
    monkeypatch.undo()
    assert (descriptors(), children()) == before


@pytest.mark.parametrize("where", ["at work", "at rest"])
def test_nobody_waits_while_a_lost_child_is_ended(budget, monkeypatch, where):
    """Killing and reaping takes as long as the kernel takes; the lock is free meanwhile."""
    was_free = []

    def look(pool):
        free = pool._nursery._changed.acquire(timeout=5)
        if free:
            pool._nursery._changed.release()
        was_free.append(free)

    with DecodePool(1, budget=budget) as pool:
        with pool._nursery.borrow(None) as child:
            pass
        kill = child.kill

        def kill_slowly():
            other = threading.Thread(target=look, args=(pool,))
            other.start()
            other.join()
            kill()

        monkeypatch.setattr(child, "kill", kill_slowly)
        if where == "at rest":
            child._process.kill()
            child._process.wait()
            with pool._nursery.borrow(time.monotonic() + 60) as other:
                assert other is not child
        else:
            with pytest.raises(KeyboardInterrupt), pool._nursery.borrow(None):
                raise KeyboardInterrupt
    assert was_free == [True]
