"""Files on disk: written once, durably, privately, and never through somebody else's link."""

import errno
import hashlib
import io
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from index_store.blobs import LocalBlobs, local, open_blobs
from index_store.errors import (
    BadBlobKeyError,
    CorruptBlobError,
    StoreFullError,
    StoreUnavailableError,
    UnsupportedStoreError,
)
from index_store.testing.blobs_contract import BAD_KEYS

DATA = b"a picture" * 10_000
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "blobs"


@pytest.fixture
def blobs(root):
    return LocalBlobs(root)


def original(root):
    return root / NAME[:2] / NAME[2:4] / NAME


def files(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def test_an_original_lies_under_its_hash_alone_and_private(blobs, root):
    """Folders 0700, files 0600, and nothing left over."""
    blobs.put(NAME, DATA)
    assert files(root) == [f"{NAME[:2]}/{NAME[2:4]}/{NAME}"]
    assert stat.S_IMODE(original(root).stat().st_mode) == 0o600
    for folder in (root, root / NAME[:2], original(root).parent, root / "tmp"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_derived_file_lies_beside_the_originals(blobs, root):
    """By kind, then by the hash of what it was derived from."""
    blobs.put_derived("thumbnail", NAME, "webp", b"small")
    assert files(root) == [f"derived/thumbnail/{NAME[:2]}/{NAME}.webp"]


def test_what_a_power_cut_leaves_of_a_derived_file_means_make_it_again(blobs):
    """An empty file is no picture."""
    blobs.put_derived("thumbnail", NAME, "webp", b"")
    assert blobs.get_derived("thumbnail", NAME, "webp") is None


def test_of_many_writers_of_the_same_bytes_one_is_first_and_nothing_is_written_over(blobs, root):
    """Rename-if-absent: the file that was linked first stays that very file; that it was wanted again shows in its time."""
    with ThreadPoolExecutor(8) as pool:
        new = list(pool.map(lambda _: LocalBlobs(root).put(NAME, DATA), range(16)))
    assert sum(new) == 1
    before = original(root).stat()
    blobs.put(NAME, DATA)
    after = original(root).stat()
    assert (before.st_ino, before.st_size) == (after.st_ino, after.st_size)
    assert before.st_mtime_ns <= after.st_mtime_ns
    assert original(root).read_bytes() == DATA
    assert files(root) == [f"{NAME[:2]}/{NAME[2:4]}/{NAME}"]


@pytest.mark.parametrize("call", ["write", "fsync", "link"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_failing_disk_is_told_and_leaves_no_file(blobs, root, monkeypatch, call, number):
    """Whichever step fails, there is no original and no leftover."""

    def fail(*_args, **_options):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(local.os, call, fail)
    with pytest.raises(StoreUnavailableError if number == errno.EIO else StoreFullError):
        blobs.put(NAME, DATA)
    monkeypatch.undo()
    assert not blobs.has(NAME)
    assert files(root) == []


def test_a_crash_leaves_temporary_files_only(blobs, root, monkeypatch):
    """Killed before the link: no name under a hash, and the next attempt succeeds."""
    monkeypatch.setattr(local, "_link", lambda *_: os._exit(9))
    child = os.fork()
    if child == 0:
        blobs.put(NAME, DATA)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    monkeypatch.undo()
    assert [name.split("/")[0] for name in files(root)] == ["tmp"]
    assert not blobs.has(NAME)
    assert blobs.put(NAME, DATA) is True


def test_the_file_is_synced_before_it_has_its_name_and_its_folder_after(blobs, root, monkeypatch):
    """The order that makes a missing blob impossible; and a second writer syncs the folder too."""
    told = []
    real_fsync, real_link = os.fsync, os.link

    def fsync(descriptor):
        told.append(Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(root).parts[:1])
        real_fsync(descriptor)

    def link(*args, **options):
        told.append(("link",))
        real_link(*args, **options)

    monkeypatch.setattr(local.os, "fsync", fsync)
    monkeypatch.setattr(local.os, "link", link)
    blobs.put(NAME, DATA)
    first = (NAME[:2],)
    assert told == [(), first, ("tmp",), ("link",), first]
    told.clear()
    blobs.put(NAME, DATA)
    assert told == [("tmp",), ("link",), first]


def test_rot_is_found_when_asked_for(blobs, root):
    """A flipped byte passes a plain read and fails a verified one."""
    blobs.put(NAME, DATA)
    original(root).write_bytes(b"b" + DATA[1:])
    assert blobs.get(NAME) != DATA
    with pytest.raises(CorruptBlobError, match="rotted"):
        blobs.get(NAME, verify=True)


def test_a_file_of_another_size_under_the_name_is_not_taken_for_the_original(blobs, root):
    """The caller must not go on to commit a row for it."""
    blobs.put(NAME, DATA)
    original(root).write_bytes(DATA[:-1])
    with pytest.raises(CorruptBlobError, match="size"):
        blobs.put(NAME, DATA)


def test_a_symbolic_link_is_refused_and_never_followed(blobs, root, tmp_path):
    """Neither read nor written through."""
    secret = tmp_path / "secret"
    secret.write_bytes(DATA)
    original(root).parent.mkdir(parents=True)
    original(root).symlink_to(secret)
    with pytest.raises(CorruptBlobError, match="symbolic link"):
        blobs.get(NAME)
    assert not blobs.has(NAME)
    with pytest.raises(CorruptBlobError):
        blobs.put(NAME, DATA)
    assert secret.read_bytes() == DATA


def test_a_fifo_is_refused_without_waiting(blobs, root):
    """Opening one for reading would hang until somebody writes."""
    original(root).parent.mkdir(parents=True)
    os.mkfifo(original(root))
    with pytest.raises(CorruptBlobError, match="regular"):
        blobs.get(NAME)


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_name_that_is_no_hash_touches_no_file(blobs, tmp_path, key):
    """Checked before a path is made of it."""
    with pytest.raises(BadBlobKeyError):
        blobs.put(key, DATA)
    with pytest.raises(BadBlobKeyError):
        blobs.put_derived("thumbnail", key, "webp", DATA)
    assert files(tmp_path) == []


def test_a_url_names_a_folder(tmp_path):
    """Percent-encoding is undone, and other kinds are refused by name."""
    open_blobs(f"file://{tmp_path}/with%20space").put(NAME, DATA)
    assert original(tmp_path / "with space").exists()
    for url in ("s3://bucket", "file://host/share", "/plain/path", "file://"):
        with pytest.raises(UnsupportedStoreError):
            open_blobs(url)


def test_a_root_that_cannot_be_made_is_told(tmp_path):
    """At opening, not at the first upload."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailableError):
        LocalBlobs(tmp_path / "file" / "blobs")


def test_an_original_that_cannot_be_read_is_rotten(blobs, monkeypatch):
    """A bad sector under one file says nothing of the others: the store goes on, and only this one is named."""
    blobs.put(NAME, DATA)
    monkeypatch.setattr(local, "open_regular", lambda _path: Unreadable())
    with pytest.raises(CorruptBlobError, match="Input/output error"):
        blobs.get(NAME)


class Unreadable(io.BytesIO):
    def read(self, _size=-1):
        raise OSError(errno.EIO, "Input/output error")
