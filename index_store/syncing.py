"""Syncs, and what follows when one fails: from then on this process promises nothing more.

A system that could not bring a file to disk may throw the pages away and call them clean. The next fsync then succeeds
and means nothing, so trying again would acknowledge what is lost (PostgreSQL learnt it in 2018, "fsyncgate"). Hence
every sync of ours goes through `sync`, and after one that failed each later write in this process, of a file or of the
catalogue, raises `StoreUnavailableError`. Reads go on. A new process starts from what is really on disk.

One failure is milder: a *file* that finds no room when it is synced. It is a temporary one that nobody has been told
of; it is removed whole, and writing may go on once there is room. A folder has no such excuse.
"""

import errno
import os
import stat
import threading
from pathlib import Path

from index_store.errors import StoreUnavailableError

FULL = (errno.ENOSPC, errno.EDQUOT)

_failed = threading.Event()


def sync(descriptor: int) -> None:
    """`os.fsync`. Raises `OSError`; unless it was only want of room for a file, nothing can be written afterwards."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in FULL or stat.S_ISDIR(os.fstat(descriptor).st_mode):
            fail()
        raise


def sync_folder(folder: Path) -> None:
    """The names in it are on disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, data: bytes) -> None:
    """A private file of these bytes, whatever was there before; they, but not its name, are on disk. Raises OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(data)
        sync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make it where it is not, private, with those above it, and with all their names on disk. Raises OSError."""
    for one in reversed((folder, *folder.parents)):
        if not one.exists():
            one.mkdir(mode=0o700, exist_ok=True)
            sync_folder(one.parent)


def fail() -> None:
    """A sync failed, one of ours or one that a database told us of."""
    _failed.set()


def has_failed() -> bool:
    """Whether this process may write no more."""
    return _failed.is_set()


def refuse_after_failure() -> None:
    """Raises `StoreUnavailableError` if this process may write no more."""
    if has_failed():
        raise StoreUnavailableError("a sync to disk failed; this process writes nothing more and must be started again")
