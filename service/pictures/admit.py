"""The door: what is let in, decided from the first bytes and the header, before a pixel is decoded.

The name and the declared type of a file are never looked at. What is not on the list starts no process and reaches no
decoder. The limits are checked twice: on the length of the file, and on the header as the child read it, with the very
decoder that would do the work; only WebP's is read by a parser of our own (`container.read_webp_header` says why).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.errors import PictureTooLargeError

if TYPE_CHECKING:
    from service.domain.values import PictureFormat

WORKING_SIDE = 512
"""Longest side, in pixels, of the small picture that every later step but proof at full size works on."""

NORMALISE_VERSION = 1
"""Goes up with every change to `normalise` that moves a pixel. Here, where the parent can read it without Pillow."""

HEAD_BYTES = 256
"""How much of a file `sniff` needs: room for an `ftyp` box with some sixty brands."""

_MAGIC: tuple[tuple[bytes, PictureFormat], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"II+\0", "TIFF"),  # BigTIFF
    (b"MM\0+", "TIFF"),
)
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"})
_CONTAINER_BRANDS = frozenset({b"mif1", b"msf1"})


@dataclass(frozen=True, slots=True)
class Header:
    """What a decoder says of a file before decoding it. Sides in pixels, as stored (not yet turned upright)."""

    format: PictureFormat
    width: int
    height: int
    mode: str
    """Pillow's name of the pixel format, e.g. `RGB`, `I;16`, `CMYK`."""
    animated: bool
    has_profile: bool
    metadata_bytes: int
    """Profile, EXIF, XMP, comments and the like, uncompressed."""

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a picture may be and how long its decoder may run. The defaults are the contract's."""

    max_bytes: int = 25 * 2**20
    max_pixels: int = 50_000_000
    max_side: int = 16_384
    max_metadata_bytes: int = 4 * 2**20
    header_seconds: float = 2.0
    """Processor time for reading a header."""
    decode_seconds: float = 10.0
    """Processor time for decoding: on a busy machine a decoder must not be blamed for waiting its turn."""
    patience: float = 4.0
    """Times as long, by the clock, until a decoder is given up."""

    def check_bytes(self, count: int) -> None:
        """Raise PictureTooLargeError if a file of `count` bytes is over the limit."""
        if count > self.max_bytes:
            raise PictureTooLargeError(f"The file has {count:,} bytes; the limit is {self.max_bytes:,}.")

    def check_header(self, header: Header) -> None:
        """Raise PictureTooLargeError if the picture this header announces is over a limit."""
        width, height = header.width, header.height
        if max(width, height) > self.max_side:
            raise PictureTooLargeError(
                f"The picture is {width:,} x {height:,} pixels; the limit is {self.max_side:,} a side."
            )
        if header.pixels > self.max_pixels:
            raise PictureTooLargeError(
                f"The picture is {width:,} x {height:,}, {header.pixels:,} pixels; the limit is {self.max_pixels:,}."
            )
        if header.metadata_bytes > self.max_metadata_bytes:
            raise PictureTooLargeError(
                f"The metadata have {header.metadata_bytes:,} bytes; the limit is {self.max_metadata_bytes:,}."
            )


def sniff(head: bytes) -> PictureFormat | None:
    """The format of a file by its first bytes (`HEAD_BYTES` are enough), or None if it is not on the list."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "BMP"  # two letters alone would let many a text file in
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    return None


def _sniff_brands(head: bytes) -> PictureFormat | None:
    """AVIF or HEIC by the major brand; `mif1` and `msf1` name only the container, so there the other brands decide."""
    major = head[8:12]
    if major in _AVIF_BRANDS:
        return "AVIF"
    if major in _HEIC_BRANDS:
        return "HEIC"
    if major in _CONTAINER_BRANDS:
        end = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[at : at + 4] for at in range(16, end - 3, 4)}
        return "AVIF" if brands & _AVIF_BRANDS and not brands & _HEIC_BRANDS else "HEIC"
    return None


def working_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of the working picture: the longest side at most WORKING_SIDE, the shape kept, never 0."""
    longest = max(width, height)
    if longest <= WORKING_SIDE:
        return width, height
    return max(1, round(width * WORKING_SIDE / longest)), max(1, round(height * WORKING_SIDE / longest))
