"""One picture, one array of pixels: upright, sRGB, eight bits a channel, opaque. Runs in the decoding child only.

Every comparison in Keepone rests on these pixels, so each step removes a difference that a viewer does not show:

1. the first frame of an animation;
2. more than eight bits are *scaled* to eight (clipping would turn most 16-bit greys into one white picture);
3. the ICC profile is applied, unless it changes nothing;
4. alpha is laid over white: a colour under full transparency is no part of the picture;
5. EXIF orientation is applied (libheif and Pillow's TIFF reader have turned theirs already and say so).

A change to any step changes pixel hashes and descriptors: then NORMALISE_VERSION goes up.
"""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from PIL import Image, ImageChops

from service.pictures.admit import NORMALISE_VERSION, working_size
from service.pictures.colour import UnusableProfileError, lab_to_srgb, to_srgb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Note = Literal[
    "icc_applied",
    "icc_unusable",
    "alpha_composited",
    "transparency_dropped",
    "depth_scaled",
    "range_stretched",
    "exif_unusable",
]
"""What normalising met, for people."""

__all__ = ["NORMALISE_VERSION", "Note", "normalise", "pixel_hash", "reduce_to_working", "start_pixel_hash", "strips"]

_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PHOTOMETRIC, _MIN_IS_WHITE = 262, 0
_SHALLOW: Final = {"L;2": 3, "L;4": 15}
"""The white of grey PNGs of two and four bits."""

_GREY_PROFILE: Final = b"GRAY"
_WHITE: Final = (255, 255, 255)
_EIGHT_BITS, _SIXTEEN_BITS = 255, 65_535


def normalise(image: Image.Image, raw_mode: str = "") -> tuple[Image.Image, tuple[Note, ...]]:
    """The loaded image as upright sRGB of mode RGB, and what was met on the way.

    Takes every mode that the admitted formats load as: 1, L, LA, La, P, PA, RGB, RGBX, RGBA, RGBa, CMYK, YCbCr, LAB,
    HSV, I, I;16*, F. `raw_mode` is how a PNG's pixels lay in the file, in Pillow's words. Raises ValueError for a mode
    that Pillow cannot convert.
    """
    notes: list[Note] = []
    profile = image.info.get("icc_profile")
    turn = _TURNS.get(_orientation(image, notes))
    _mend_transparency(image, raw_mode, notes)
    image = _to_plain_mode(image, notes)
    if profile:
        image = _apply_profile(image, profile, notes)
    image = _to_opaque_rgb(image, notes)
    if turn is not None:
        image = image.transpose(turn)
    return image, tuple(notes)


def reduce_to_working(image: Image.Image) -> Image.Image:
    """The image with its longest side at most WORKING_SIDE: the same object if it is that small already.

    Every pixel counts by the area it covers. Where more than six fall together, whole blocks are averaged first, which
    is quicker for large pictures.
    """
    size = working_size(*image.size)
    return image if size == image.size else image.resize(size, Image.Resampling.BOX, reducing_gap=3.0)


def pixel_hash(image: Image.Image) -> str:
    """SHA-256 (hex) over NORMALISE_VERSION, width, height (each a little-endian u32) and the RGB bytes, row by row."""
    digest = start_pixel_hash(*image.size)
    for _, strip in strips(image):
        digest.update(strip)
    return digest.hexdigest()


def start_pixel_hash(width: int, height: int) -> hashlib._Hash:
    return hashlib.sha256(struct.pack("<3I", NORMALISE_VERSION, width, height))


