"""T26 to T29 and T18, T19, sampled: killed, out of power, out of disk, and raced. `make bench-faults` does it in full."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from benchmarks.faults import crash, power_cut, races, syscalls
from benchmarks.faults.load import picture, sha
from benchmarks.faults.oracle import Oracle
from index_store import syncing
from index_store.blobs.local import LocalBlobs
from index_store.catalogue import open_catalogue
from index_store.errors import StoreFullError, StoreUnavailableError
from index_store.room import Room


@pytest.mark.timeout(600)
def test_nothing_is_lost_or_made_up_when_the_service_is_killed(tmp_path, counted):
    """T26: every answer stands, every request counts once, whenever the process group is killed."""
    cycles = counted(400)
    run = crash.crashed(tmp_path, cycles, seed=26)
    assert run.findings == []
    assert sum(run.kills.values()) == cycles


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    """A service in this process after every ninth call of its write path failed once."""
    before = syncing._failed
    yield syscalls.every_call(tmp_path_factory.mktemp("calls"), step=9, fillings=1)
    syncing._failed = before


def test_a_call_that_fails_leaves_nothing_half_done(writer):
    """T28: EIO and ENOSPC at each kind of call, SQLite full and read-only; the oracle finds what was acknowledged."""
    assert [*writer.oracle.examine(every_blob=True), *writer.oracle.examine_jobs()] == []
    assert writer.failed["SQLITE_FULL"]
    assert len({name.partition(" ")[0] for name in writer.failed} - {"SQLITE_FULL"}) >= 3


DAMAGE = {
    "lost": "DELETE FROM image WHERE image_id = :image",
    "phantom": "UPDATE image SET external_id = 'nobody' WHERE sequence = 1",
    "changed": "UPDATE image SET verdict = 'uncertain'",
    "vector": "DELETE FROM vector WHERE id = (SELECT max(id) FROM vector)",
    "log": "DELETE FROM change WHERE sequence = 1",
    "blob": "",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_the_oracle_sees_damage(writer, tmp_path, kind):
    """What a crash could do to the store, done by hand to a copy."""
    copy = tmp_path / "copy"
    shutil.copytree(writer.folder, copy)
    oracle = Oracle(copy, writer.ledger)
    assert oracle.examine() == []
    with closing(sqlite3.connect(copy / "catalogue.sqlite")) as connection:
        promised = next(one for one in writer.ledger.asked if one.kind == "image" and one.acknowledged)
        connection.execute(DAMAGE[kind] or "SELECT :image", {"image": promised.acknowledged["image_id"]})
        connection.commit()
    if kind == "blob":
        sha256 = promised.acknowledged["content_id"]
        (copy / "blobs" / sha256[:2] / sha256[2:4] / sha256).write_bytes(b"")
    assert kind in {finding.kind for finding in oracle.examine(every_blob=True)}


PUT = """
from hashlib import sha256
from pathlib import Path
from benchmarks.faults import sabotage
import sys
sabotage.carry_out(sys.argv[2:])
from index_store.blobs.local import LocalBlobs
LocalBlobs(Path(sys.argv[1])).put(sha256(b"picture").hexdigest(), b"picture")
"""


@pytest.mark.parametrize(
    ("left_out", "left"), [((), [b"picture"]), (("no-file-sync",), [b""]), (("no-folder-sync",), [])]
)
def test_a_power_cut_takes_what_was_not_synced(tmp_path, left_out, left):
    """T27: with every sync in its place a blob survives; without one of them it does not."""
    root, journal = tmp_path / "blobs", tmp_path / "journal"
    root.mkdir()
    environment = os.environ | {power_cut.ROOT: str(root), power_cut.JOURNAL: str(journal)}
    command = [sys.executable, "-c", PUT, root, "power-journal", *left_out]
    subprocess.run(command, env=environment, check=True)
    power_cut.cut(root, journal)
    assert [path.read_bytes() for path in root.rglob("*") if path.is_file()] == left


def test_a_failed_sync_is_the_last_thing_a_process_writes(tmp_path, monkeypatch):
    """An fsync that succeeds after one that failed proves nothing, so neither file nor row is written any more."""
    blobs, catalogue = LocalBlobs(tmp_path / "blobs"), open_catalogue(f"sqlite:///{tmp_path}/catalogue.sqlite")
    first, second = picture(1), picture(2)

    def fails(_descriptor):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fails)
        with pytest.raises(StoreUnavailableError):
            blobs.put(sha(first), first)
    with pytest.raises(StoreUnavailableError, match="started again"):
        blobs.put(sha(second), second)
    with pytest.raises(StoreUnavailableError, match="started again"):
        catalogue.check_writable()
    assert not blobs.has(sha(second))
    assert catalogue.head() == 0
    catalogue.close()


def test_want_of_room_for_a_file_ends_with_the_want(tmp_path, monkeypatch):
    """The file was a temporary one and is gone; nothing that was promised depends on it."""
    blobs, data = LocalBlobs(tmp_path), picture(1)

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        blobs._durable.update(tmp_path.joinpath(sha(data)[:2], sha(data)[2:4]).parents)
        blobs._durable.add(tmp_path / sha(data)[:2] / sha(data)[2:4])
        (tmp_path / sha(data)[:2] / sha(data)[2:4]).mkdir(parents=True)
        with pytest.raises(StoreFullError):
            blobs.put(sha(data), data)
    assert blobs.put(sha(data), data)


def test_a_reserve_is_asked_for_before_anything_is_written(tmp_path):
    """More than any disk has is refused, nothing is asked with 0."""
    Room((tmp_path,), 0).require()
    Room((tmp_path,), 1).require()
    with pytest.raises(StoreFullError):
        Room((tmp_path,), 2**62).require()


def test_a_full_disk_refuses_writes_and_nothing_else(tmp_path):
    """T29: 507 on writes, 200 on reads and checks, and on with it once there is room; nothing below the reserve."""
    results = tmp_path / "results.json"
    # Root of a namespace of our own may mount a small disk.
    command = [
        "unshare",
        "-rm",
        sys.executable,
        "-m",
        "benchmarks.faults.disk_full",
        "--rounds",
        "1",
        "--results",
        results,
    ]
    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == 0
    told = json.loads(results.read_text())
    assert [told[name]["findings"] for name in ("no reserve", "reserve")] == [{}, {}]
    assert all(told[name]["answers"]["upload when full: 507"] for name in ("no reserve", "reserve"))


def test_of_many_at_once_exactly_one_is_first(tmp_path, counted):
    """T18, T19 over HTTP, with two processes."""
    with races.raced(tmp_path, 2) as service:
        for number in range(counted(100)):
            assert races.equal_bytes(service, 100 + number, 24) == ""
            assert races.reencodings(service, 200 + number, 10) == ""
