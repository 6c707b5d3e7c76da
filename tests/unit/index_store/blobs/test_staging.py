"""The staging area: a file has its name when it is whole and on disk, and not before."""

import os
import stat
import time

import pytest

from index_store.blobs import staging as module
from index_store.blobs.staging import ABANDONED_SECONDS, Staging
from index_store.errors import BadBlobKeyError, CorruptBlobError, MissingBlobError, StoreFullError
from index_store.failpoints import FailPointError, armed

NAME, OTHER = "job_0123456789ABCDEFGHJKMNPQRS", "job_AAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
def root(tmp_path):
    return tmp_path / "staging"


@pytest.fixture
def staging(root):
    return Staging(root)


def kept(staging, name, data):
    with staging.writing(name) as file:
        file.write(data)


def aged(path, seconds):
    os.utime(path, (time.time() - seconds,) * 2)


def names(root):
    return sorted(path.name for path in root.iterdir())


def test_what_was_written_can_be_read(staging, root):
    """Under its name, by its owner alone."""
    kept(staging, NAME, b"an upload")
    with staging.open(NAME) as file:
        assert file.read() == b"an upload"
    assert names(root) == [NAME]
    assert [stat.S_IMODE(path.stat().st_mode) for path in (root, root / NAME)] == [0o700, 0o600]


def test_who_writes_may_look_at_what_is_there(staging):
    """An archive is looked at before it is accepted."""
    with staging.writing(NAME) as file:
        file.write(b"an archive")
        file.flush()
        file.seek(3)
        assert file.read() == b"archive"


def test_it_has_no_name_before_it_is_whole(staging, root):
    """Nobody can begin with half an upload."""
    with staging.writing(NAME) as file:
        file.write(b"half")
        file.flush()
        with pytest.raises(MissingBlobError):
            staging.open(NAME)
        assert NAME not in names(root)


def test_a_writer_that_fails_leaves_nothing(staging, root):
    """Its own error comes out."""
    with pytest.raises(KeyError), staging.writing(NAME):
        raise KeyError
    assert names(root) == []


def test_a_full_disk_is_told_and_leaves_nothing(staging, root):
    """Whoever writes into the block."""
    with pytest.raises(StoreFullError), staging.writing(NAME):
        raise OSError(28, "No space left on device")
    assert names(root) == []


def test_its_bytes_and_its_name_are_on_disk_before_the_block_ends(staging, monkeypatch):
    """First the bytes, then the name, then the folder that holds the name."""
    done = []
    real = os.fsync

    def noted(descriptor):
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(module, "reached", done.append)
    kept(staging, NAME, b"x")
    assert done == ["file", "staging.written", "folder", "staging.renamed"]


@pytest.mark.parametrize(("point", "left"), [("staging.written", []), ("staging.renamed", [NAME])])
def test_interrupted_it_is_there_as_a_whole_or_not_at_all(staging, root, monkeypatch, point, left):
    """What has its name is complete."""
    monkeypatch.setattr(module, "reached", armed(f"{point}=raise"))
    with pytest.raises(FailPointError):
        kept(staging, NAME, b"whole")
    assert names(root) == left


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../../etc/passwd", "job_x", f"{NAME}/..", NAME + "\0", NAME + "\n", "JOB" + NAME[3:], "/" + NAME],
)
def test_only_ids_are_names(staging, name):
    """No spelling leads out of the folder."""
    for use in (staging.open, staging.drop, lambda name: kept(staging, name, b"")):
        with pytest.raises(BadBlobKeyError):
            use(name)


def test_a_link_is_not_followed(staging, root, tmp_path):
    """Nor a pipe waited for."""
    (tmp_path / "secret").write_bytes(b"secret")
    (root / NAME).symlink_to(tmp_path / "secret")
    os.mkfifo(root / OTHER)
    for name in (NAME, OTHER):
        with pytest.raises(CorruptBlobError):
            staging.open(name)


def test_dropping_is_no_error_when_it_is_gone(staging, root):
    """It may be asked twice."""
    kept(staging, NAME, b"x")
    staging.drop(NAME)
    staging.drop(NAME)
    assert names(root) == []


def test_sweeping_takes_what_is_old_and_not_wanted(staging, root):
    """A wanted upload stays however old it is, and what may still be written stays too."""
    for name in (NAME, OTHER):
        kept(staging, name, b"x")
        aged(root / name, ABANDONED_SECONDS + 9)
    for name, age in (("old.part", ABANDONED_SECONDS + 9), ("fresh.part", 9)):
        (root / name).write_bytes(b"half")
        aged(root / name, age)
    assert staging.sweep({NAME}) == 2
    assert names(root) == ["fresh.part", NAME]


def test_a_second_process_sees_the_same(staging, root):
    """Whoever takes the upload is another process than the one that received it."""
    kept(staging, NAME, b"x")
    with Staging(root).open(NAME) as file:
        assert file.read() == b"x"
