"""Opening one component after the other, so that no link is ever followed: `openat` with `O_NOFOLLOW`.

A folder may be swapped for a link between two looks; the descriptor that is held stays with the folder it was opened
for, and the next component is looked up in that one.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.domain.errors import PathNotAllowedError, PathNotFoundError, PictureTooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

Parts = tuple[bytes, ...]
"""The components of a path, as the file system spells them."""

_CHUNK = 1024 * 1024
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Without waiting: a pipe that took a file's place in the meantime must not hold us."""
_NOT_THERE = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ENXIO}
)
"""What a path can be at fault for. Anything else is the machine's fault, and stays an OSError."""


def split(path: bytes) -> Parts:
    return tuple(part for part in path.split(b"/") if part not in {b"", b"."})


@contextmanager
def open_folder(whole: Parts, trusted: int) -> Iterator[int]:
    """A folder's descriptor. The first `trusted` components are a root's own; each further one must be no link."""
    descriptor = _open_next(b"/" + b"/".join(whole[:trusted]), None)
    try:
        for part in whole[trusted:]:
            following = _open_next(part, descriptor)
            os.close(descriptor)
            descriptor = following
        yield descriptor
    finally:
        os.close(descriptor)


def read_file(folder: int, name: bytes, max_bytes: int, *, head: int | None = None) -> bytes:
    """The bytes of a regular file in an open folder; or its first `head` bytes, however large it is.

    Raises PathNotAllowedError (a link), PathNotFoundError, PictureTooLargeError, or OSError where the disk fails.
    """
    if not stat.S_ISREG(look_at(folder, name).st_mode):  # before it is opened: opening alone can rewind a tape
        raise _refusal(name, folder)
    try:
        descriptor = os.open(name, _FILE, dir_fd=folder)
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        raise _refusal(name, folder) from error
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise PathNotFoundError("This is no file any more.")
        return os.read(descriptor, head) if head else _read_up_to(descriptor, state.st_size, max_bytes)
    finally:
        os.close(descriptor)


def look_at(folder: int, name: bytes) -> os.stat_result:
    """What is there, links not followed. Raises PathNotFoundError or OSError."""
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        raise PathNotFoundError from error


def _open_next(name: bytes, parent: int | None) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=parent)
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
        raise _refusal(name, parent) from error


def _refusal(name: bytes, parent: int | None) -> PathNotAllowedError | PathNotFoundError:
    """What to say of a component that did not open: links are told apart, all else is not there."""
    try:
        is_link = stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except (OSError, ValueError):
        is_link = False
    return (
        PathNotAllowedError("The path leads through a link; links are not followed.")
        if is_link
        else PathNotFoundError()
    )


def _read_up_to(descriptor: int, stated: int, max_bytes: int) -> bytes:
    """The file's bytes, counted while they come: it may grow under us."""
    if stated > max_bytes:
        raise PictureTooLargeError(f"The file has {stated:,} bytes; the limit is {max_bytes:,}.")
    out = bytearray()
    while chunk := os.read(descriptor, min(_CHUNK, max_bytes + 1 - len(out))):
        out += chunk
        if len(out) > max_bytes:
            raise PictureTooLargeError(f"The file has over {max_bytes:,} bytes, which is the limit.")
    return bytes(out)
