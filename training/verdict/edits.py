"""What people and tools do to pictures, as functions of a picture and a random generator."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

from training.descriptor import stock, views

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Rng = np.random.Generator


def jpeg(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def crop(picture: Image.Image, share: float, rng: Rng) -> Image.Image:
    width, height = (max(24, int(side * share**0.5)) for side in picture.size)
    left, top = int(rng.integers(0, picture.width - width + 1)), int(rng.integers(0, picture.height - height + 1))
    return picture.crop((left, top, left + width, top + height))


def caption(picture: Image.Image, rng: Rng) -> Image.Image:
    out = picture.copy()
    draw = ImageDraw.Draw(out)
    depth = int(picture.height * rng.uniform(0.05, 0.2))
    top = 0 if rng.random() < 0.5 else picture.height - depth
    colour = tuple(int(c) for c in rng.integers(0, 256, 3))
    draw.rectangle((0, top, picture.width, top + depth), fill=colour)
    draw.text((4, top + 2), "a line of words", fill="white" if sum(colour) < 380 else "black")
    return out


def noisy(picture: Image.Image, rng: Rng, most: float = 25) -> Image.Image:
    pixels = np.asarray(picture).astype(np.float32)
    return Image.fromarray(np.clip(pixels + rng.normal(0, rng.uniform(4, most), pixels.shape), 0, 255).astype(np.uint8))


def scaled(picture: Image.Image, factor: float) -> Image.Image:
    return picture.resize((max(16, int(picture.width * factor)), max(16, int(picture.height * factor))))


def turned(picture: Image.Image, degrees: float, rng: Rng) -> Image.Image:
    """By any angle, with corners of one colour."""
    colour = tuple(int(c) for c in rng.integers(0, 256, 3))
    return picture.rotate(degrees, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=colour)


def stretched(picture: Image.Image, rng: Rng) -> Image.Image:
    factor = float(np.exp(rng.uniform(-0.5, 0.5)))
    return picture.resize((max(16, int(picture.width * factor)), picture.height))


def leaning(picture: Image.Image, rng: Rng) -> Image.Image:
    """Seen aslant: each corner moved by up to a sixth of the side."""
    width, height = picture.size
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = corners + rng.uniform(0, 1 / 6, (4, 2)).astype(np.float32) * [width, height] * np.sign(
        [[1, 1], [-1, 1], [-1, -1], [1, -1]]
    )
    matrix = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    return Image.fromarray(np.asarray(cv2.warpPerspective(np.asarray(picture), matrix, (width, height)), np.uint8))


def pixelated(picture: Image.Image, rng: Rng) -> Image.Image:
    small = scaled(picture, float(rng.uniform(0.2, 0.6)))
    return small.resize(picture.size, Image.Resampling.NEAREST)


def padded(picture: Image.Image, rng: Rng) -> Image.Image:
    border = tuple(int(side * rng.uniform(0, 0.4)) for side in picture.size)
    return ImageOps.expand(picture, border, fill=tuple(int(c) for c in rng.integers(0, 256, 3)))


def pasted(picture: Image.Image, other: Image.Image, rng: Rng) -> Image.Image:
    """Onto another picture, a third to three quarters of its side."""
    ground = other.resize((max(other.width, 240), max(other.height, 200)))
    share = float(rng.uniform(0.33, 0.75))
    scale = min(share * ground.width / picture.width, share * ground.height / picture.height)
    small = scaled(picture, scale)
    left, top = (int(rng.integers(0, max(1, b - s))) for b, s in zip(ground.size, small.size, strict=True))
    ground.paste(small, (left, top))
    return ground


def on_page(picture: Image.Image, page: Image.Image, box: stock.Box) -> Image.Image:
    """In the box of a page, squeezed or cut to fit."""
    sheet = page.copy()
    left, top, right, bottom = (round(share * side) for share, side in zip(box, sheet.size * 2, strict=True))
    sheet.paste(ImageOps.fit(picture, (max(8, right - left), max(8, bottom - top))), (left, top))
    return sheet


def covered(picture: Image.Image, layer: Image.Image) -> Image.Image:
    out = picture.convert("RGBA")
    out.alpha_composite(layer.resize(picture.size))
    return out.convert("RGB")


def stripes(rng: Rng, side: int = 256) -> Image.Image:
    """A layer of stripes of one colour, whole or broken, that hide up to nine tenths of what lies between their edges."""
    angle, thick = rng.uniform(-math.pi / 2, math.pi / 2), rng.uniform(0.15, 0.55)
    period = side * rng.uniform(0.05, 0.3)
    x, y = np.arange(side), np.arange(side)[:, None]
    on = ((x * math.cos(angle) + y * math.sin(angle)) / period) % 1.0 < thick
    if rng.random() < 0.5:
        on &= (x * math.sin(angle) - y * math.cos(angle)) / (period * rng.uniform(0.3, 1.5)) % 1.0 < 0.6
    layer = np.empty((side, side, 4), np.uint8)
    layer[..., :3] = rng.integers(0, 256, 3)
    layer[..., 3] = on * round(255 * rng.uniform(0.4, 1.0))
    return Image.fromarray(layer)


def patch(other: Image.Image, rng: Rng, side: int = 256) -> Image.Image:
    """A layer with another picture on a part of it."""
    scale = min(float(rng.uniform(0.25, 0.6)) * side / other.height, 0.9 * side / other.width)
    above = scaled(other, scale)
    above.putalpha(round(255 * rng.uniform(0.6, 1.0)))
    layer = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    left, top = (int(rng.integers(0, max(1, side - one + 1))) for one in above.size)
    layer.paste(above, (left, top))
    return layer


def as_views_do(
    edit: Callable[[views.Canvas, Rng, float, views.Views], None],
) -> Callable[[Image.Image, Rng], Image.Image]:
    """One of the edits that the network is taught with; of those that need no other picture and keep the size."""
    none = views.Views([], stock.Stock([], [], []))

    def edited(picture: Image.Image, rng: Rng) -> Image.Image:
        canvas = views.Canvas(np.array(picture), float(min(picture.size)))
        edit(canvas, rng, 1.0, none)
        return Image.fromarray(canvas.pixels)

    return edited


def another_exposure(picture: Image.Image, rng: Rng) -> Image.Image:
    """What the next frame of a film could be: near and far moved differently, other light, other grain. No copy."""
    pixels = np.asarray(picture)
    height, width = pixels.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    reach = float(rng.uniform(0.015, 0.05)) * max(width, height)

    def bumps() -> NDArray[np.float32]:
        coarse = rng.normal(0, 1, (int(rng.integers(3, 6)), int(rng.integers(3, 6)))).astype(np.float32)
        return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)

    moved = cv2.remap(pixels, x + reach * bumps(), y + reach * bumps(), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    light = 1 + 0.15 * bumps()[..., None]
    return noisy(Image.fromarray(np.clip(moved * light, 0, 255).astype(np.uint8)), rng, 8)


SIMPLE: dict[str, Callable[[Image.Image, Rng], Image.Image]] = {
    "compressed": lambda p, r: jpeg(p, int(r.integers(5, 90))),
    "scaled": lambda p, r: jpeg(scaled(p, float(r.uniform(0.3, 1.5))), int(r.integers(30, 95))),
    "blurred": lambda p, r: p.filter(ImageFilter.GaussianBlur(float(r.uniform(0.5, 3.0)))),
    "sharpened": lambda p, _: p.filter(ImageFilter.SHARPEN),
    "brightness": lambda p, r: ImageEnhance.Brightness(p).enhance(float(r.uniform(0.4, 1.8))),
    "contrast": lambda p, r: ImageEnhance.Contrast(p).enhance(float(r.uniform(0.4, 2.0))),
    "saturation": lambda p, r: ImageEnhance.Color(p).enhance(float(r.uniform(0.0, 2.5))),
    "greyscale": lambda p, _: ImageOps.grayscale(p).convert("RGB"),
    "mirrored": lambda p, _: ImageOps.mirror(p),
    "turned over": lambda p, r: p.rotate(90 * int(r.integers(1, 4)), expand=True),
    "trimmed": lambda p, r: crop(p, float(r.uniform(0.8, 0.98)), r),
    "cropped": lambda p, r: crop(p, float(r.uniform(0.25, 0.8)), r),
    "tilted": lambda p, r: p.rotate(float(r.uniform(-3, 3)), resample=Image.Resampling.BICUBIC),
    "turned": lambda p, r: turned(p, float(r.uniform(5, 355)), r),
    "stretched": stretched,
    "leaning": leaning,
    "captioned": caption,
    "noisy": noisy,
    "pixelated": pixelated,
    "padded": padded,
    "oversharpened": as_views_do(views.sharpened),
    "grainy": as_views_do(views.noisy),
    "shuffled": as_views_do(views.shuffled),
    "faded": as_views_do(views.faded),
    "recoloured": as_views_do(views.jittered),
    "tinted": as_views_do(views.tinted),
}
"""Those that need nothing but the picture."""
