"""A mark in a folder of the user's, by which it is known again while something of it is set aside.

A disk that is not mounted leaves an empty folder in its place, and another disk may lie there tomorrow; neither the path
nor the number of a device tells of that. A file in the folder itself does.
"""

import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from index_store.syncing import refuse_after_failure, sync
from index_store.trees.opening import ChangedFileError, opened_file, opened_folder, state_at
from index_store.trees.placing import HIDDEN, SetAsideError, linked

MARK = ".keepone-root"
"""Holds a word of 32 hex digits. Hidden, so that no walk takes it for one of the pictures."""
_NEW = f"{HIDDEN}new-root"
_WORD = re.compile(rb"([0-9a-f]{32})\n?")
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def marked(root: Path) -> str | None:
    """The folder's word; None where it has none, or is not there. Raises OSError where the disk fails."""
    try:
        with opened_folder(root, ()) as folder:
            return _word(folder)
    except ChangedFileError:
        return None


def mark(root: Path) -> str:
    """The folder's word, made if it has none, and on disk when this returns.

    Raises SetAsideError where it cannot be made, ChangedFileError where there is no folder.
    """
    refuse_after_failure()
    try:
        with opened_folder(root, ()) as folder:
            word = _word(folder)
            if word is None:
                _write(folder)
                word = _word(folder)  # of whoever was first
    except OSError as error:
        raise SetAsideError(f"{root} cannot be marked: {error.strerror}") from error
    if word is None:
        raise SetAsideError(f"{root / MARK} is no file of Keepone's")
    return word


def unmark(root: Path, word: str) -> None:
    """Take the mark away, if it is this one. Raises OSError where the disk fails."""
    with suppress(ChangedFileError), opened_folder(root, ()) as folder:
        if _word(folder) == word:
            os.unlink(MARK, dir_fd=folder)
            sync(folder)


def _word(folder: int) -> str | None:
    try:
        with opened_file(folder, MARK) as file:
            found = _WORD.fullmatch(os.pread(file, 64, 0))
    except ChangedFileError:
        return None
    return found[1].decode("ascii") if found else None


def _write(folder: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(_NEW, dir_fd=folder)  # of a call that was killed
    file = os.open(_NEW, _CREATE, 0o644, dir_fd=folder)
    try:
        os.write(file, f"{secrets.token_hex(16)}\n".encode("ascii"))
        sync(file)
    finally:
        os.close(file)
    try:
        if linked(folder, _NEW, folder, MARK):
            os.unlink(_NEW, dir_fd=folder)
        elif state_at(folder, MARK) is None:  # no links here
            os.rename(_NEW, MARK, src_dir_fd=folder, dst_dir_fd=folder)
    except FileExistsError:
        os.unlink(_NEW, dir_fd=folder)
    sync(folder)
