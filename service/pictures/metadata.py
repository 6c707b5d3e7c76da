"""Where the containers keep what is no picture: EXIF, XMP, profiles, text and C2PA manifests, as blocks of bytes.

Linear walks over JPEG's segments, PNG's and WebP's chunks, that never raise; what is damaged ends the walk. Compressed
text is unpacked up to a limit.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service.domain.values import PictureFormat

MOST_UNPACKED: Final = 2**20
"""Bytes that one compressed text may unpack to before the rest is left."""


class Block(NamedTuple):
    """`kind` is one of `exif`, `xmp`, `icc`, `iptc`, `c2pa`, `text`; `body` is without the container's own wrapping."""

    kind: str
    body: bytes


def metadata_blocks(data: bytes, name: PictureFormat) -> Iterator[Block]:
    """The blocks in the order of the file; none of formats whose walk is not known here."""
    walk = WALKS.get(name)
    return iter(()) if walk is None else walk(data)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and body of every segment up to the first scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - every marker starts with FF
        marker = data[at + 1]
        if marker == 0xFF:  # noqa: PLR2004 - fill byte
            at += 1
            continue
        if marker == 0xDA:  # noqa: PLR2004 - start of scan
            return
        if marker in _BARE:
            at += 2
            continue
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        yield marker, data[at + 4 : at + 2 + size]
        at += 2 + max(size, 2)


def _of_jpeg(data: bytes) -> Iterator[Block]:
    for marker, body in jpeg_segments(data):
        if marker == 0xFE:  # noqa: PLR2004 - a comment
            yield Block("text", body)
        for app, start, kind in _APPS:
            if marker == app and body.startswith(start):
                yield Block(kind, body[len(start) :])


def _of_png(data: bytes) -> Iterator[Block]:
    at = 8
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        if kind == b"IEND":
            return
        if kind in _PNG_KINDS:
            yield Block(_PNG_KINDS[kind], body)
        elif kind in _PNG_TEXTS:
            yield _png_text(_PNG_TEXTS[kind](body))
        at += 12 + size


def _png_text(body: bytes) -> Block:
    return Block("xmp" if body.startswith(b"XML:com.adobe.xmp") else "text", body)


def _unpacked_ztxt(body: bytes) -> bytes:
    keyword, _, rest = body.partition(b"\0")
    return keyword + b"\0" + _inflated(rest[1:])


def _unpacked_itxt(body: bytes) -> bytes:
    keyword, _, rest = body.partition(b"\0")
    text = rest[2:].split(b"\0", 2)[-1]
    return keyword + b"\0" + (_inflated(text) if rest[:1] == b"\1" else text)


def _inflated(packed: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, MOST_UNPACKED)
    except zlib.error:
        return b""


def _of_webp(data: bytes) -> Iterator[Block]:
    at = 12
    while at + 8 <= len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        kind = _WEBP_KINDS.get(data[at : at + 4])
        if kind is not None:
            body = data[at + 8 : at + 8 + size]
            yield Block(kind, body.removeprefix(b"Exif\0\0") if kind == "exif" else body)
        at += 8 + size + (size & 1)


_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_APPS: Final = (
    (0xE1, b"Exif\0\0", "exif"),
    (0xE1, b"http://ns.adobe.com/xap/1.0/\0", "xmp"),
    (0xE1, b"http://ns.adobe.com/xmp/extension/\0", "xmp"),
    (0xE2, b"ICC_PROFILE\0", "icc"),
    (0xEB, b"JP", "c2pa"),  # JUMBF, ISO/IEC 19566-5: C2PA is what is kept in it
    (0xED, b"Photoshop 3.0\0", "iptc"),
)
_PNG_KINDS: Final = {b"eXIf": "exif", b"iCCP": "icc", b"caBX": "c2pa"}
_PNG_TEXTS: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    b"tEXt": bytes,
    b"zTXt": _unpacked_ztxt,
    b"iTXt": _unpacked_itxt,
}
_WEBP_KINDS: Final = {b"EXIF": "exif", b"XMP ": "xmp", b"ICCP": "icc", b"C2PA": "c2pa"}
WALKS: Final[dict[PictureFormat, Callable[[bytes], Iterator[Block]]]] = {
    "JPEG": _of_jpeg,
    "PNG": _of_png,
    "WEBP": _of_webp,
}
