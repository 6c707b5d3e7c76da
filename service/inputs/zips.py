"""A ZIP, read by its table of contents (the central directory), and held to every word of it.

A ZIP states its sizes twice and its table can point anywhere, so trust is handled in two steps. At the opening the
table alone is judged: how many entries, whether two of them share bytes (the overlap bomb of CVE-2024-0450 does), and
what they claim to unpack to. While reading, an entry is cut off at what it claimed; more than that is a lie and a
problem of this entry. So what comes out in all never exceeds what was judged, and since the table is the same on every
run, so are the ordinals and the verdicts, wherever reading starts.

Format: PKWARE APPNOTE 6.3.10. Stored and deflated entries are read; nothing else is in use for pictures.
"""

from __future__ import annotations

import os
import stat
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from service.domain.errors import (
    ArchiveTooLargeError,
    BrokenArchiveError,
    KeeponeError,
    PictureTooLargeError,
    TruncatedArchiveError,
    UnusableEntryError,
)
from service.inputs.kinds import BLOCK, archive_kind
from service.inputs.names import LONGEST_NAME, is_noise, readable
from service.inputs.values import MIB, ArchiveLimits, Item, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST_TABLE = 128 * MIB
"""Bytes of the table of contents: 200,000 entries of 600 bytes each."""

_OVERLAP = "Entries of the archive overlap, as in a bomb, or reach into its table of contents."
_CHUNK = 64 * 1024
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_ROW = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 0xFFFF
_ENCRYPTED, _UTF8 = 0x1, 0x800
_STORED, _DEFLATED = 0, 8
_DOS_FOLDER = 0x10
_IN_EXTRA = 0xFFFFFFFF
"""A size or an offset that stands in the ZIP64 extra field instead."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row of the table of contents."""

    name: str
    packed: int
    size: int
    offset: int
    flags: int
    method: int
    crc: int
    mode: int
    name_bytes: int
    is_folder: bool

    @property
    def least_end(self) -> int:
        """Where its data end at the earliest: its own header may hold more than the row says, and never less."""
        return self.offset + _LOCAL.size + self.name_bytes + self.packed


