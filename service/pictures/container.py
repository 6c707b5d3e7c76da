"""What the containers say without a decoder: whether a file ends before its first picture does, and WebP's header.

Decoders tell a cut file from a damaged one badly, and some decode a cut file with a smile. A short walk over the
container's own lengths settles it. Every walk is linear, reads no pixel and never raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from service.pictures.boxes import boxes_are_cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.domain.values import PictureFormat


def is_cut_short(data: bytes, name: PictureFormat) -> bool:
    """Whether the bytes end before the first picture in them does, as far as the container can tell."""
    walk = _WALKS.get(name)
    return walk is not None and walk(data)


class WebpHeader(NamedTuple):
    width: int
    height: int
    has_alpha: bool
    animated: bool
    has_profile: bool
    metadata_bytes: int


def read_webp_header(data: bytes) -> WebpHeader | None:
    """WebP's header (RFC 9649) without libwebp, whose reader allocates the whole canvas at once. None if damaged.

    A side of 0, which only a lossy frame can state, is damage: no picture, and nothing that a child should die of.
    """
    kind = data[12:16]
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a" and len(data) >= 30:  # noqa: PLR2004 - the header's length
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
        if not width or not height:
            return None
        return WebpHeader(width, height, has_alpha=False, animated=False, has_profile=False, metadata_bytes=0)
    if kind == b"VP8L" and data[20:21] == b"\x2f" and len(data) >= 25:  # noqa: PLR2004 - the header's length
        bits = int.from_bytes(data[21:25], "little")
        size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        return WebpHeader(*size, has_alpha=bool(bits >> 28 & 1), animated=False, has_profile=False, metadata_bytes=0)
    if kind == b"VP8X" and len(data) >= 30:  # noqa: PLR2004 - the header's length
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        flags = data[20]
        return WebpHeader(
            width,
            height,
            has_alpha=bool(flags & 0x10),
            animated=bool(flags & 0x02),
            has_profile=bool(flags & 0x20),
            metadata_bytes=_webp_metadata_bytes(data),
        )
    return None


def _webp_metadata_bytes(data: bytes) -> int:
    total, at = 0, 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] in {b"ICCP", b"EXIF", b"XMP "}:
            total += size
        at += 8 + size + (size & 1)
    return total


def _webp_is_cut(data: bytes) -> bool:
    """RIFF counts all that follows its first eight bytes."""
    return len(data) < 8 + int.from_bytes(data[4:8], "little")


def _png_is_cut(data: bytes) -> bool:
    """A chunk runs past the end, or the file ends without IEND."""
    at = 8
    while at + 12 <= len(data):
        kind = data[at + 4 : at + 8]
        if kind == b"IEND":
            return False
        at += 12 + int.from_bytes(data[at : at + 4], "big")
    return True


def _jpeg_is_cut(data: bytes) -> bool:
    """No end-of-image marker after the first scan begins. Segments before it may hold a thumbnail with its own."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - every marker starts with FF
        marker = data[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - fill byte
            at += 1
            continue
        if marker == 0xDA:  # noqa: PLR2004 - start of scan
            return data.find(b"\xff\xd9", at) < 0
        at += 2 if marker in _JPEG_BARE_MARKERS else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return at + 4 > len(data)


def _gif_is_cut(data: bytes) -> bool:
    """The blocks of the first frame do not reach its terminator. Many a decoder fills the missing rows and is silent."""
    if len(data) < 13:  # noqa: PLR2004 - the length of the screen descriptor
        return True
    at = 13 + _gif_table(data[10])
    while at < len(data):
        block = data[at]
        if block == 0x21:  # noqa: PLR2004 - an extension
            at = _skip_gif_blocks(data, at + 2)
        elif block == 0x2C:  # noqa: PLR2004 - a frame
            if at + 10 > len(data):
                return True
            return _skip_gif_blocks(data, at + 10 + _gif_table(data[at + 9]) + 1) > len(data)
        else:
            return False  # the trailer, or damage: the decoder's business
    return True


def _gif_table(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_gif_blocks(data: bytes, at: int) -> int:
    """The offset after a chain of sub-blocks; past the end of the data if the chain has no terminator."""
    while at < len(data):
        size = data[at]
        at += 1 + size
        if not size:
            return at
    return len(data) + 1


def _bmp_is_cut(data: bytes) -> bool:
    """The header states the file's length; some writers leave it 0."""
    return len(data) < int.from_bytes(data[2:6], "little")


def _tiff_is_cut(data: bytes) -> bool:
    """The first directory, which writers often put behind the pixels, lies past the end. Strips are not looked at."""
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    if data[2:4] in {b"+\0", b"\0+"}:  # BigTIFF
        start, count, entry = int.from_bytes(data[8:16], order), 8, 20
    else:
        start, count, entry = int.from_bytes(data[4:8], order), 2, 12
    return start + count + entry * int.from_bytes(data[start : start + count], order) > len(data)


_JPEG_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD9)})
_WALKS: dict[PictureFormat, Callable[[bytes], bool]] = {
    "JPEG": _jpeg_is_cut,
    "PNG": _png_is_cut,
    "WEBP": _webp_is_cut,
    "GIF": _gif_is_cut,
    "TIFF": _tiff_is_cut,
    "BMP": _bmp_is_cut,
    "AVIF": boxes_are_cut,
    "HEIC": boxes_are_cut,
}
