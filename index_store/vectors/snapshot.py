"""Snapshots of an index on disk: immutable bodies, and small manifests that say which of them count.

    body-<sequence>-<sha256>    the index; written beside, synced, read back and hashed, then renamed
    manifest-<number>           names a body, with its length and SHA-256, under an HMAC; written the same way, after it
    builder.lock                held (flock) by the one process that may write
    tmp-…                       being written; all that a crash leaves behind

Nothing is ever written over, so a reader may keep a body mapped for as long as it likes, and a crash at any step leaves
the old snapshot or the new one. The two newest are kept: if the newest has rotted, the older one and the log make the
same index. A body is measured and hashed before anything parses it: FAISS notices no flipped bit, and of its files it
says itself that they must be trusted.

The lease is a lock on a file, so the folder must lie on a local disk, as SQLite's must. The kernel lets go of it when
the process dies, however it dies.
"""

import fcntl
import hashlib
import logging
import mmap
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC
from pathlib import Path
from stat import S_ISREG

import numpy as np
from numpy.typing import NDArray

from index_store.errors import BadSnapshotError, StoreFullError, StoreUnavailableError
from index_store.failpoints import reached
from index_store.hashing import sha256_of
from index_store.records import Space
from index_store.vectors.manifest import FORMAT, Manifest, sealed, unsealed

KEPT = 2
_ALIGNED = 64
"""Sections start at multiples of this, so that they can be read as arrays where they lie."""
_AT_ONCE = 4 * 2**20
_LONGEST_MANIFEST = 64 * 2**10
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MANIFEST = re.compile(r"manifest-(\d{10})")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A verified body, mapped: its pages are the page cache's, shared by every process that reads it."""

    manifest: Manifest
    bytes: NDArray[np.uint8]

    def section(self, name: str) -> NDArray[np.uint8]:
        offset, length = self.manifest.sections[name]
        return self.bytes[offset : offset + length]


