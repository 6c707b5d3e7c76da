"""Blobs in a local folder.

    ab/cd/abcd…                       originals, by SHA-256
    derived/<kind>/ab/abcd….ext       what can be made again
    tmp/                              being written; all that a crash leaves behind

An original is written to `tmp`, synced, and *linked* to its name: a link fails where a rename would silently replace,
so of two writers of the same bytes one wins and nothing is ever written over. Then the folder is synced, and so are
the folders above it once per process, because a file's name is only as durable as each name on the way to it.
"""

import errno
import fcntl
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from index_store.blobs.protocol import Blobs, Original, check_derived, check_key
from index_store.entries import is_hash
from index_store.errors import (
    CorruptBlobError,
    MissingBlobError,
    StoreFullError,
    StoreUnavailableError,
    UnsupportedStoreError,
)
from index_store.failpoints import reached
from index_store.syncing import FULL, make_folder, refuse_after_failure, sync, sync_folder

# O_NONBLOCK, or opening a FIFO that somebody planted would wait for ever; it means nothing for a regular file.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ABANDONED_SECONDS = 3600
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)


class LocalBlobs:
    """Implements `Blobs`. Safe among threads and processes.

    Args:
        root: the folder, made if it is new.
        settle_later: originals need not be on disk when `put` returns, but when `settle` does: for whoever writes many
            and tells of none before all are there. 1,500 files took 4.8 s so, and 8.4 s synced one by one (measured).
    """

    def __init__(self, root: Path, *, settle_later: bool = False) -> None:
        self._root = root.absolute()
        self._settle_later = settle_later
        self._unsettled: list[bytes] = []  # hashes: a path takes ten times the room
        self._durable: set[Path] = set()  # folders whose names this process has synced, up to the root
        with translated():
            make_folder(self._root)
            self._folder(self._root / "tmp")
            self._sweep()

    def put(self, sha256: str, data: bytes) -> bool:
        check_key(sha256)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise CorruptBlobError(f"the bytes handed in are not those of {sha256}")
        path = self._original(sha256)
        refuse_after_failure()
        with translated():
            self._folder(path.parent)
            with self._temporary(data, durable=not self._settle_later) as temporary:
                while not (new := _link(temporary, path)) and not _is_wanted_again(path):
                    pass  # it was let go at this very moment
                reached("blob.linked")
            # Also when another writer was first: it may not have come as far as its own sync.
            if self._settle_later:
                self._unsettled.append(bytes.fromhex(sha256))
            else:
                sync_folder(path.parent)
        reached("blob.folder-synced")
        if not new and self._size(sha256) != len(data):
            raise CorruptBlobError(f"what lies under {sha256} is not a file of its size")
        return new

    def settle(self) -> None:
        """Everything put so far is on disk when this returns.

        The system writes it all at once, quickly. Then each file and folder is synced by itself, which costs little now
        and is how an error of the writing is told.
        """
        written, self._unsettled = self._unsettled, []
        if not written:
            return
        with translated():
            os.sync()
            for sha256 in written:
                descriptor = os.open(self._original(sha256.hex()), _READ)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            for short in {sha256[:length] for sha256 in written for length in (2, 1, 0)}:
                sync_folder(self._root.joinpath(*(f"{byte:02x}" for byte in short)))

    def get(self, sha256: str, *, verify: bool = False) -> bytes:
        check_key(sha256)
        with self.open(sha256) as file:
            try:
                data = file.read()
            except OSError as error:  # a bad sector, say: of this file it tells, and of no other
                raise CorruptBlobError(f"blob {sha256} cannot be read: {error.strerror}") from error
        if verify and hashlib.sha256(data).hexdigest() != sha256:
            raise CorruptBlobError(f"blob {sha256} has rotted: its bytes hash to something else")
        return data

    def open(self, sha256: str) -> BinaryIO:
        check_key(sha256)
        file = open_regular(self._original(sha256))
        if file is None:
            raise MissingBlobError(f"there is no blob {sha256}")
        return file

    def has(self, sha256: str) -> bool:
        check_key(sha256)
        return self._size(sha256) is not None

    def size(self, sha256: str) -> int:
        check_key(sha256)
        found = self._size(sha256)
        if found is None:
            raise MissingBlobError(f"there is no blob {sha256}")
        return found

    def put_derived(self, kind: str, sha256: str, extension: str, data: bytes) -> None:
        check_derived(kind, sha256, extension)
        path = self._derived(kind, sha256, extension)
        with translated():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._temporary(data, durable=False) as temporary:
                reached("blob.derived-written")
                temporary.rename(path)
            reached("blob.derived-renamed")

    def get_derived(self, kind: str, sha256: str, extension: str) -> bytes | None:
        check_derived(kind, sha256, extension)
        # Empty is what a power cut can leave of a file that was never synced.
        return _read(self._derived(kind, sha256, extension)) or None

    def originals(self) -> Iterator[Original]:
        with translated():
            for first in sorted(self._root.glob("[0-9a-f][0-9a-f]")):
                for path in first.glob("[0-9a-f][0-9a-f]/*"):
                    if not is_hash(path.name) or path != self._original(path.name):
                        continue
                    with suppress(FileNotFoundError):
                        found = path.lstat()
                        yield Original(path.name, found.st_size, time.time() - found.st_mtime)

    def discard(self, sha256: str) -> None:
        check_key(sha256)
        path = self._original(sha256)
        with translated(), suppress(FileNotFoundError):
            path.unlink()
            sync_folder(path.parent)

    def let_go(self, sha256: str, *, unused_seconds: float) -> bool:
        check_key(sha256)
        path = self._original(sha256)
        with translated():
            try:
                descriptor = os.open(path, _READ)
            except FileNotFoundError:
                return True
            try:
                # Whoever puts the same bytes marks the file under the same lock, and sees whether it is still there.
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                found = os.fstat(descriptor)
                if time.time() - found.st_mtime < unused_seconds:
                    return False
                if found.st_nlink:
                    path.unlink()
            finally:
                os.close(descriptor)
            reached("blob.let-go")
            sync_folder(path.parent)
            for derived in (self._root / "derived").glob(f"*/{sha256[:2]}/{sha256}.*"):
                derived.unlink(missing_ok=True)
        return True

    def _original(self, sha256: str) -> Path:
        # In one step: `pathlib` takes each apart anew, and a check asks for dozens.
        return self._root / f"{sha256[:2]}/{sha256[2:4]}/{sha256}"

    def _derived(self, kind: str, sha256: str, extension: str) -> Path:
        return self._root / f"derived/{kind}/{sha256[:2]}/{sha256}.{extension}"

    def _size(self, sha256: str) -> int | None:
        with translated():
            try:
                found = self._original(sha256).lstat()
            except FileNotFoundError:
                return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def _folder(self, folder: Path) -> None:
        """Make it, and make sure that every name from the root down to it is on disk."""
        if folder in self._durable or folder == self._root:
            return
        self._folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        if not self._settle_later:
            sync_folder(folder.parent)
        self._durable.add(folder)

    def _sweep(self) -> None:
        """Remove what killed writers left behind; nobody writes one file for an hour."""
        for left in (self._root / "tmp").iterdir():
            with suppress(OSError):  # it has gone meanwhile, or these are a backup's that may only be read
                if left.lstat().st_mtime < time.time() - _ABANDONED_SECONDS:
                    left.unlink()

    @contextmanager
    def _temporary(self, data: bytes, *, durable: bool) -> Iterator[Path]:
        """A new private file with these bytes, gone afterwards unless it was renamed."""
        path = self._root / "tmp" / secrets.token_hex(16)
        descriptor = os.open(path, CREATE, 0o600)
        try:
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
                if durable:
                    reached("blob.written")
                    sync(descriptor)
                    reached("blob.synced")
            finally:
                os.close(descriptor)
            yield path
        finally:
            path.unlink(missing_ok=True)


