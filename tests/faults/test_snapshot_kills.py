"""Killed at any step of writing a snapshot, the previous one loads or the new one: never neither."""

import itertools
import subprocess
import sys

import numpy as np
import pytest

from index_store.errors import BadSnapshotError
from index_store.failpoints import POINTS
from index_store.records import Space
from index_store.vectors.snapshot import SnapshotFolder

SPACE = Space(1, "builtin", "1", 8, "cosine", "active")
KEY = b"k" * 32
STEPS = [point for point in POINTS if point.startswith("snapshot.")]
SWITCHED = {"snapshot.manifest-renamed", "snapshot.pruned"}
"""The steps after which it is the new one that loads."""

# One interpreter, and a fork of it for every death: starting Python is what takes the time.
DRIVER = """
import os, sys
from pathlib import Path
from index_store import failpoints
from index_store.records import Space
from index_store.vectors import snapshot
import numpy as np

folder = snapshot.SnapshotFolder(Path(sys.argv[1]), Space(1, "builtin", "1", 8, "cosine", "active"), b"k" * 32)

def write(sequence):
    with folder.lease() as mine:
        assert mine
        values = np.full(1000, sequence, np.int64)
        folder.write({"values": values}, kind="flat", count=1, sequence=sequence, log_mark="")

write(1)
write(2)
print(0, flush=True)
for line in sys.stdin:
    sequence, deed = line.split()
    child = os.fork()
    if not child:
        if deed.startswith("over:"):  # the mistake of the negative control: the body in use is written over
            newest, deed = next(folder.manifests()), deed.removeprefix("over:")
            folder._temporary = lambda: Path(sys.argv[1]) / newest.body
            snapshot._CREATE = os.O_WRONLY | os.O_TRUNC
        snapshot.reached = failpoints.armed(deed) if deed != "none" else failpoints.reached
        write(int(sequence))
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture
def driver(tmp_path):
    """Writes a snapshot in a process of its own that dies where it is told; the exit status."""
    place = tmp_path / "index"
    with subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout.readline() == "0\n"

        def write(sequence, deed="none"):
            process.stdin.write(f"{sequence} {deed}\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield write, SnapshotFolder(place, SPACE, KEY)
        process.stdin.close()


def loaded(folder):
    """The sequence of the newest snapshot, after its whole body was verified and read."""
    manifest = next(folder.manifests())
    values = folder.open(manifest).section("values").view(np.int64)
    assert set(values.tolist()) == {manifest.sequence}
    return manifest.sequence


def test_the_previous_or_the_new_snapshot_loads_wherever_the_writer_was_killed(driver, counted):
    """At every step in turn, again and again; and the next writer is stopped by nothing that the dead one left."""
    write, folder = driver
    for number, step in enumerate(itertools.islice(itertools.cycle(STEPS), counted(200))):
        dying = 10 + 2 * number
        assert write(dying - 1) == 0
        assert write(dying, f"{step}=kill") == -9
        assert loaded(folder) == (dying if step in SWITCHED else dying - 1), step
        assert all(folder.open(manifest) for manifest in folder.manifests())
    assert write(9999) == 0
    assert loaded(folder) == 9999
    names = sorted(path.name.split("-")[0] for path in folder.root.iterdir())
    assert names == ["body", "body", "builder.lock", "manifest", "manifest"]


def test_a_writer_that_fails_leaves_no_rubbish(driver):
    """An error on the way, as a full disk would be, is not a death: it cleans up itself."""
    write, folder = driver
    for step in ("snapshot.body-written", "snapshot.body-synced", "snapshot.manifest-written"):
        assert write(50, f"{step}=raise") == 1
        assert loaded(folder) == 2
        assert not list(folder.root.glob("tmp-*"))


def test_the_harness_can_see_a_loss(driver):
    """Negative control: where bodies are written over in place, the same death leaves nothing that loads."""
    write, folder = driver
    assert write(10, "over:snapshot.body-written=kill") == -9
    with pytest.raises(BadSnapshotError):
        loaded(folder)
