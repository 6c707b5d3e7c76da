"""Blobs that forget."""

import hashlib
import io
import time
from collections.abc import Iterator
from typing import BinaryIO

from index_store.blobs.protocol import Original, check_derived, check_key
from index_store.errors import CorruptBlobError, MissingBlobError


class MemoryBlobs:
    """Implements `Blobs`."""

    def __init__(self) -> None:
        self._originals: dict[str, bytes] = {}
        self._derived: dict[tuple[str, str, str], bytes] = {}
        self._put: dict[str, float] = {}

    def put(self, sha256: str, data: bytes) -> bool:
        check_key(sha256)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise CorruptBlobError(f"the bytes handed in are not those of {sha256}")
        new = sha256 not in self._originals
        self._originals.setdefault(sha256, bytes(data))
        self._put[sha256] = time.time()
        return new

    def get(self, sha256: str, *, verify: bool = False) -> bytes:
        check_key(sha256)
        if sha256 not in self._originals:
            raise MissingBlobError(f"there is no blob {sha256}")
        data = self._originals[sha256]
        if verify and hashlib.sha256(data).hexdigest() != sha256:
            raise CorruptBlobError
        return data

    def open(self, sha256: str) -> BinaryIO:
        return io.BytesIO(self.get(sha256))

    def has(self, sha256: str) -> bool:
        check_key(sha256)
        return sha256 in self._originals

    def size(self, sha256: str) -> int:
        return len(self.get(sha256))

    def put_derived(self, kind: str, sha256: str, extension: str, data: bytes) -> None:
        check_derived(kind, sha256, extension)
        self._derived[kind, sha256, extension] = bytes(data)

    def get_derived(self, kind: str, sha256: str, extension: str) -> bytes | None:
        check_derived(kind, sha256, extension)
        return self._derived.get((kind, sha256, extension))

    def originals(self) -> Iterator[Original]:
        for sha256, data in list(self._originals.items()):
            yield Original(sha256, len(data), 0.0)

    def discard(self, sha256: str) -> None:
        check_key(sha256)
        self._originals.pop(sha256, None)

    def let_go(self, sha256: str, *, unused_seconds: float) -> bool:
        check_key(sha256)
        if sha256 in self._originals and time.time() - self._put[sha256] < unused_seconds:
            return False
        self._originals.pop(sha256, None)
        for place in [place for place in self._derived if place[1] == sha256]:
            del self._derived[place]
        return True