def open_blobs(url: str) -> Blobs:
    """Open `file:///path`. Raises `UnsupportedStoreError` for any other kind of URL."""
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not parts.path:
        raise UnsupportedStoreError(f"blobs lie in a local folder in this version: file:///path, not {url}")
    return LocalBlobs(Path(unquote(parts.path)))


def _link(source: Path, target: Path) -> bool:
    """Rename-if-absent: True if the name is now ours, False if it was taken."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno in _NO_LINKS:
            raise UnsupportedStoreError("the blobs' file system has no hard links") from error
        raise
    return True


def _is_wanted_again(path: Path) -> bool:
    """Mark a file that lies there as put just now; False if it was let go since."""
    try:
        descriptor = os.open(path, _READ)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # no file of ours lies there, and its size will say so
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with suppress(PermissionError):  # another user's, and then it is not ours to let go either
            os.utime(descriptor)
        return os.fstat(descriptor).st_nlink > 0
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes | None:
    """A regular file's bytes, None if there is none."""
    file = open_regular(path)
    if file is None:
        return None
    with file, translated():
        return file.read()


def open_regular(path: Path) -> BinaryIO | None:
    """A regular file to read, None if there is none. A symbolic link or a device is refused, never followed."""
    with translated():
        try:
            descriptor = os.open(path, _READ)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise CorruptBlobError(f"{path.name} is a symbolic link") from error
            raise
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise CorruptBlobError(f"{path.name} is not a regular file")
        return os.fdopen(descriptor, "rb")


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise StoreFullError("the disk of the blobs is full") from error
        raise StoreUnavailableError(f"the blobs cannot be used: {error.strerror}") from error
