"""What kind of archive some bytes are, by the bytes alone."""

from __future__ import annotations

from typing import Literal

ArchiveKind = Literal["zip", "tar", "gz", "bz2", "xz", "zst", "7z", "rar"]

BLOCK = 512
"""A TAR is made of blocks of so many bytes; `archive_kind` needs as many."""

_MAGIC: tuple[tuple[bytes, ArchiveKind], ...] = (
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # empty
    (b"\x1f\x8b\x08", "gz"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zst"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!\x1a\x07", "rar"),
)
_BZ2_BLOCKS = frozenset({b"1AY&SY", b"\x17rE8P\x90"})


def archive_kind(head: bytes) -> ArchiveKind | None:
    """The kind of archive that starts with these bytes, or None."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head[:3] == b"BZh" and head[4:10] in _BZ2_BLOCKS:
        return "bz2"
    return "tar" if is_tar_header(head[:BLOCK]) else None


def is_tar_header(block: bytes) -> bool:
    """Whether the checksum of a TAR header is right: the sum of its bytes, its own eight taken as spaces (POSIX)."""
    if len(block) < BLOCK or not any(block):
        return False
    stated = block[148:156].strip(b" \0")
    if not stated or not all(0x30 <= digit <= 0x37 for digit in stated):  # noqa: PLR2004 - "0" and "7"
        return False
    return int(stated, 8) == sum(block[:148]) + 8 * 0x20 + sum(block[156:])
