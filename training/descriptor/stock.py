"""Pages to put a picture into and things to put on top of it, drawn beforehand: nothing in them comes from a picture.

Pages look like what people take screenshots of: bars, lines of text, round portraits, buttons, and a box for the picture.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAGES, OVERLAYS = 1500, 3000
_DRAWN = 384
_KEPT = 224
"""Pages are drawn larger and reduced, as a screenshot is."""
_LAYER, _LAYER_KEPT = 256, 144
Rng = np.random.Generator
Box = tuple[float, float, float, float]
"""[left, top, right, bottom] as shares of the page."""
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Stock:
    """`pages` are (h, w, 3) uint8; `boxes` their pictures' places; `overlays` (h, w, 4) uint8 with alpha last."""

    pages: list[NDArray[np.uint8]]
    boxes: list[Box]
    overlays: list[NDArray[np.uint8]]


def draw(seed: int, pages: int = PAGES, overlays: int = OVERLAYS) -> Stock:
    """All of it; about a minute."""
    rng = np.random.default_rng(seed)
    sheets, boxes = [], []
    for _ in range(pages):
        drawn, box = page(rng)
        size = (drawn.width * _KEPT // _DRAWN, drawn.height * _KEPT // _DRAWN)
        sheets.append(np.asarray(drawn.resize(size, Image.Resampling.BOX)))
        boxes.append(box)
    kept = (_LAYER_KEPT, _LAYER_KEPT)
    layers = [np.asarray(overlay(rng).resize(kept, Image.Resampling.BOX)) for _ in range(overlays)]
    return Stock(sheets, boxes, layers)


def page(rng: Rng) -> tuple[Image.Image, Box]:
    """A page of 384 pixels, and where its picture belongs, as shares."""
    tall = rng.random() < 0.6
    aspect = float(rng.uniform(0.45, 0.8) if tall else rng.uniform(1.0, 1.9))
    width, height = (int(_DRAWN * aspect), _DRAWN) if tall else (_DRAWN, int(_DRAWN / aspect))
    dark = rng.random() < 0.35
    ground = _shade(rng, 0, 50) if dark else _shade(rng, 225, 256)
    ink = _shade(rng, 170, 256) if dark else _shade(rng, 0, 110)
    sheet = Image.new("RGB", (width, height), ground)
    pen = ImageDraw.Draw(sheet)
    across = rng.uniform(0.75, 1.0) if tall else rng.uniform(0.35, 0.8)
    down = rng.uniform(0.22, 0.6) if tall else rng.uniform(0.4, 0.85)
    left = rng.uniform(0, 1 - across) if not tall or rng.random() < 0.3 else (1 - across) / 2
    top = rng.uniform(0.06, max(0.07, 0.96 - down))
    box = (left, top, left + across, top + down)
    bar = int(height * rng.uniform(0.03, 0.1))
    pen.rectangle((0, 0, width, bar), fill=_any(rng) if rng.random() < 0.5 else ground)
    _text(pen, rng, (6, 2, width - 6, bar), ink)
    if rng.random() < 0.7:
        foot = int(height * rng.uniform(0.04, 0.09))
        pen.rectangle((0, height - foot, width, height), fill=_any(rng) if rng.random() < 0.3 else ground)
        for x in np.linspace(width * 0.1, width * 0.9, int(rng.integers(3, 6))):
            _icon(pen, rng, float(x), height - foot / 2, foot * 0.3, ink)
    for area in ((0, bar, width, int(top * height)), (0, int(box[3] * height) + 2, width, int(height * 0.93))):
        _column(pen, rng, area, ink)
    if not tall:
        for area in ((0, bar, int(left * width), height), (int(box[2] * width) + 2, bar, width, height)):
            _column(pen, rng, area, ink)
    return sheet, box


def _column(pen: ImageDraw.ImageDraw, rng: Rng, area: tuple[int, int, int, int], ink: Colour) -> None:
    """Lines of text with now and then a portrait, a row of icons or a block of colour, as long as there is room."""
    left, y, right, bottom = area
    while bottom - y > 8 and right - left > 20:
        line = int(rng.integers(7, 22))
        kind = rng.random()
        if kind < 0.15:
            _icon(pen, rng, left + line, y + line, line * 0.8, _any(rng))
            _text(pen, rng, (left + 3 * line, y + line // 2, right, y + 2 * line), ink)
            line *= 2
        elif kind < 0.25:
            for x in range(left + line, right - line, 3 * line):
                _icon(pen, rng, x, y + line / 2, line * 0.4, ink)
        elif kind < 0.35 and bottom - y > 30:
            tall = int(rng.integers(20, min(80, bottom - y)))
            pen.rectangle((left + 3, y + 2, int(rng.integers(left + 10, right)), y + tall - 2), fill=_any(rng))
            line = tall
        else:
            _text(pen, rng, (left + 4, y, right - int(rng.integers(0, (right - left) // 2 + 1)), y + line), ink)
        y += line + int(rng.integers(1, 6))


def overlay(rng: Rng) -> Image.Image:
    """Words, faces, shapes or stripes on nothing, or the white bars of a meme with its words; 256 pixels a side."""
    side, kind, alpha = _LAYER, rng.random(), int(rng.integers(110, 256))
    layer = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    if kind < 0.4:
        for _ in range(int(rng.integers(1, 4))):
            size = int(rng.integers(12, 70))
            where = (int(rng.integers(-20, side - 40)), int(rng.integers(0, side - 12)))
            pen.text(where, _words(rng, int(rng.integers(3, 24))), font=_font(size), fill=(*_any(rng), alpha))
    elif kind < 0.65:
        for _ in range(int(rng.integers(1, 4))):
            _face(pen, rng, side, alpha)
    elif kind < 0.8:
        for _ in range(int(rng.integers(1, 4))):
            x, y = (int(v) for v in rng.integers(-20, side - 20, 2))
            w, h = (int(v) for v in rng.integers(20, side // 2, 2))
            shape = pen.rectangle if rng.random() < 0.6 else pen.ellipse
            shape((x, y, x + w, y + h), fill=(*_any(rng), alpha))
    elif kind < 0.9:
        step, thick = int(rng.integers(16, 90)), int(rng.integers(3, 30))
        colour, slant = (*_any(rng), alpha), int(rng.integers(-side, side))
        for start in range(-side, 2 * side, step):
            pen.line((start, 0, start + slant, side), fill=colour, width=thick)
    else:
        _meme(pen, rng, side)
    return layer


def _meme(pen: ImageDraw.ImageDraw, rng: Rng, side: int) -> None:
    depth, ground = int(side * rng.uniform(0.1, 0.3)), _shade(rng, 230, 256)
    for top in (0, side - depth):
        if rng.random() < 0.7:
            pen.rectangle((0, top, side, top + depth), fill=(*ground, 255))
            _text(pen, rng, (8, top + 2, side - 8, top + depth - 2), (0, 0, 0))


def _face(pen: ImageDraw.ImageDraw, rng: Rng, side: int, alpha: int) -> None:
    size = float(rng.uniform(20, side * 0.3))
    x, y = (float(v) for v in rng.uniform(0, side, 2))
    pen.ellipse((x - size, y - size, x + size, y + size), fill=(*_any(rng), alpha))
    for eye in (-0.35, 0.35):
        pen.ellipse(_round(x + eye * size, y - 0.25 * size, size * 0.13), fill=(40, 30, 20, alpha))
    mouth = (x - 0.5 * size, y - 0.3 * size, x + 0.5 * size, y + 0.6 * size)
    pen.arc(mouth, 20, 160, fill=(60, 20, 20, alpha), width=max(1, int(size * 0.1)))


def _icon(pen: ImageDraw.ImageDraw, rng: Rng, x: float, y: float, size: float, colour: Colour) -> None:
    if rng.random() < 0.5:
        pen.ellipse(_round(x, y, size), fill=colour)
    else:
        pen.rectangle(_round(x, y, size), outline=colour, width=2)


def _round(x: float, y: float, size: float) -> tuple[float, float, float, float]:
    return x - size, y - size, x + size, y + size


def _text(pen: ImageDraw.ImageDraw, rng: Rng, area: tuple[int, int, int, int], ink: Colour) -> None:
    left, top, right, bottom = area
    if right - left < 12 or bottom - top < 6:
        return
    size = min(bottom - top, 40)
    pen.text((left, top), _words(rng, max(2, int((right - left) / size * 1.6))), font=_font(size), fill=ink)


def _words(rng: Rng, length: int) -> str:
    letters = rng.choice(list(string.ascii_letters + string.digits + "    ,."), length)
    return "".join(letters.tolist())


_FONTS: dict[int, ImageFont.FreeTypeFont | ImageFont.ImageFont] = {}


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if size not in _FONTS:
        _FONTS[size] = ImageFont.load_default(size)
    return _FONTS[size]


def _any(rng: Rng) -> Colour:
    return _shade(rng, 0, 256, apart=True)


def _shade(rng: Rng, low: int, high: int, *, apart: bool = False) -> Colour:
    """A grey between, nearly neutral; or any colour."""
    if apart:
        red, green, blue = rng.integers(low, high, 3).tolist()
    else:
        grey = int(rng.integers(low, high))
        red, green, blue = (int(np.clip(grey + shift, 0, 255)) for shift in rng.integers(-8, 9, 3))
    return red, green, blue