class ZipArchive:
    """The items of a ZIP, in the order of its table of contents. For one thread at a time."""

    def __init__(self, file: BinaryIO, limits: ArchiveLimits) -> None:
        self._file = file
        self._limits = limits
        self._size = file.seek(0, os.SEEK_END)
        self.skipped = Skipped()
        self._table_at, table = _read_table(file, self._size, limits)
        self._entries = _parse_table(table, limits)
        self._ends = self._bounds()
        self._check_whole()

    @property
    def expected(self) -> int | None:
        """How many entries there are, folders and noise included."""
        return len(self._entries)

    def items(self, start_at: int = 0) -> Iterator[tuple[Item, bytes]]:
        """Every item from ordinal `start_at` on, with its bytes (none where it has a problem)."""
        for ordinal in range(start_at, len(self._entries)):
            entry = self._entries[ordinal]
            if entry.is_folder:
                self.skipped.folders += 1
            elif is_noise(entry.name):
                self.skipped.noise += 1
            else:
                yield self.read(ordinal)

    def read(self, ordinal: int) -> tuple[Item, bytes]:
        """One item and its bytes; an IndexError where there is none."""
        entry = self._entries[ordinal]
        problem = self._problem(entry)
        content = b""
        if problem is None:
            try:
                content = self._content(ordinal, entry)
            except KeeponeError as error:
                problem = error
        return Item(ordinal, entry.name, entry.size, problem), content

    def _bounds(self) -> list[int]:
        """By ordinal, where the next entry or the table begins. Raises BrokenArchiveError where two share bytes."""
        ends = [0] * len(self._entries)
        end = self._table_at
        for ordinal in sorted(range(len(ends)), key=lambda at: self._entries[at].offset, reverse=True):
            entry = self._entries[ordinal]
            if entry.least_end > end:
                raise BrokenArchiveError(_OVERLAP)
            ends[ordinal], end = end, entry.offset
        return ends

    def _check_whole(self) -> None:
        """What the readable entries claim to unpack to, together. Raises ArchiveTooLargeError."""
        limits = self._limits
        claimed = sum(entry.size for entry in self._entries if self._problem(entry) is None)
        if claimed > limits.archive_bytes:
            raise ArchiveTooLargeError(
                f"The archive unpacks to {claimed:,} bytes; the limit is {limits.archive_bytes:,}."
            )
        if claimed > limits.archive_grace and claimed > limits.ratio * self._size:
            raise ArchiveTooLargeError(f"The archive unpacks to over {limits.ratio:,} times its size.")

    def _problem(self, entry: _Entry) -> KeeponeError | None:
        """What the table alone says against an entry."""
        limits = self._limits
        kind = stat.S_IFMT(entry.mode)
        problem: KeeponeError | None = None
        if kind == stat.S_IFLNK:
            problem = UnusableEntryError("This is a link.")
        elif kind not in {0, stat.S_IFREG}:
            problem = UnusableEntryError("This is a device, a pipe or a socket.")
        elif entry.flags & _ENCRYPTED:
            problem = UnusableEntryError("This entry is encrypted.")
        elif entry.method not in {_STORED, _DEFLATED}:
            problem = UnusableEntryError(f"This entry is packed by method {entry.method}; deflate it, or store it.")
        elif entry.method == _STORED and entry.packed != entry.size:
            # Only `size` is held to the limits, and of a stored entry all that is packed is read at once.
            problem = BrokenArchiveError("The entry is stored, and its two sizes differ.")
        elif entry.size > limits.entry_bytes:
            problem = PictureTooLargeError(f"The entry has {entry.size:,} bytes; the limit is {limits.entry_bytes:,}.")
        elif entry.size > limits.entry_grace and entry.size > limits.ratio * entry.packed:
            problem = ArchiveTooLargeError(f"The entry unpacks to over {limits.ratio:,} times its size.")
        return problem

    def _content(self, ordinal: int, entry: _Entry) -> bytes:
        """Its bytes, unpacked no further than it claimed. Raises BadArchiveError."""
        self._file.seek(entry.offset)
        head = self._file.read(_LOCAL.size)
        if len(head) < _LOCAL.size or head[:4] != b"PK\x03\x04":
            raise BrokenArchiveError("The entry is not where the table of contents says.")
        *_, name_bytes, extra_bytes = _LOCAL.unpack(head)
        begin = entry.offset + _LOCAL.size + name_bytes + extra_bytes
        if begin + entry.packed > self._ends[ordinal]:
            raise BrokenArchiveError(_OVERLAP)
        self._file.seek(begin)
        content = self._inflate(entry) if entry.method == _DEFLATED else self._file.read(entry.packed)
        if len(content) != entry.size:
            raise BrokenArchiveError("The entry is not of the size that the table of contents says.")
        if zlib.crc32(content) != entry.crc:
            raise BrokenArchiveError("The entry's check sum is wrong.")
        if archive_kind(content[:BLOCK]) is not None:
            raise UnusableEntryError("This is an archive in an archive.")
        return content

    def _inflate(self, entry: _Entry) -> bytes:
        """Its data unpacked, up to one byte more than it claimed: that one gives a lie away. Raises BrokenArchiveError."""
        inflater = zlib.decompressobj(wbits=-15)
        out = bytearray()
        left = entry.packed
        waiting = b""
        try:
            while not inflater.eof and len(out) <= entry.size:
                if not waiting:
                    waiting = self._file.read(min(left, _CHUNK))
                    left -= len(waiting)
                fed = bool(waiting)
                came = inflater.decompress(waiting, min(_CHUNK, entry.size + 1 - len(out)))
                waiting = inflater.unconsumed_tail
                out += came
                if not came and not fed:  # without input it may still hold output back; with neither it is cut
                    break
        except zlib.error as error:
            raise BrokenArchiveError("The entry's packed data are damaged.") from error
        return bytes(out)

    def close(self) -> None:
        self._file.close()