class SnapshotFolder:
    """The snapshots of one space. `key` is the catalogue's own secret."""

    def __init__(self, root: Path, space: Space, key: bytes) -> None:
        self._root = root.absolute()
        self._space = space
        self._key = key

    @property
    def root(self) -> Path:
        return self._root

    def newest_number(self) -> int:
        """The number of the newest manifest, good or not; 0 if there is none. One look at the folder."""
        return max(self._numbers(), default=0)

    def manifests(self) -> Iterator[Manifest]:
        """The good ones, newest first. A bad one is told to the log and passed over."""
        for number in sorted(self._numbers(), reverse=True):
            try:
                yield self._manifest(number)
            except (BadSnapshotError, StoreUnavailableError) as error:
                _log.warning("snapshot %d was passed over: %s", number, error)

    def open(self, manifest: Manifest) -> Body:
        """The body of a manifest, hashed from end to end. Raises `BadSnapshotError` if one bit is not as promised."""
        name = f"the body of snapshot {manifest.number}"
        try:
            descriptor = os.open(self._root / manifest.body, _READ)
            try:
                found = os.fstat(descriptor)
                if not S_ISREG(found.st_mode) or found.st_size != manifest.length or not manifest.length:
                    raise BadSnapshotError(f"{name} has another length")
                if sha256_of(descriptor) != manifest.sha256:
                    raise BadSnapshotError(f"{name} has other bytes")
                mapped = mmap.mmap(descriptor, manifest.length, access=mmap.ACCESS_READ)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise BadSnapshotError(f"{name} cannot be read: {error.strerror}") from error
        return Body(manifest, np.frombuffer(mapped, np.uint8))

    @contextmanager
    def lease(self) -> Iterator[bool]:
        """Whether this process, and no other, may write until the block ends. Does not wait."""
        with _translated():
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(
                self._root / "builder.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
            )
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)

    def write(
        self, sections: Mapping[str, NDArray[np.generic]], *, kind: str, count: int, sequence: int, log_mark: str
    ) -> Manifest:
        """Write a snapshot and make it the newest. Call under the lease.

        Raises `StoreFullError` or `StoreUnavailableError`; the snapshots before it then stand as they stood.
        """
        with _translated():
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sweep()
            temporary = self._temporary()
            try:
                places, length, digest = _write_body(temporary, sections)
                body = f"body-{sequence:020}-{digest}"
                temporary.rename(self._root / body)
            finally:
                temporary.unlink(missing_ok=True)
            reached("snapshot.body-renamed")
            _sync_folder(self._root)
            reached("snapshot.folder-synced")
            manifest = Manifest(
                format=FORMAT,
                number=self.newest_number() + 1,
                space=self._space.name,
                generation=self._space.generation,
                dimension=self._space.dimension,
                metric=self._space.metric,
                kind=kind,
                count=count,
                sequence=sequence,
                log_mark=log_mark,
                body=body,
                length=length,
                sha256=digest,
                sections=places,
            )
            self._switch_to(manifest)
            self._prune()
        return manifest

    def _switch_to(self, manifest: Manifest) -> None:
        temporary = self._temporary()
        try:
            descriptor = os.open(temporary, _CREATE, 0o600)
            try:
                _write_all(descriptor, memoryview(sealed(manifest, self._key)))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            reached("snapshot.manifest-written")
            temporary.rename(self._root / f"manifest-{manifest.number:010}")
        finally:
            temporary.unlink(missing_ok=True)
        reached("snapshot.manifest-renamed")
        _sync_folder(self._root)

    def _prune(self) -> None:
        """Remove what is neither the newest snapshots nor named by them. Manifests go before the bodies they name."""
        kept: list[Manifest] = []
        for number in sorted(self._numbers(), reverse=True):
            with suppress(BadSnapshotError, OSError):
                manifest = self._manifest(number)
                if len(kept) < KEPT and (self._root / manifest.body).stat().st_size == manifest.length:
                    kept.append(manifest)
        numbers, bodies = {one.number for one in kept}, {one.body for one in kept}
        for number in self._numbers() - numbers:
            (self._root / f"manifest-{number:010}").unlink(missing_ok=True)
        _sync_folder(self._root)
        for left in self._root.glob("body-*"):
            if left.name not in bodies:
                left.unlink(missing_ok=True)
        reached("snapshot.pruned")

    def _sweep(self) -> None:
        """Remove what killed writers left; under the lease there is no other writer."""
        for left in self._root.glob("tmp-*"):
            left.unlink(missing_ok=True)

    def _numbers(self) -> set[int]:
        with _translated():
            names = os.listdir(self._root) if self._root.exists() else []  # noqa: PTH208 - names, not paths
        return {int(match[1]) for match in map(_MANIFEST.fullmatch, names) if match}

    def _manifest(self, number: int) -> Manifest:
        with _translated():
            try:
                descriptor = os.open(self._root / f"manifest-{number:010}", _READ)
            except OSError as error:
                raise BadSnapshotError(f"manifest {number} cannot be opened: {error}") from error
            try:
                data = os.read(descriptor, _LONGEST_MANIFEST) if S_ISREG(os.fstat(descriptor).st_mode) else b""
            finally:
                os.close(descriptor)
        manifest = unsealed(data, self._key)
        manifest.check_is_of(self._space)
        if manifest.number != number:
            raise BadSnapshotError(f"manifest {number} calls itself {manifest.number}")
        return manifest

    def _temporary(self) -> Path:
        return self._root / f"tmp-{secrets.token_hex(16)}"


def _write_body(path: Path, sections: Mapping[str, NDArray[np.generic]]) -> tuple[dict[str, tuple[int, int]], int, str]:
    """(where each section lies, length, SHA-256). What was written is read back: a disk may lie."""
    digest, places, offset = hashlib.sha256(), {}, 0
    descriptor = os.open(path, _CREATE, 0o600)
    try:
        reached("snapshot.body-opened")
        for name, array in sections.items():
            data = np.ascontiguousarray(array).view(np.uint8).reshape(-1).data
            places[name] = (offset, len(data))
            padding = memoryview(bytes(-len(data) % _ALIGNED))
            for piece in (data, padding):
                digest.update(piece)
                _write_all(descriptor, piece)
            offset += len(data) + len(padding)
        reached("snapshot.body-written")
        os.fsync(descriptor)
        reached("snapshot.body-synced")
    finally:
        os.close(descriptor)
    descriptor = os.open(path, _READ)
    try:
        if hasattr(os, "posix_fadvise"):  # so that the disk is read and not what we still remember of it
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        if sha256_of(descriptor) != digest.hexdigest():
            raise StoreUnavailableError("the disk gave back other bytes than were written to it")
    finally:
        os.close(descriptor)
    return places, offset, digest.hexdigest()


def _write_all(descriptor: int, data: memoryview) -> None:
    while data:
        data = data[os.write(descriptor, data[:_AT_ONCE]) :]


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {ENOSPC, EDQUOT}:
            raise StoreFullError("the disk of the index is full; its older snapshot stays in use") from error
        raise StoreUnavailableError(f"the index's folder cannot be used: {error.strerror}") from error
