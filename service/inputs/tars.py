"""A TAR, read from its first block to its last, without a table and without a place on disk.

The headers are parsed here rather than by `tarfile`: that one reads extended headers of any size into memory, follows
chains of them by recursion, and builds maps of sparse files, all of which are what a hostile archive would ask for.
Formats: POSIX ustar and pax (IEEE 1003.1-2017, "pax"), GNU long names, and the old form without a magic number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from service.domain.errors import (
    ArchiveTooLargeError,
    BadArchiveError,
    BrokenArchiveError,
    KeeponeError,
    PictureTooLargeError,
    TruncatedArchiveError,
    UnsupportedArchiveError,
    UnusableEntryError,
)
from service.inputs.kinds import BLOCK, archive_kind, is_tar_header
from service.inputs.names import is_noise, readable
from service.inputs.streams import DECOMPRESSORS, PackedStream, PlainStream, Stream
from service.inputs.values import ArchiveLimits, Item, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.inputs.kinds import ArchiveKind

LONGEST_EXTENSION = 256 * 1024
"""Bytes of an extended header. Real ones hold a name and some times; one of gigabytes is a bomb."""
MOST_EXTENSIONS = 16
"""Extended headers before one entry."""
MOST_SPARSE_BLOCKS = 4096

_EMPTY = bytes(BLOCK)
_FILES = frozenset(b"\x00" + b"07")
_WITHOUT_DATA = frozenset(b"123456")
_EXTENSIONS = frozenset(b"xXgLK")
_PAX_RECORD = re.compile(rb"(\d{1,9}) ([^=\n]{1,255})=")
_PLAIN_WORDS = {
    ord("1"): "a hard link",
    ord("2"): "a link",
    ord("3"): "a device",
    ord("4"): "a device",
    ord("6"): "a pipe",
}


@dataclass(slots=True)
class _Header:
    """What is known of an entry before its data."""

    name: bytes
    size: int
    kind: int
    sparse: bool
    overlong: bool

    @property
    def padded(self) -> int:
        """Bytes in the archive, whole blocks."""
        return 0 if self.kind in _WITHOUT_DATA else _padded(self.size)

    @property
    def is_folder(self) -> bool:
        return self.kind in b"5D" or (self.kind in _FILES and self.name.endswith(b"/"))


class TarArchive:
    """The items of a TAR, in order. `items` may be asked again, one at a time."""

    def __init__(self, file: BinaryIO, kind: ArchiveKind, limits: ArchiveLimits) -> None:
        self._file = file
        self._kind = kind
        self._limits = limits
        self.skipped = Skipped()
        self.expected: int | None = None
        """How many entries there are: a TAR does not say."""
        first = self._stream().read(BLOCK)
        if not (is_tar_header(first) or first == _EMPTY):
            raise UnsupportedArchiveError(f"The file is packed with {kind}, and holds no TAR.")

    def _stream(self) -> Stream:
        if self._kind in DECOMPRESSORS:
            return PackedStream(self._file, self._kind, self._limits)
        return PlainStream(self._file)

    def items(self, start_at: int = 0) -> Iterator[tuple[Item, bytes]]:
        """Every item from ordinal `start_at` on, with its bytes (none where it has a problem).

        Where the archive cannot be read further, one last item says why.
        """
        stream = self._stream()
        ordinal, name = 0, ""
        try:
            while (header := _next_header(stream)) is not None:
                if ordinal >= self._limits.entries:
                    raise ArchiveTooLargeError(f"The archive has over {self._limits.entries:,} entries.")
                name = readable(header.name)
                found = None
                if ordinal < start_at or self._passes_over(header, name):
                    stream.skip(header.padded)
                else:
                    found = self._take(stream, header, ordinal, name)
                if found is not None:
                    yield found
                ordinal, name = ordinal + 1, ""
            stream.finish()
        except BadArchiveError as problem:
            if ordinal >= start_at:
                yield Item(ordinal, name, 0, problem), b""

    def _passes_over(self, header: _Header, name: str) -> bool:
        """Folders, volume labels and noise are counted, and no items."""
        if header.is_folder or header.kind == ord("V"):
            self.skipped.folders += header.is_folder
            return True
        noise = is_noise(name)
        self.skipped.noise += noise
        return noise

    def _take(self, stream: Stream, header: _Header, ordinal: int, name: str) -> tuple[Item, bytes]:
        """The entry whose data come next. Raises BadArchiveError if there is no going on after it."""
        problem = self._problem(header)
        if problem is not None:
            stream.skip(header.padded)
            return Item(ordinal, name, header.size, problem), b""
        data = stream.read(header.padded)
        if len(data) < header.padded:
            raise TruncatedArchiveError
        content = data[: header.size]
        if archive_kind(content[:BLOCK]) is not None:
            return Item(ordinal, name, header.size, UnusableEntryError("This is an archive in an archive.")), b""
        return Item(ordinal, name, header.size), content

    def _problem(self, header: _Header) -> KeeponeError | None:
        """What the header alone says against the entry."""
        if header.overlong:
            return UnusableEntryError("Its extended header is over the limit.")
        if header.kind not in _FILES and header.kind != ord("S"):
            return UnusableEntryError(f"This is {_PLAIN_WORDS.get(header.kind, 'an entry of a kind of its own')}.")
        if header.sparse or header.kind == ord("S"):
            return UnusableEntryError("This is a sparse file.")
        if header.size > self._limits.entry_bytes:
            return PictureTooLargeError(
                f"The entry has {header.size:,} bytes; the limit is {self._limits.entry_bytes:,}."
            )
        return None

    def close(self) -> None:
        self._file.close()


def _next_header(stream: Stream) -> _Header | None:
    """The next entry's header, its extended headers taken in; None at the end mark. Raises BadArchiveError."""
    extended: dict[bytes, bytes] = {}
    overlong = False
    for _ in range(MOST_EXTENSIONS):
        block = stream.read(BLOCK)
        if len(block) < BLOCK:
            raise TruncatedArchiveError
        if block == _EMPTY:
            return None
        if not is_tar_header(block):
            raise BrokenArchiveError("A header of the archive is damaged; what follows it cannot be found.")
        kind, size = block[156], _number(block[124:136])
        if kind not in _EXTENSIONS:
            return _entry(stream, block, extended, overlong=overlong)
        if size > LONGEST_EXTENSION:
            stream.skip(_padded(size))
            overlong = overlong or kind != ord("g")
            continue
        data = stream.read(_padded(size))
        if len(data) < _padded(size):
            raise TruncatedArchiveError
        if kind == ord("L"):
            extended[b"path"] = data[:size].split(b"\0", 1)[0]
        elif kind in b"xX":
            extended.update(_pax_records(data[:size]))
    raise BrokenArchiveError(f"An entry of the archive has over {MOST_EXTENSIONS} extended headers.")


