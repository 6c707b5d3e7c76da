"""Copies of one photograph, family by family, as files: what people and programs do to pictures before they keep both."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

FILTERS = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)
WORDS = (
    *("when", "the", "day", "is", "long", "and", "nobody", "has", "read", "those", "notes", "on", "a", "kitchen"),
    *("door", "again", "tomorrow", "maybe", "later"),
)


def original(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("RGB")


def written(picture: Image.Image, kind: str = "JPEG", **how: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **how)
    return out.getvalue()


def _png(picture: Image.Image) -> bytes:
    return written(picture, "PNG", compress_level=6)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    return written(picture, quality=quality)


def _saved(picture: Image.Image, chance: random.Random) -> bytes:
    """As programs save what was edited: one in three losslessly, the others as JPEG from 75 to 98."""
    return _png(picture) if chance.random() < 1 / 3 else _jpeg(picture, chance.randint(75, 98))


def scaled(picture: Image.Image, scale: float, how: Image.Resampling) -> Image.Image:
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), how)


def downscaled(data: bytes, chance: random.Random) -> bytes:
    return _saved(scaled(original(data), chance.uniform(0.3, 0.85), chance.choice(FILTERS)), chance)


def upscaled(data: bytes, chance: random.Random) -> bytes:
    """Made small, and then as large as it was or larger, by one of three filters."""
    picture = original(data)
    small = scaled(picture, chance.uniform(0.35, 0.8), Image.Resampling.LANCZOS)
    beyond = 1.0 if chance.random() < 1 / 2 else chance.uniform(1.1, 2.0)
    size = round(picture.width * beyond), round(picture.height * beyond)
    return _saved(small.resize(size, chance.choice(FILTERS)), chance)


def saved_anew(data: bytes, quality: int) -> bytes:
    return _jpeg(original(data), quality)


def jpeg(data: bytes, chance: random.Random) -> bytes:
    return saved_anew(data, chance.randint(20, 98))


def jpeg_as_png(data: bytes, chance: random.Random) -> bytes:
    return _png(original(saved_anew(data, chance.randint(20, 98))))


def sharpened(data: bytes, chance: random.Random) -> bytes:
    how = ImageFilter.UnsharpMask(chance.uniform(0.8, 3), chance.randint(60, 250), chance.randint(0, 3))
    return _saved(original(data).filter(how), chance)


def blurred(data: bytes, chance: random.Random) -> bytes:
    return _saved(original(data).filter(ImageFilter.GaussianBlur(chance.uniform(0.6, 3))), chance)


def recoloured(data: bytes, chance: random.Random) -> bytes:
    """Light, contrast, colour, a curve, or a cast, by enough for a person to see."""
    picture = original(data)
    factor = chance.choice([chance.uniform(0.6, 0.85), chance.uniform(1.15, 1.5)])
    kind = chance.randrange(5)
    if kind < 3:
        enhancer = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)[kind]
        return _saved(enhancer(picture).enhance(factor), chance)
    if kind == 3:
        curve = [round(255 * (level / 255) ** factor) for level in range(256)]
        return _saved(picture.point(curve * 3), chance)
    gains = [chance.uniform(0.8, 1.2) for _ in range(3)]
    return _saved(picture.point([min(255, round(gain * level)) for gain in gains for level in range(256)]), chance)


def cropped(data: bytes, chance: random.Random) -> bytes:
    picture = original(data)
    share = chance.uniform(0.6, 0.93)
    width, height = round(picture.width * share), round(picture.height * share)
    left, top = chance.randint(0, picture.width - width), chance.randint(0, picture.height - height)
    return _saved(picture.crop((left, top, left + width, top + height)), chance)


def padded(data: bytes, chance: random.Random) -> bytes:
    picture = original(data)
    across, down = (round(side * chance.uniform(0.04, 0.2)) for side in picture.size)
    colour = chance.choice([(0, 0, 0), (255, 255, 255), tuple(chance.randint(0, 255) for _ in range(3))])
    whole = Image.new("RGB", (picture.width + 2 * across, picture.height + 2 * down), colour)
    whole.paste(picture, (across, down))
    return _saved(whole, chance)


def captioned(data: bytes, chance: random.Random) -> bytes:
    """Words on a band above or below the picture, or across it."""
    picture = original(data)
    height = round(picture.height * chance.uniform(0.1, 0.18))
    words = " ".join(chance.sample(WORDS, 5))
    font = ImageFont.load_default(round(height * 0.5))
    if chance.random() < 1 / 2:
        dark = chance.random() < 1 / 2
        whole = Image.new("RGB", (picture.width, picture.height + height), (0, 0, 0) if dark else (255, 255, 255))
        above = chance.random() < 1 / 2
        whole.paste(picture, (0, height if above else 0))
        ink = (255, 255, 255) if dark else (0, 0, 0)
        ImageDraw.Draw(whole).text((10, height * 0.2 + (0 if above else picture.height)), words, ink, font)
        return _saved(whole, chance)
    draw = ImageDraw.Draw(picture)
    place = 10, chance.choice([10, picture.height - height])
    draw.text(place, words, (255, 255, 255), font, stroke_width=2, stroke_fill=(0, 0, 0))
    return _saved(picture, chance)


def screenshot(data: bytes, chance: random.Random) -> bytes:
    """The picture as a viewer shows it: bars, buttons and words around it."""
    picture = scaled(original(data), chance.uniform(0.7, 1.4), Image.Resampling.BILINEAR)
    dark = chance.random() < 1 / 2
    ground, ink = ((32, 33, 36), (232, 234, 237)) if dark else ((255, 255, 255), (32, 33, 36))
    side, bar = chance.randint(30, 160), chance.randint(40, 80)
    page = Image.new("RGB", (picture.width + 2 * side, picture.height + 2 * bar + 60), ground)
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, page.width, bar - 12), (60, 64, 67) if dark else (241, 243, 244))
    font = ImageFont.load_default(15)
    draw.text((14, 8), " ".join(chance.sample(WORDS, 4)), ink, font)
    for number in range(3):
        draw.ellipse((page.width - 24 * (number + 1), 8, page.width - 24 * (number + 1) + 12, 20), (95, 99, 104))
    page.paste(picture, (side, bar))
    for line in range(3):
        draw.text((side, bar + picture.height + 10 + 22 * line), " ".join(chance.sample(WORDS, 6)), ink, font)
    return _saved(page, chance)


def noisy(data: bytes, chance: random.Random) -> bytes:
    pixels = np.asarray(original(data), np.float64)
    grain = np.random.default_rng(chance.randrange(2**32)).normal(0, chance.uniform(4, 20), pixels.shape)
    return _saved(Image.fromarray(np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8)), chance)


def heavier(data: bytes, chance: random.Random) -> bytes:
    """The same JPEG with two to two hundred kilobytes of XMP and comment that say nothing of it."""
    more = bytearray()
    for _ in range(chance.randint(1, 6)):
        filler = bytes(chance.choices(b" \nabcdefgh", k=chance.randint(2_000, 32_000)))
        xmp = b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + filler + b"</x:xmpmeta>"
        marker, body = chance.choice([(0xE1, xmp), (0xFE, filler)])
        more += bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body
    return data[:2] + bytes(more) + data[2:]


FAMILIES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "downscaled": downscaled,
    "upscaled": upscaled,
    "jpeg": jpeg,
    "jpeg_as_png": jpeg_as_png,
    "sharpened": sharpened,
    "blurred": blurred,
    "recoloured": recoloured,
    "cropped": cropped,
    "padded": padded,
    "captioned": captioned,
    "screenshot": screenshot,
    "noisy": noisy,
    "metadata": heavier,
}
"""Each makes a file of a copy from the original's file, which is a JPEG."""
