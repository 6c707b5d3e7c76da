"""A file of the user's, opened so that it stays the one that was looked at.

Each folder on the way is opened from the one before it, and no link is followed, so nothing that is swapped meanwhile
leads elsewhere. What is then asked of a file is asked of its descriptor. A name is only where the file was seen last:
what it *is* says its hash, and that two names are two files says the inode.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from index_store.errors import StoreError
from index_store.hashing import sha256_of
from index_store.syncing import sync

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ROOT = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Without waiting: a pipe that took a file's place must not hold us."""
_NOT_THERE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENXIO)


class ChangedFileError(StoreError):
    """A file is not what it was when it was looked at, so nothing was done to it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A file where it was seen, and what it was."""

    root: Path
    """Absolute. Links in it are its owner's."""
    name: str
    """Below the root, components joined by '/'; bytes that are no UTF-8 as `os.fsdecode` spells them."""
    sha256: str

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self.name.split("/"))

    @property
    def path(self) -> Path:
        """For messages. To open it this way would follow links."""
        return self.root / self.name


class State(NamedTuple):
    """Which file it is, and what would change if somebody wrote into it."""

    device: int
    inode: int
    size: int
    modified: int
    links: int

    @classmethod
    def of(cls, found: os.stat_result) -> "State":
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_nlink)

    def is_same_file(self, other: "State") -> bool:
        return (self.device, self.inode) == (other.device, other.inode)


@contextmanager
def opened_folder(root: Path, parts: tuple[str, ...], *, make: bool = False) -> Iterator[int]:
    """A folder below a root, by its components; with `make`, those that are missing are made.

    Raises ChangedFileError where there is none, or a link on the way; OSError where the disk fails.
    """
    descriptor = _open_next(root, _ROOT, None)
    try:
        for part in parts:
            if part in {"", ".", ".."}:
                raise ChangedFileError(f"{part!r} is no name of a folder")
            if make:
                make_folder_in(descriptor, part)
            following = _open_next(part, _FOLDER, descriptor)
            os.close(descriptor)
            descriptor = following
        yield descriptor
    finally:
        os.close(descriptor)


def make_folder_in(folder: int, name: str) -> None:
    try:
        os.mkdir(name, dir_fd=folder)
    except FileExistsError:
        return
    sync(folder)


@contextmanager
def opened_file(folder: int, name: str) -> Iterator[int]:
    """A regular file in an open folder. Raises ChangedFileError where there is none, OSError where the disk fails."""
    descriptor = _open_next(name, _FILE, folder)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ChangedFileError(f"{name!r} is no file any more")
        yield descriptor
    finally:
        os.close(descriptor)


def state_of(descriptor: int) -> State:
    return State.of(os.fstat(descriptor))


def state_at(folder: int, name: str) -> State | None:
    """What lies there, links not followed; None if nothing does."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NOT_THERE:
            return None
        raise
    return State.of(found)


def is_read_only(found: os.stat_result) -> bool:
    """Whether not even its owner may change it, so says its mode."""
    return not found.st_mode & stat.S_IWUSR


def checked(descriptor: int, placed: Placed) -> State:
    """Its state, once its bytes were found to be those that were seen. Raises ChangedFileError."""
    before = state_of(descriptor)
    if sha256_of(descriptor) != placed.sha256 or state_of(descriptor) != before:
        raise ChangedFileError(f"{placed.path} holds other bytes now")
    return before


def _open_next(name: str | Path, flags: int, folder: int | None) -> int:
    try:
        return os.open(name, flags, dir_fd=folder)
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        raise ChangedFileError(f"{str(name)!r} is not there any more, or a link took its place") from error
