"""Pictures made in code: honest ones, and ones that break services."""

from __future__ import annotations

import io
import re
import struct
import zlib
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageOps, PngImagePlugin
from pillow_heif import register_heif_opener

from benchmarks.hostile.service import MIB

FAULTS = ("crash", "spin", "greedy", "garbage")


def scene(seed: int, size: tuple[int, int] = (480, 360)) -> Image.Image:
    """A drawing with enough detail to be told apart from those of other seeds."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(40, 216, (6, 8, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    for _ in range(50):
        left, top = int(rng.integers(0, size[0])), int(rng.integers(0, size[1]))
        width, height = (int(side) for side in rng.integers(4, max(8, size[0] // 5), 2))
        red, green, blue = (int(level) for level in rng.integers(0, 256, 3))
        draw = pen.ellipse if rng.random() < 1 / 2 else pen.rectangle
        draw((left, top, left + width, top + height), fill=(red, green, blue))
    return picture


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How the pixels of an upright picture lie in a file of each EXIF orientation."""


def oriented(picture: Image.Image, orientation: int, kind: str) -> bytes:
    """The picture stored turned, with the tag that turns it back."""
    register_heif_opener()
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = picture.transpose(TURNED[orientation]) if orientation in TURNED else picture
    return encoded(stored, "HEIF" if kind == "HEIC" else kind, exif=exif.tobytes(), quality=90)


def upright(data: bytes) -> bytes:
    """The same picture without the tag that turns it."""
    with Image.open(io.BytesIO(data)) as image:
        return encoded(ImageOps.exif_transpose(image).convert("RGB"), "JPEG", quality=95)


def flat_pictures() -> list[bytes]:
    """100 pictures that show nothing: flat, blank, 1x1, placeholders, transparent."""
    rng = np.random.default_rng(7)
    made = [encoded(Image.new("RGB", (40 + 9 * n, 30 + 7 * n), (n * 12, 255 - n * 9, n * 5)), "PNG") for n in range(20)]
    made += [encoded(Image.new("RGB", (64 + n, 64), (n, n, n)), "JPEG", quality=60 + n) for n in range(20)]
    made += [
        encoded(Image.new("RGB", (1, 1), tuple(int(c) for c in rng.integers(0, 256, 3))), "PNG") for _ in range(20)
    ]
    for n in range(20):  # grey, with the frame and the icon that shops and forums show where a picture is missing
        placeholder = Image.new("RGB", (200 + 10 * n, 200), (238, 238, 238))
        pen = ImageDraw.Draw(placeholder)
        pen.rectangle((0, 0, placeholder.width - 1, placeholder.height - 1), outline=(236, 236, 236))
        pen.rectangle((90 + n, 95, 98 + n, 101), outline=(230, 230, 230))
        made.append(encoded(placeholder, "PNG"))
    for n in range(20):
        hidden = rng.integers(0, 256, (50 + n, 60, 4), dtype=np.uint8)
        hidden[..., 3] = 0
        made.append(encoded(Image.fromarray(hidden, "RGBA"), "PNG"))
    return made


def png_header(width: int, height: int, depth: int, rest: bytes = b"") -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rest


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def zeroes(count: int) -> bytes:
    """So many zero bytes, deflated."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(min(MIB, count - at))) for at in range(0, count, MIB)]
    return b"".join([*parts, packer.flush()])


def png_bomb(side: int) -> bytes:
    """A square picture of one bit a pixel: 13,312 a side are 177 MP in some 22 KB."""
    pixels = zeroes(side * (1 + (side + 7) // 8))
    return png_header(side, side, 1, chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def bombs() -> dict[str, bytes]:
    """Small files that say they are large; all to be refused by their header."""
    small = encoded(scene(1, (32, 32)), "AVIF")
    frame = b"," + struct.pack("<HHHHB", 0, 0, 60_000, 60_000, 0) + b"\x08\x02\x4c\x01\x00;"
    text = chunk(b"zTXt", b"Comment\0\0" + zeroes(64 * MIB))
    return {
        "PNG 177 MP": png_bomb(13_312),
        "PNG 400 MP": png_bomb(20_000),
        "PNG 20,000 a side": encoded(Image.new("1", (20_000, 2)), "PNG"),
        "JPEG profile 5 MiB": encoded(scene(1), "JPEG", icc_profile=bytes(5 * MIB)),
        "PNG zTXt 64 MiB": png_header(8, 8, 8, text + chunk(b"IDAT", zeroes(72)) + chunk(b"IEND", b"")),
        "GIF extents": b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0x80, 0, 0) + bytes(6) + frame,
        "GIF screen": b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + bytes(6) + frame,
        "BMP 4 GP": b"BM" + struct.pack("<IHHIIiiHHIIiiII", 99, 0, 0, 54, 40, 65_535, 65_535, 1, 24, 0, 0, 0, 0, 0, 0),
        "AVIF extents": small.replace(struct.pack(">II", 32, 32), struct.pack(">II", 60_000, 60_000)),
        "ICO": b"\0\0\x01\0\x01\0" + struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, 2**30, 22),
        "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(40),
        "JPEG 4 GP": re.sub(
            rb"(\xff\xc0\0\x11\x08)....", rb"\1" + b"\xff\xff" * 2, encoded(scene(1), "JPEG"), count=1, flags=re.DOTALL
        ),
    }


def foreign_files() -> dict[str, bytes]:
    """One file for each format that Pillow can write and Keepone does not take, and three that are documents."""
    register_heif_opener()
    Image.init()
    taken = {"JPEG", "MPO", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF"}
    made = {
        "EPS by hand": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n",
        "SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "PDF by hand": b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n",
    }
    for name in sorted(set(Image.SAVE) - taken):
        for mode in ("RGB", "L", "1", "P", "RGBA", "F"):
            with suppress(OSError, ValueError, KeyError, TypeError, NotImplementedError):
                made[name] = encoded(scene(3, (64, 64)).convert(mode), name)
                break
    return made


def faulty(fault: str) -> bytes:
    """A good picture whose decoder does what it says, in a service that obeys."""
    note = PngImagePlugin.PngInfo()
    note.add_text("Comment", f"KEEPONE-FAULT:{fault}")
    return encoded(scene(5, (64, 48)), "PNG", pnginfo=note)
