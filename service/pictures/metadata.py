"""Where the containers keep what is no picture: EXIF, XMP, profiles, text and C2PA manifests, as blocks of bytes.

Linear walks over JPEG's segments, PNG's and WebP's chunks, that never raise; what is damaged ends the walk. They go so
many steps at most, and compressed text is unpacked up to a limit.
"""

from __future__ import annotations

import re
import zlib
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service.domain.values import PictureFormat

MOST_UNPACKED: Final = 2**20
"""Bytes by which a file's compressed texts may grow together before the rest is left."""
MOST_STEPS: Final = 4096
"""Segments or chunks that a walk passes; what lies beyond them is not read."""
MOST_BLOCKS: Final = 1024
"""Blocks that are read of a file."""


class Block(NamedTuple):
    """`kind` is one of `exif`, `xmp`, `icc`, `iptc`, `c2pa`, `text`; `body` is without the container's own wrapping."""

    kind: str
    body: bytes


def metadata_blocks(data: bytes, name: PictureFormat) -> Iterator[Block]:
    """The blocks in the order of the file; none of formats whose walk is not known here."""
    walk = WALKS.get(name)
    return iter(()) if walk is None else islice(walk(data), MOST_BLOCKS)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and body of every segment up to the first scan."""
    at = 2
    for _ in range(MOST_STEPS):
        found = _MARKER.match(data, at)
        if found is None or found.end() + 2 > len(data) or found[1] == b"\xda":  # start of scan
            return
        at, marker = found.end() - 2, found[1][0]
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
    at, left = 8, MOST_UNPACKED
    for _ in range(MOST_STEPS):
        if at + 12 > len(data):
            return
        size = int.from_bytes(data[at : at + 4], "big")
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        if kind == b"IEND":
            return
        if kind in _PNG_KINDS:
            yield Block(_PNG_KINDS[kind], body)
        elif kind in _PNG_TEXTS:
            text = _PNG_TEXTS[kind](body, left)
            left -= max(len(text) - len(body), 0)
            yield _png_text(text)
        at += 12 + size


def _png_text(body: bytes) -> Block:
    return Block("xmp" if body.startswith(b"XML:com.adobe.xmp") else "text", body)


def _plain(body: bytes, _most: int) -> bytes:
    return body


def _unpacked_ztxt(body: bytes, most: int) -> bytes:
    keyword, _, rest = body.partition(b"\0")
    return keyword + b"\0" + _inflated(rest[1:], most)


def _unpacked_itxt(body: bytes, most: int) -> bytes:
    keyword, _, rest = body.partition(b"\0")
    text = rest[2:].split(b"\0", 2)[-1]
    return keyword + b"\0" + (_inflated(text, most) if rest[:1] == b"\1" else text)


def _inflated(packed: bytes, most: int) -> bytes:
    if not most:
        return b""  # zlib takes 0 for no limit
    try:
        return zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return b""


def _of_webp(data: bytes) -> Iterator[Block]:
    at = 12
    for _ in range(MOST_STEPS):
        if at + 8 > len(data):
            return
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        kind = _WEBP_KINDS.get(data[at : at + 4])
        if kind is not None:
            body = data[at + 8 : at + 8 + size]
            yield Block(kind, body.removeprefix(b"Exif\0\0") if kind == "exif" else body)
        at += 8 + size + (size & 1)


_MARKER: Final = re.compile(rb"\xff+([^\xff])")
"""With any number of fill bytes before it."""
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
_PNG_TEXTS: Final[dict[bytes, Callable[[bytes, int], bytes]]] = {
    b"tEXt": _plain,
    b"zTXt": _unpacked_ztxt,
    b"iTXt": _unpacked_itxt,
}
_WEBP_KINDS: Final = {b"EXIF": "exif", b"XMP ": "xmp", b"ICCP": "icc", b"C2PA": "c2pa"}
WALKS: Final[dict[PictureFormat, Callable[[bytes], Iterator[Block]]]] = {
    "JPEG": _of_jpeg,
    "PNG": _of_png,
    "WEBP": _of_webp,
}