def strips(image: Image.Image) -> Iterator[tuple[int, bytes]]:
    """The RGB bytes of the image with their offsets, a strip of about 1 MiB at a time so that no second copy exists."""
    width, height = image.size
    rows = max(1, 2**20 // (3 * width))
    for top in range(0, height, rows):
        yield 3 * width * top, image.crop((0, top, width, min(height, top + rows))).tobytes()


def _orientation(image: Image.Image, notes: list[Note]) -> int:
    """By EXIF alone: Pillow's `getexif` would take XMP's word where EXIF is silent."""
    try:
        value = _exif(image).get(_ORIENTATION, 1)
    except Exception:  # noqa: BLE001 - Pillow's EXIF reader raises whatever struct or zlib raises
        notes.append("exif_unusable")
        return 1
    return value if isinstance(value, int) else 1


def _exif(image: Image.Image) -> Image.Exif:
    exif = Image.Exif()
    if data := image.info.get("exif"):
        exif.load(data)
    elif text := image.info.get("Raw profile type exif"):  # ImageMagick's way with PNG: a caption, then hex
        exif.load(bytes.fromhex("".join(text.split("\n")[3:])))
    return exif


def _mend_transparency(image: Image.Image, raw_mode: str, notes: list[Note]) -> None:
    """PNG's one transparent colour is stated at the file's depth, and Pillow compares it with eight bits."""
    clear = image.info.get("transparency")
    if raw_mode == "RGB;16B" and clear is not None:
        del image.info["transparency"]  # the low bytes, which would tell, are gone
        notes.append("transparency_dropped")
    elif raw_mode in _SHALLOW and isinstance(clear, int):
        white = _SHALLOW[raw_mode]
        image.info["transparency"] = (clear & white) * (_EIGHT_BITS // white)


def _to_plain_mode(image: Image.Image, notes: list[Note]) -> Image.Image:
    """The same colours as L, LA, RGB, RGBA, CMYK or LAB."""
    mode = image.mode
    if mode.startswith("I;16"):
        notes.append("depth_scaled")
        return _from_sixteen_bits(image)
    if mode in {"I", "F"}:
        return Image.fromarray(_scale_unbounded(np.asarray(image), notes))
    if mode in {"LA", "RGBA"}:
        return image
    if image.has_transparency_data:  # an alpha channel, or one colour declared transparent
        return image.convert("LA" if mode in {"1", "L", "La"} else "RGBA")
    if mode in {"L", "RGB", "CMYK", "LAB"}:
        return image
    return image.convert("L" if mode == "1" else "RGB")


def _from_sixteen_bits(image: Image.Image) -> Image.Image:
    """16-bit grey divided by 257, rounded, so that 65535 becomes 255 and 0 stays 0."""
    values = np.asarray(image)
    grey = np.empty(values.shape, np.uint8)
    for rows in _bands(values.shape):
        grey[rows] = (values[rows].astype(np.uint32) * _EIGHT_BITS + _SIXTEEN_BITS // 2) // _SIXTEEN_BITS
    if getattr(image, "tag_v2", {}).get(_PHOTOMETRIC) == _MIN_IS_WHITE:  # of a TIFF; Pillow turns only fewer bits round
        np.subtract(_EIGHT_BITS, grey, out=grey)
    clear = image.info.get("transparency")
    band = Image.fromarray(grey)
    if not isinstance(clear, int):
        return band
    alpha = Image.fromarray(np.where(values == clear, np.uint8(0), np.uint8(255)))
    return Image.merge("LA", (band, alpha))


def _scale_unbounded(values: NDArray[np.number], notes: list[Note]) -> NDArray[np.uint8]:
    """32-bit integers and floats, whose full scale no header states, as eight bits.

    Non-finite values count as 0. The full scale is the least of 1 (floats only), 255 and 65535 that holds every value;
    if none does, or a value is negative, the range found is stretched over 0..255.
    """
    bands = _bands(values.shape)
    low = min(float(_finite(values[rows]).min()) for rows in bands)
    high = max(float(_finite(values[rows]).max()) for rows in bands)
    scales = ([1] if values.dtype.kind == "f" else []) + [_EIGHT_BITS, _SIXTEEN_BITS]
    full = next((scale for scale in scales if high <= scale), None) if low >= 0 else None
    if full is None:
        notes.append("range_stretched")
        start, span = low, max(high - low, np.finfo(np.float64).tiny)
    else:
        start, span = 0.0, float(full)
        if full != _EIGHT_BITS:
            notes.append("depth_scaled")
    scaled = np.empty(values.shape, np.uint8)
    for rows in bands:
        scaled[rows] = np.rint((_finite(values[rows]) - start) * (_EIGHT_BITS / span))
    return scaled


def _finite(values: NDArray[np.number]) -> NDArray[np.float64]:
    """In double precision, which holds every difference of 32-bit values."""
    exact = values.astype(np.float64)
    exact[~np.isfinite(exact)] = 0
    return exact


def _bands(shape: tuple[int, ...]) -> list[slice]:
    """The rows in bands of about a million values, so that wide intermediates stay small."""
    rows = max(1, 2**20 // shape[1])
    return [slice(top, top + rows) for top in range(0, shape[0], rows)]


def _apply_profile(image: Image.Image, profile: bytes, notes: list[Note]) -> Image.Image:
    alpha = None
    if image.mode == "LA" or (image.mode == "RGBA" and profile[16:20] == _GREY_PROFILE and _is_grey(image)):
        alpha = image.getchannel("A")  # lcms takes no grey with alpha
        image = image.getchannel(0)
    try:
        turned = to_srgb(image, profile)
    except UnusableProfileError:
        notes.append("icc_unusable")
        turned = image
    else:
        if turned is not image:
            notes.append("icc_applied")
    if alpha is not None:
        turned = turned.convert("RGB")
        turned.putalpha(alpha)
    return turned


def _is_grey(image: Image.Image) -> bool:
    """Whether the three colours are one: Pillow loads 16-bit grey with alpha as RGBA."""
    red, green, blue = (image.getchannel(n) for n in range(3))
    return not (ImageChops.difference(red, green).getbbox() or ImageChops.difference(red, blue).getbbox())


def _to_opaque_rgb(image: Image.Image, notes: list[Note]) -> Image.Image:
    if image.mode == "LAB":
        return lab_to_srgb(image)
    if image.mode == "LA":
        image = image.convert("RGBA")
    if image.mode != "RGBA":
        return image if image.mode == "RGB" else image.convert("RGB")
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert("RGB")
    notes.append("alpha_composited")
    paper = Image.new("RGB", image.size, _WHITE)
    paper.paste(image, mask=alpha)
    return paper
