"""Giving a file a name in an open folder without writing over anything, as a second name or as a copy."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress

from index_store.errors import StoreError
from index_store.failpoints import reached
from index_store.hashing import sha256_of
from index_store.syncing import sync
from index_store.trees.opening import state_at

HIDDEN = ".keepone-"
LONGEST_NAME = 255
"""Bytes, on nearly every file system."""
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 20


class SetAsideError(StoreError):
    """A file could not be set aside or brought back; it lies where it lay."""


def named(folder: int, old: str, wanted: str) -> str:
    """Give a file of this folder the wanted name, or the first free one beside it, and write over nothing.

    A name that it has already, from a call that came no further, is as good as a free one.
    """
    is_what = state_at(folder, old)
    for name in names(wanted):
        try:
            os.link(old, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            lies = state_at(folder, name)
            if lies is None or is_what is None or not lies.is_same_file(is_what):
                continue
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            # No links here: an empty file of ours holds the name until the file itself takes it.
            try:
                os.close(os.open(name, _CREATE, 0o600, dir_fd=folder))
            except FileExistsError:
                continue
            os.rename(old, name, src_dir_fd=folder, dst_dir_fd=folder)
            return name
        os.unlink(old, dir_fd=folder)
        return name
    raise OSError(errno.EEXIST, "every name beside it is taken")


def linked(folder: int, name: str, target: int, new: str) -> bool:
    """Whether the file could be given a second name there."""
    try:
        os.link(name, new, src_dir_fd=folder, dst_dir_fd=target, follow_symlinks=False)
    except OSError as error:
        if error.errno in _NO_LINKS:
            return False
        raise
    return True


def copied(file: int, target: int, sha256: str, token: str) -> str:
    """The hidden name of a copy in that folder: bytes, times, mode and extended attributes, synced and read back."""
    temporary = drop_copy(target, token)
    copy = os.open(temporary, _CREATE, 0o600, dir_fd=target)
    try:
        offset = 0
        while chunk := os.pread(file, _CHUNK, offset):
            offset += os.write(copy, chunk)
        _like(file, copy)
        sync(copy)
        reached("tree.copied")
        if sha256_of(copy) != sha256:
            raise SetAsideError("what was copied does not read back as it was written")
    except (StoreError, OSError):
        os.unlink(temporary, dir_fd=target)
        raise
    finally:
        os.close(copy)
    return temporary


def drop_copy(target: int, token: str) -> str:
    """Remove the hidden copy that a call left which was killed, if there is one, and say what such a copy is called."""
    temporary = f"{HIDDEN}{token}.copy"
    with suppress(FileNotFoundError):
        os.unlink(temporary, dir_fd=target)
    return temporary


def _like(file: int, copy: int) -> None:
    """Times and mode as they were; owner and attributes as far as we may."""
    found = os.fstat(file)
    with suppress(OSError):
        for attribute in os.listxattr(file):
            with suppress(OSError):
                os.setxattr(copy, attribute, os.getxattr(file, attribute))
    with suppress(PermissionError):
        os.fchown(copy, found.st_uid, found.st_gid)
    os.fchmod(copy, found.st_mode & 0o7777)
    os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns))


def names(name: str) -> Iterator[str]:
    """The name, then others beside it that a person would read rightly, none too long."""
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    yield name
    for number in range(1, 1000):
        tail = f" (restored {number}){dot}{ending}"
        yield _cut(stem, LONGEST_NAME - len(os.fsencode(tail))) + tail


def _cut(stem: str, most: int) -> str:
    """Its first characters, at most so many bytes."""
    while len(os.fsencode(stem)) > most:
        stem = stem[:-1]
    return stem
