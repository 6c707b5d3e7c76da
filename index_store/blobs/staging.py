"""Files on their way: what was uploaded for a job, until the job has taken it in.

A staged file is written piece by piece, synced, and renamed to the id of its job before the job's row is committed. So
a job never lacks its file; a file without a job is what a crash left behind, and is swept up after an hour.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from index_store.blobs.local import open_regular, translated
from index_store.errors import BadBlobKeyError, MissingBlobError
from index_store.failpoints import reached
from index_store.syncing import make_folder, refuse_after_failure, sync, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAME = re.compile(r"[a-z]{1,16}_[0-9A-Z]{26}")
_UNFINISHED = ".part"
ABANDONED_SECONDS = 3600
# To be read too: whoever writes an archive looks at it before the block ends.
_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Staging:
    """Safe among threads and processes."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        with translated():
            make_folder(self._root)

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        """A file to write and to read back; it has its name, durably, when the block ends without an exception."""
        path = self._path(name)
        refuse_after_failure()
        unfinished = self._root / f"{secrets.token_hex(16)}{_UNFINISHED}"
        with translated():
            descriptor = os.open(unfinished, _CREATE, 0o600)
            try:
                with os.fdopen(descriptor, "w+b") as file:
                    yield file
                    file.flush()
                    sync(file.fileno())
                reached("staging.written")
                unfinished.rename(path)
                sync_folder(self._root)
                reached("staging.renamed")
            finally:
                unfinished.unlink(missing_ok=True)

    def open(self, name: str) -> BinaryIO:
        """The staged file. Raises `MissingBlobError`."""
        file = open_regular(self._path(name))
        if file is None:
            raise MissingBlobError(f"what was uploaded for {name} is no longer there")
        return file

    def has(self, name: str) -> bool:
        with translated():
            return self._path(name).is_file()

    def drop(self, name: str) -> None:
        with translated(), suppress(FileNotFoundError):
            self._path(name).unlink()

    def sweep(self, wanted: set[str]) -> int:
        """Remove old files that are neither wanted nor being written; how many."""
        dropped = 0
        with translated():
            for left in self._root.iterdir():
                with suppress(FileNotFoundError):
                    if left.name not in wanted and left.lstat().st_mtime < time.time() - ABANDONED_SECONDS:
                        left.unlink()
                        dropped += 1
        return dropped

    def _path(self, name: str) -> Path:
        if _NAME.fullmatch(name) is None:
            raise BadBlobKeyError
        return self._root / name
