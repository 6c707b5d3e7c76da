"""Bytes of a TAR, one way only: straight from its file, or unpacked on the way and counted.

What comes out of a packed stream is counted as it comes: the sum against the archive's limit, and against the packed
bytes that went in so far. Memory stays at a chunk and what the decompressor itself needs, which is bounded for xz.
A chunk has the same borders however it is asked for, so a stream fails at the same byte on every run.
"""

from __future__ import annotations

import bz2
import lzma
import os
import zlib
from typing import TYPE_CHECKING, BinaryIO, Protocol

from service.domain.errors import ArchiveTooLargeError, BrokenArchiveError, TruncatedArchiveError

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.inputs.kinds import ArchiveKind
    from service.inputs.values import ArchiveLimits

CHUNK = 64 * 1024
XZ_MEMORY = 128 * 2**20
"""`xz -9` needs 65 MiB to unpack; a header may ask for 4 GiB."""
LONGEST_TAIL = 2**20
"""What may follow the end mark. Writers pad to 10 KiB; the check sum of a packed stream comes after that."""

MOST_EMPTY_MEMBERS, LEAST_MEMBER = 100, 4096
"""Packed streams in one file, for so many bytes each: a file of empty ones would cost hours and give nothing."""


class Stream(Protocol):
    """A source of bytes that only goes on."""

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes, or fewer at the end."""

    def skip(self, count: int) -> None:
        """Go on by `count` bytes. Raises TruncatedArchiveError if there are not so many."""

    def finish(self) -> None:
        """Look at what follows the end mark. Raises BadArchiveError."""


class PlainStream:
    """A file as it is; skipping costs nothing."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, os.SEEK_END)
        file.seek(0)

    def read(self, count: int) -> bytes:
        return self._file.read(count)

    def skip(self, count: int) -> None:
        at = self._file.tell() + count
        if at > self._size:
            raise TruncatedArchiveError
        self._file.seek(at)

    def finish(self) -> None:
        """A plain file has no check sum to look at."""


class _Decompressor(Protocol):
    """What bz2 and lzma have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """zlib's object in the same form."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max(max_length, 0))


def _xz() -> _Decompressor:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=XZ_MEMORY)


DECOMPRESSORS: dict[ArchiveKind, Callable[[], _Decompressor]] = {"gz": _Gzip, "bz2": bz2.BZ2Decompressor, "xz": _xz}


class PackedStream:
    """A packed file, unpacked chunk by chunk. Several streams one after another are one (`pigz`, `cat a.gz b.gz`)."""

    def __init__(self, file: BinaryIO, kind: ArchiveKind, limits: ArchiveLimits) -> None:
        file.seek(0)
        self._file = file
        self._make = DECOMPRESSORS[kind]
        self._decompressor = self._make()
        self._limits = limits
        self._waiting = bytearray()
        self._ended = False
        self._members = 1
        self._fed = 0
        self._came = 0

    def read(self, count: int) -> bytes:
        while len(self._waiting) < count and not self._ended:
            self._unpack()
        with memoryview(self._waiting) as view:  # a slice of the array itself would be one copy more
            taken = bytes(view[:count])
        del self._waiting[:count]
        return taken

    def skip(self, count: int) -> None:
        while count > 0:
            taken = len(self.read(min(count, CHUNK)))
            if not taken:
                raise TruncatedArchiveError
            count -= taken

    def finish(self) -> None:
        left = LONGEST_TAIL
        while left > 0 and (taken := len(self.read(CHUNK))):
            left -= taken

    def _unpack(self) -> None:
        """One step: a chunk out, or a chunk in, or the end."""
        if self._decompressor.eof:
            self._ended = not self._next_member()
            return
        data = b""
        if self._decompressor.needs_input:
            data = self._file.read(CHUNK)
            self._fed += len(data)
            if not data:
                raise TruncatedArchiveError
        try:
            out = self._decompressor.decompress(data, CHUNK)
        except (zlib.error, OSError, lzma.LZMAError) as error:
            raise BrokenArchiveError("The archive's packed data are damaged.") from error
        self._came += len(out)
        self._check()
        self._waiting += out

    def _next_member(self) -> bool:
        """Start on the stream that follows. What follows and is no such stream is padding, and is left alone."""
        rest = self._decompressor.unused_data
        if not rest:
            rest = self._file.read(CHUNK)
            self._fed += len(rest)
        rest = rest.lstrip(b"\0")
        if not rest:
            return False
        follower = self._make()
        try:
            out = follower.decompress(rest, CHUNK)
        except (zlib.error, OSError, lzma.LZMAError):
            return False
        self._decompressor = follower
        self._members += 1
        if self._members > MOST_EMPTY_MEMBERS + self._came // LEAST_MEMBER:
            raise BrokenArchiveError("The archive is packed in too many small parts.")
        self._came += len(out)
        self._check()
        self._waiting += out
        return True

    def _check(self) -> None:
        limits = self._limits
        if self._came > limits.archive_bytes:
            raise ArchiveTooLargeError(f"The archive unpacks to over {limits.archive_bytes:,} bytes.")
        if self._came > limits.archive_grace and self._came > limits.ratio * self._fed:
            raise ArchiveTooLargeError(f"The archive unpacks to over {limits.ratio:,} times its size.")
