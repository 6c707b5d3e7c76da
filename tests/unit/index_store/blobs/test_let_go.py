"""Whoever hands bytes in and whoever lets them go may meet at any moment: the bytes are there when `put` returns."""

import hashlib
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from index_store.blobs.local import LocalBlobs

DATA = b"a picture" * 1000
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def blobs(tmp_path):
    return LocalBlobs(tmp_path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / NAME[:2] / NAME[2:4] / NAME


def test_what_is_put_again_while_it_is_let_go_is_there(blobs, path, counted):
    """An old original that nobody needed, in the very moment that it is handed in again."""
    with ThreadPoolExecutor(2) as threads:
        for _ in range(counted(2000)):
            blobs.put(NAME, DATA)
            os.utime(path, (0, 0))
            together = threading.Barrier(2)
            gone = threads.submit(lambda at=together: at.wait() is None or blobs.let_go(NAME, unused_seconds=3600))
            put = threads.submit(lambda at=together: at.wait() is None or blobs.put(NAME, DATA))
            assert isinstance(gone.result(), bool)
            assert isinstance(put.result(), bool)
            assert blobs.get(NAME, verify=True) == DATA


def test_two_who_let_go_take_nothing_that_came_between(blobs, path, monkeypatch):
    """The second has the old file open when the first removes it and somebody puts the bytes anew."""
    blobs.put(NAME, DATA)
    os.utime(path, (0, 0))
    fstat, others = os.fstat, []

    def fstat_after_others(descriptor):
        if not others:
            others.append(None)
            path.unlink()
            blobs.put(NAME, DATA)
        return fstat(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fstat", fstat_after_others)
        blobs.let_go(NAME, unused_seconds=3600)
    assert blobs.get(NAME, verify=True) == DATA