def _entry(stream: Stream, block: bytes, extended: dict[bytes, bytes], *, overlong: bool) -> _Header:
    name = extended.get(b"GNU.sparse.name") or extended.get(b"path") or _short_name(block)
    size = _number(block[124:136])
    if b"size" in extended:
        size = _decimal(extended[b"size"])
    kind = block[156]
    if kind == ord("S"):
        _pass_sparse_map(stream, block)
    sparse = any(key.startswith(b"GNU.sparse.") for key in extended)
    return _Header(name, size, kind, sparse, overlong)


def _short_name(block: bytes) -> bytes:
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _pass_sparse_map(stream: Stream, block: bytes) -> None:
    """An old GNU sparse file's map goes on in blocks of its own, each saying whether another follows."""
    another = block[482]
    for _ in range(MOST_SPARSE_BLOCKS):
        if not another:
            return
        more = stream.read(BLOCK)
        if len(more) < BLOCK:
            raise TruncatedArchiveError
        another = more[504]
    raise BrokenArchiveError("A sparse file's map in the archive does not end.")


def _pax_records(data: bytes) -> dict[bytes, bytes]:
    r"""The records `length key=value\n` of an extended header; what follows a damaged one is left out."""
    found: dict[bytes, bytes] = {}
    at = 0
    while match := _PAX_RECORD.match(data, at):
        end = at + int(match[1])
        if end <= match.end() or end > len(data) or data[end - 1] != ord("\n"):
            break
        found[match[2]] = data[match.end() : end - 1]
        at = end
    return found


def _number(field: bytes) -> int:
    """A size as octal digits or, its first bit set, in base 256 (GNU). Raises BrokenArchiveError."""
    if field[0] == 0x80:  # noqa: PLR2004 - the mark of base 256
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if digits and not re.fullmatch(rb"[0-7]+", digits):
        raise BrokenArchiveError("A header of the archive states no size.")
    return int(digits or b"0", 8)


def _decimal(digits: bytes) -> int:
    if not re.fullmatch(rb"\d{1,19}", digits):
        raise BrokenArchiveError("A header of the archive states no size.")
    return int(digits)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
