"""Whether a file really holds a store of C2PA manifests, before a process is started to verify it.

A store is a box of boxes (JUMBF, ISO 19566-5; C2PA 2.2, 11.1): a description that calls it a store, and then manifests,
each a box that describes itself, too. It counts where the format keeps it and nowhere else: in GIF an application's
block, in TIFF a tag, in AVIF and HEIC a box of its own, elsewhere what `metadata` found. So neither a few bytes behind a
picture nor a segment of the same name buy anything. Only the heads of the boxes are read; the rest is the verifier's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from service.pictures import exif
from service.pictures.metadata import metadata_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service.domain.values import PictureFormat

_TYPE: Final = bytes.fromhex("00110010800000aa00389b71")
_STORE: Final = b"c2pa" + _TYPE
_MANIFESTS: Final = frozenset({b"c2ma" + _TYPE, b"c2um" + _TYPE, b"c2cm" + _TYPE})
"""Standard, update and compressed manifests."""
_HEAD: Final = 8
"""Bytes of a box's length and name."""
_JPEG_HEAD: Final = 6
"""Instance and number, which a segment begins with."""
_TAG: Final = 0xCD41
_USER_TYPE: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_PURPOSE: Final = b"manifest\0"
_GIF_NAME: Final = b"\x0bC2PA_GIF\1\0\0"
_MOST_STEPS: Final = 2**17
"""Boxes, or blocks of 255 bytes, that a walk passes: all of a file of 25 MiB."""


class _Box(NamedTuple):
    kind: bytes
    start: int
    """Of what it holds."""
    end: int


def holds_store(data: bytes, name: PictureFormat) -> bool:
    """Whether one lies where such a file keeps it. Takes any bytes, and never raises."""
    places = _PLACES.get(name)
    if places is not None:
        return any(is_store(body) for body in places(data))
    bodies = (block.body for block in metadata_blocks(data, name) if block.kind == "c2pa")
    return any(is_store(body[_JPEG_HEAD:] if name == "JPEG" else body) for body in bodies)


def is_store(body: bytes) -> bool:
    """Whether bytes begin as a store does: with its description and a manifest, each within the one around it."""
    store = _described(body, 0, 2**63)
    if store is None or store.kind != _STORE:
        return False
    first = _described(body, store.start, store.end)
    return first is not None and first.kind in _MANIFESTS


def _described(body: bytes, at: int, end: int) -> _Box | None:
    """The box of boxes at a place, as what its description calls it; None where there is none."""
    outer = _box(body, at, end)
    if outer is None or outer.kind != b"jumb":
        return None
    description = _box(body, outer.start, outer.end)
    if description is None or description.kind != b"jumd":
        return None
    return _Box(body[description.start : description.start + 16], description.end, outer.end)


def _box(body: bytes, at: int, end: int) -> _Box | None:
    size = int.from_bytes(body[at : at + 4], "big")
    if size < _HEAD or at + size > end:
        return None
    return _Box(body[at + 4 : at + _HEAD], at + _HEAD, at + size)


def _in_tiff(data: bytes) -> Iterator[bytes]:
    value = exif.read_tags(data).get(_TAG)
    if isinstance(value, bytes):
        yield value


def _in_boxes(data: bytes) -> Iterator[bytes]:
    at = 0
    for _ in range(_MOST_STEPS):
        found = _box(data, at, len(data))
        if found is None:
            return
        user_type = data[found.start : found.start + 16]
        # After it version and flags, what it is for, and where more of it lies.
        purpose = found.start + 20
        if found.kind == b"uuid" and user_type == _USER_TYPE and data.startswith(_PURPOSE, purpose):
            yield data[purpose + len(_PURPOSE) + 8 : found.end]
        at = found.end


def _in_gif(data: bytes) -> Iterator[bytes]:
    """Of the file's blocks, so that what lies within or behind them is not taken for one."""
    if _GIF_NAME not in data:
        return
    at = 13 + _colours(data[10:11])
    left = _MOST_STEPS
    while left > 0:
        kind = data[at : at + 1]
        if kind == b"!":
            at += 2
            if data.startswith(_GIF_NAME, at):
                yield _joined(data, at + len(_GIF_NAME))
        elif kind == b",":
            at += 11 + _colours(data[at + 9 : at + 10])
        else:
            return
        while left > 0 and at < len(data) and data[at]:
            at += 1 + data[at]
            left -= 1
        at += 1
        left -= 1


def _colours(flags: bytes) -> int:
    """Bytes of the table of colours that these flags announce."""
    return 3 << 1 + (flags[0] & 7) if flags and flags[0] & 0x80 else 0


def _joined(data: bytes, at: int) -> bytes:
    """The first of the blocks of 255 bytes: what tells a store lies in it."""
    return data[at + 1 : at + 1 + data[at]] if at < len(data) else b""


_PLACES: Final[dict[PictureFormat, Callable[[bytes], Iterator[bytes]]]] = {
    "GIF": _in_gif,
    "TIFF": _in_tiff,
    "AVIF": _in_boxes,
    "HEIC": _in_boxes,
}
