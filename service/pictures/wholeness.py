"""Files that their decoders take for whole although the rest never came. Runs in the decoding child only.

libwebp reads the zeros of a half-filled download as a flat area, and libjpeg fills with grey what a premature end
marker leaves out; neither says a word. Whether zeros are padding or a flat area cannot be told by their number: an
encoder writes a flat lower half as zeros too. What tells is whether the decoder *needs* them, and that can be tried.
A try costs a second decode, so only what looks suspicious is tried.
"""

from __future__ import annotations

import io
import re
from typing import Final, NamedTuple

from PIL import Image

from service.pictures.container import read_webp_header
from service.pictures.normalise import strips

_ZEROS: Final = bytes(64)
_SPARE: Final = 32
"""Bytes taken off the zeros. An encoder leaves two at the most that no decoder asks for."""

_FILLER: Final = bytes(range(1, 255))
_GREYS: Final = range(127, 129)
"""What libjpeg shows where coefficients are missing: 128, or 127 where the sense is turned round (CMYK)."""

_MOST_SCANS: Final = 1000
_NEXT_MARKER: Final = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
"""The end of a scan: FF that is neither stuffed (FF 00) nor a restart marker (FF D0 to FF D7)."""

_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_PROGRESSIVE, _SCAN, _END = 0xC2, 0xDA, 0xD9
_HUFFMAN_FRAMES: Final = frozenset({0xC0, 0xC1, _PROGRESSIVE})
"""Not the arithmetic ones: their encoders may leave out zeros at the end, which the decoder puts back."""


def webp_has_idle_zeros(data: bytes, max_pixels: int) -> bool:
    """Whether the first frame's data end in zeros that its decoder does not ask for."""
    frame = _first_webp_frame(data)
    if frame is None or not data.endswith(_ZEROS, *frame):
        return False
    start, end = frame
    size = end - start - _SPARE
    still = b"".join(
        [
            b"RIFF" + (size + (size & 1) + 12).to_bytes(4, "little") + b"WEBP",
            data[start - 8 : start - 4] + size.to_bytes(4, "little"),
            memoryview(data)[start : start + size],
            bytes(size & 1),
        ]
    )
    header = read_webp_header(still)
    if header is None or header.width * header.height > max_pixels:  # a frame larger than its canvas
        return False
    try:
        with Image.open(io.BytesIO(still), formats=["WEBP"]) as image:
            image.load()
    except Exception:  # noqa: BLE001 - every complaint means the same: the zeros are needed, or the file is broken anyway
        return False
    return True


def _first_webp_frame(data: bytes) -> tuple[int, int] | None:
    """Start and end of the first chunk of coded pixels; in an animation it lies inside the first ANMF chunk."""
    at = 12
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind in {b"VP8 ", b"VP8L"}:
            return at + 8, at + 8 + size
        at += 8 + (16 if kind == b"ANMF" else size + (size & 1))
    return None


class _Scans(NamedTuple):
    end: int
    """Offset of the end marker."""
    complete: bool
    """Whether the scans before it carry every bit of every coefficient."""


def jpeg_stops_early(data: bytes, image: Image.Image) -> bool:
    """Whether the end marker of this decoded JPEG stands in the middle of its coded data.

    Bytes put before the marker change nothing in a whole file: its decoder has all it needs and skips them. In a
    file that was cut and then closed they are decoded. Tried only if the last pixel is the grey of what is missing,
    or scans are missing. So a progressive file cut inside its very last scan is not found out.
    """
    corner = image.getpixel((image.width - 1, image.height - 1))
    grey = all(value in _GREYS for value in (corner if isinstance(corner, tuple) else (corner,)))
    first = _first_scan(data)
    if first is None:
        return False
    at, frame, progressive = first
    one_scan = not progressive and data[at + 4] == len(frame)
    if one_scan and not grey:
        return False
    scans = _walk_scans(data, at, frame, progressive=progressive)
    if scans is None or (scans.complete and not grey):
        return False
    try:
        longer = b"".join([memoryview(data)[: scans.end], _FILLER, b"\xff\xd9"])
        with Image.open(io.BytesIO(longer), formats=["JPEG"]) as other:
            other.load()
            same = other.size == image.size and other.mode == image.mode
            return same and any(one != two for one, two in zip(strips(image), strips(other), strict=True))
    except Exception:  # noqa: BLE001 - no second decode, no proof
        return False


def _first_scan(data: bytes) -> tuple[int, bytes, bool] | None:
    """Offset of the first scan's marker, the frame's component ids, and whether it is progressive."""
    at, frame, progressive = 2, b"", False
    while at + 10 <= len(data) and data[at] == 0xFF:  # noqa: PLR2004 - every marker starts with FF
        marker = data[at + 1]
        if marker == _SCAN:
            return (at, frame, progressive) if frame else None
        if marker == 0xFF:  # noqa: PLR2004 - fill byte
            at += 1
            continue
        if marker in _HUFFMAN_FRAMES:
            frame, progressive = data[at + 10 : at + 10 + 3 * data[at + 9] : 3], marker == _PROGRESSIVE
        at += 2 if marker in _BARE else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _walk_scans(data: bytes, at: int, frame: bytes, *, progressive: bool) -> _Scans | None:
    """From the first scan's marker to the end marker. None if there is no way through."""
    missing = {(component, index) for component in frame for index in (range(64) if progressive else range(1))}
    for _ in range(_MOST_SCANS):
        marker = data[at + 1]
        if marker == _END:
            return _Scans(at, not missing)
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SCAN:
            low, high, bits = (
                int.from_bytes(data[end - n : end - n + 1], "big") if progressive else 0 for n in (3, 2, 1)
            )
            if not bits & 0x0F:  # down to the last bit
                components = data[at + 5 : end - 3 : 2]
                missing -= {(component, index) for component in components for index in range(low, high + 1)}
        found = _NEXT_MARKER.search(data, end)
        if found is None:
            return None
        at = found.start(1) - 1
    return None