def _read_table(file: BinaryIO, size: int, limits: ArchiveLimits) -> tuple[int, bytes]:
    """Where the table of contents begins, and its bytes. Raises BadArchiveError."""
    tail_at = max(0, size - _END.size - _LONGEST_COMMENT)
    file.seek(tail_at)
    tail = file.read()
    found = tail.rfind(b"PK\x05\x06", 0, max(0, len(tail) - _END.size + 4))
    if found < 0:
        raise TruncatedArchiveError("The archive has no table of contents at its end; it was cut.")
    end_at = tail_at + found
    _, _, _, _, count, length, at, _ = _END.unpack_from(tail, found)
    if found >= _LOCATOR64.size and tail[found - _LOCATOR64.size :][:4] == b"PK\x06\x07":
        _, _, end64_at, _ = _LOCATOR64.unpack_from(tail, found - _LOCATOR64.size)
        if end64_at + _END64.size > end_at - _LOCATOR64.size:
            raise BrokenArchiveError("The archive's table of contents is damaged.")
        file.seek(end64_at)
        signature, *_, count, length, at = _END64.unpack(file.read(_END64.size))
        if signature != b"PK\x06\x06":
            raise BrokenArchiveError("The archive's table of contents is damaged.")
        end_at = end64_at
    if count > limits.entries:
        raise ArchiveTooLargeError(f"The archive has {count:,} entries; the limit is {limits.entries:,}.")
    if length > LARGEST_TABLE:
        raise ArchiveTooLargeError(f"The table of contents has {length:,} bytes; the limit is {LARGEST_TABLE:,}.")
    if at + length != end_at:
        raise BrokenArchiveError("The archive's table of contents is not where its end mark says.")
    file.seek(at)
    return at, file.read(length)


def _parse_table(table: bytes, limits: ArchiveLimits) -> list[_Entry]:
    """Its rows, in order. Raises BadArchiveError."""
    entries: list[_Entry] = []
    at = 0
    while at < len(table):
        if len(table) - at < _ROW.size or table[at : at + 4] != b"PK\x01\x02":
            raise BrokenArchiveError("The archive's table of contents is damaged.")
        if len(entries) >= limits.entries:
            raise ArchiveTooLargeError(f"The archive has over {limits.entries:,} entries.")
        row = _ROW.unpack_from(table, at)
        name_at = at + _ROW.size
        extra_at = name_at + row[10]
        at = extra_at + row[11] + row[12]
        if at > len(table):
            raise BrokenArchiveError("The archive's table of contents is damaged.")
        kept = table[name_at : min(extra_at, name_at + LONGEST_NAME)]
        entries.append(_entry(row, kept, table[extra_at : extra_at + row[11]]))
    return entries


def _entry(row: tuple[int, ...], raw_name: bytes, extra: bytes) -> _Entry:
    _, _, _, flags, method, _, _, crc, packed, size, name_bytes, _, _, _, _, attributes, offset = row
    if _IN_EXTRA in {size, packed, offset}:
        size, packed, offset = _wide(size, packed, offset, extra)
    mode = attributes >> 16
    is_folder = raw_name.endswith(b"/") or stat.S_ISDIR(mode) or (not mode and bool(attributes & _DOS_FOLDER))
    name = readable(raw_name, None if flags & _UTF8 else "cp437")
    return _Entry(name, packed, size, offset, flags, method, crc, mode, name_bytes, is_folder)


def _wide(size: int, packed: int, offset: int, extra: bytes) -> tuple[int, int, int]:
    """The three as 64-bit numbers, those taken from the ZIP64 extra field that say so. Raises BrokenArchiveError."""
    at = 0
    while at + 4 <= len(extra):
        tag, length = struct.unpack_from("<2H", extra, at)
        if tag == 1:
            wide = extra[at + 4 : at + 4 + length]
            values = iter(struct.unpack(f"<{len(wide) // 8}Q", wide[: len(wide) // 8 * 8]))
            taken = [next(values, None) if value == _IN_EXTRA else value for value in (size, packed, offset)]
            if None not in taken:
                return tuple(taken)  # type: ignore[return-value]  # three, and none of them None
            break
        at += 4 + length
    raise BrokenArchiveError("The archive's table of contents is damaged.")
