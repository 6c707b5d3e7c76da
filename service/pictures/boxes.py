"""The boxes of AVIF and HEIC, walked without a decoder: whether the file ends before its pixels do.

Like the walks in `container`, these are linear, read no pixel and never raise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOXES: Final = frozenset({b"ftyp", b"meta", b"mdat", b"moov", b"free", b"skip", b"uuid", b"mpvd"})
_CODED: Final = frozenset({b"hvc1", b"av01"})
_ZEROS: Final = bytes(64)
"""More zeros than coded pixels end in. HEVC forbids three in a row anywhere, and AV1 ends each tile with a set bit."""

_MOST_ITEMS: Final = 10_000
"""A 50 MP picture in tiles has some two hundred; beyond this the file is left to its decoder."""


def boxes_are_cut(data: bytes) -> bool:
    """A top-level box runs past the end, or the pixels' box never comes, or coded pixels end in zeros.

    Cameras append trailers that are no boxes; so only boxes known by name are believed.
    """
    at, has_pixels, meta = 0, False, b""
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind not in _BOXES or size == 0:  # 0: to the end of the file, whatever that is
            return _items_are_cut(data, meta)
        if size == 1:
            size = int.from_bytes(data[at + 8 : at + 16], "big")
        if size < 8:  # noqa: PLR2004 - a box is at least its own header; less is damage
            return False
        if kind == b"meta":
            meta = data[at + 12 : at + size]
        has_pixels = has_pixels or kind == b"mdat" or (kind == b"meta" and b"idat" in meta)
        at += size
    return at > len(data) or not has_pixels or _items_are_cut(data, meta)


def _items_are_cut(data: bytes, meta: bytes) -> bool:
    """Whether an item of coded pixels ends in zeros: room made for a download that never came to its end.

    Not the file's own end: EXIF and profiles may lie there, and may end in zeros.
    """
    boxes = dict(_children(meta, 0))
    coded = _coded_items(boxes.get(b"iinf", b""))
    return any(
        item in coded and end - start >= len(_ZEROS) and data.endswith(_ZEROS, start, end)
        for item, start, end in _extents(boxes.get(b"iloc", b""))
    )


def _children(body: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    for _ in range(_MOST_ITEMS):
        size = int.from_bytes(body[at : at + 4], "big")
        if size < 8 or at + size > len(body):  # noqa: PLR2004 - a box is at least its own header
            return
        yield body[at + 4 : at + 8], body[at + 8 : at + size]
        at += size


def _coded_items(iinf: bytes) -> frozenset[int]:
    """Ids of the items whose type is one of `_CODED`."""
    found = set()
    for kind, entry in _children(iinf, 6 if iinf[:1] == b"\0" else 8):
        wide = 4 if entry[:1] == b"\3" else 2  # version 2 and 3 differ in the width of the id
        if kind == b"infe" and entry[6 + wide : 10 + wide] in _CODED:
            found.add(int.from_bytes(entry[4 : 4 + wide], "big"))
    return frozenset(found)


def _extents(iloc: bytes) -> Iterator[tuple[int, int, int]]:
    """Item id, start and end in the file of each stretch of data; nothing of a layout that states no lengths."""
    version = iloc[0] if iloc else 0
    reader = _Reader(iloc, 4)
    offset_size, length_size = divmod(reader.take(1), 16)
    base_size, index_size = divmod(reader.take(1), 16)
    wide = 4 if version == 2 else 2  # noqa: PLR2004 - version 2 has wide ids
    items = reader.take(wide)
    if not length_size:
        return
    left = _MOST_ITEMS
    for _ in range(min(items, _MOST_ITEMS)):
        item = reader.take(wide)
        in_file = not (version and reader.take(2) & 0x0F)  # other methods count from elsewhere
        reader.take(2)
        base = reader.take(base_size)
        for _ in range(reader.take(2)):
            left -= 1
            if version:
                reader.take(index_size)
            start, length = base + reader.take(offset_size), reader.take(length_size)
            if reader.is_spent or not left:
                return
            if in_file:
                yield item, start, start + length


class _Reader:
    """Big-endian numbers, one after the other; zeros after the end."""

    def __init__(self, body: bytes, at: int) -> None:
        self._body = body
        self._at = at

    @property
    def is_spent(self) -> bool:
        return self._at > len(self._body)

    def take(self, size: int) -> int:
        self._at += size
        return int.from_bytes(self._body[self._at - size : self._at], "big")
