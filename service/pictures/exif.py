"""A few tags of EXIF (CIPA DC-008), read straight from its TIFF directories. Never raises: what is damaged is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator

BITS, COMPRESSION, DESCRIPTION, MAKE, MODEL, SOFTWARE = 258, 259, 270, 271, 272, 305
USER_COMMENT: Final = 0x9286
_EXIF_DIRECTORY: Final = 0x8769
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 7: 1}
"""Bytes a value, by TIFF's type: byte, text, short, long, undefined."""
_NUMBERS: Final = frozenset({3, 4})
_MOST_ENTRIES: Final = 512
_MOST_BYTES: Final = 2**16


def read_tags(tiff: bytes) -> dict[int, bytes | int]:
    """Tags of the first directory and of EXIF's own: numbers by their first value, everything else as bytes."""
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"
    if tiff[:2] not in {b"II", b"MM"} or tiff[2:4] not in {b"*\0", b"\0*"}:  # BigTIFF is laid out otherwise
        return {}
    tags = dict(_directory(tiff, int.from_bytes(tiff[4:8], order), order))
    below = tags.get(_EXIF_DIRECTORY)
    if isinstance(below, int):
        tags |= dict(_directory(tiff, below, order))
    return tags


def text(value: bytes | int | None) -> str:
    """A tag's text, without the padding; empty if it is none."""
    return value.decode("utf-8", "replace").strip("\0 ").strip() if isinstance(value, bytes) else ""


def _directory(tiff: bytes, start: int, order: Literal["little", "big"]) -> Iterator[tuple[int, bytes | int]]:
    count = min(int.from_bytes(tiff[start : start + 2], order), _MOST_ENTRIES)
    for at in range(start + 2, start + 2 + 12 * count, 12):
        entry = tiff[at : at + 12]
        if len(entry) < 12:  # noqa: PLR2004 - the length of an entry
            return
        tag, kind = (int.from_bytes(entry[n : n + 2], order) for n in (0, 2))
        each = _SIZES.get(kind)
        if each is None:
            continue
        size = each * int.from_bytes(entry[4:8], order)
        place = 8 if size <= 4 else int.from_bytes(entry[8:12], order)  # noqa: PLR2004 - four bytes lie in the entry
        value = (entry if size <= 4 else tiff)[place : place + min(size, _MOST_BYTES)]  # noqa: PLR2004 - as above
        if kind not in _NUMBERS:
            yield tag, value
        elif len(value) >= each:
            yield tag, int.from_bytes(value[:each], order)
