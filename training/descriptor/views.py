"""Two views of a picture: what people and tools do to pictures before they come back.

Edits are done to pixels one after the other, as they are in life, at the size of the training pictures, and the result
is squeezed to the square that the network sees. Which edits there are, and how hard, was chosen from what the
benchmark's table of edits says, never from its pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from service.descriptors.builtin import squared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from training.descriptor.stock import Stock

    Pixels = NDArray[Any]
    """(h, w, 3) uint8."""
    Rng = np.random.Generator

LARGEST = 288
"""Pixels. A page with a picture on it is not kept larger than this."""
LEAST_SEEN = 44
"""Pixels. No edit is asked to make the picture smaller than this on its short side."""
PLAIN_SHARE = 0.35
"""Of the light views: the picture as it is."""


@dataclass(slots=True)
class Canvas:
    """A picture while it is edited. `seen` is how many pixels its short side still has of the source."""

    pixels: Pixels
    seen: float

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def becomes(self, pixels: Pixels, times: float = 1.0) -> None:
        """`times`: how much larger the source's part is in it."""
        self.seen *= times
        largest = max(pixels.shape[:2])
        if largest > LARGEST:
            pixels = _scaled(pixels, LARGEST / largest)
            self.seen *= LARGEST / largest
        self.pixels = pixels


class Views:
    """Draws views of `pictures`, with `stock` to lay them into and to lay over them."""

    def __init__(self, pictures: Sequence[Pixels], stock: Stock) -> None:
        self._pictures = pictures
        self._stock = stock

    def __len__(self) -> int:
        return len(self._pictures)

    def plain(self, number: int, side: int) -> Pixels:
        """(side, side, 3)."""
        return squared(self._pictures[number], side)

    def light(self, number: int, side: int, rng: Rng) -> Pixels:
        """As it is, or after one mild edit."""
        if rng.random() < PLAIN_SHARE:
            return self.plain(number, side)
        return self._edited(number, side, rng, 1, 0.4, LIGHT)

    def hard(self, number: int, side: int, rng: Rng, strength: float = 1.0) -> Pixels:
        """After one to four edits of any kind."""
        count = 1 + int(rng.choice(4, p=(0.25, 0.3, 0.25, 0.2)))
        return self._edited(number, side, rng, count, strength * (1.0 if count == 1 else 0.8), HARD)

    def _edited(self, number: int, side: int, rng: Rng, count: int, strength: float, edits: Edits) -> Pixels:
        picture = self._pictures[number]
        canvas = Canvas(picture, float(min(picture.shape[:2])))
        if rng.random() < 0.5:
            canvas.pixels = np.ascontiguousarray(picture[:, ::-1])
        names, chances = edits
        for at in rng.choice(len(names), count, replace=False, p=chances):
            names[at](canvas, rng, strength, self)
        return squared(canvas.pixels, side)

    def other(self, rng: Rng) -> Pixels:
        return self._pictures[int(rng.integers(len(self._pictures)))]

    def layer(self, rng: Rng) -> NDArray[np.uint8]:
        """(h, w, 4), alpha last."""
        return self._stock.overlays[int(rng.integers(len(self._stock.overlays)))]

    def page(self, rng: Rng) -> tuple[Pixels, tuple[float, float, float, float]]:
        """A page, and its picture's left, top, right, bottom as shares."""
        at = int(rng.integers(len(self._stock.pages)))
        return self._stock.pages[at], self._stock.boxes[at]


if TYPE_CHECKING:
    Edit = Callable[[Canvas, Rng, float, Views], None]
    Edits = tuple[Sequence[Edit], NDArray[np.float64]]


def _between(rng: Rng, mild: float, hard: float, strength: float) -> float:
    return mild + float(rng.random()) * strength * (hard - mild)


def _less_or_more(rng: Rng, less: tuple[float, float], more: tuple[float, float], strength: float) -> float:
    return _between(rng, *(less if rng.random() < 0.5 else more), strength)


def _scaled(picture: Pixels, factor: float) -> Pixels:
    width, height = (max(8, round(side * factor)) for side in picture.shape[1::-1])
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)


def _colour(rng: Rng) -> tuple[int, int, int]:
    draw = rng.random()
    if draw < 0.4:
        level = 0 if draw < 0.2 else 255
        return level, level, level
    red, green, blue = (int(v) for v in rng.integers(0, 256, 3))
    return red, green, blue


# Where it lies ------------------------------------------------------------------------------------------------------


def crop(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    del views
    area, slant = _between(rng, 0.95, 0.18, strength), math.exp(rng.uniform(-0.35, 0.35))
    room = min(1.0, LEAST_SEEN / canvas.seen)
    wide = min(1.0, max(room, math.sqrt(area * slant)))
    tall = min(1.0, max(room, area / wide))
    width, height = canvas.size
    across, down = max(8, round(wide * width)), max(8, round(tall * height))
    left, top = int(rng.integers(width - across + 1)), int(rng.integers(height - down + 1))
    canvas.becomes(canvas.pixels[top : top + down, left : left + across], min(wide, tall))


def upside_down(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    del rng, strength, views
    canvas.pixels = canvas.pixels[::-1]


def quarter_turn(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    del strength, views
    canvas.pixels = np.rot90(canvas.pixels, int(rng.integers(1, 4)))


def turn(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """Any angle, small ones oftener; either all of it with corners, or cut so far that no corner shows."""
    del strength, views
    degrees = rng.normal(0, 15) if rng.random() < 0.4 else rng.uniform(-180, 180)
    width, height = canvas.size
    angle = math.radians(degrees)
    cos, sin = abs(math.cos(angle)), abs(math.sin(angle))
    wide, tall = width * cos + height * sin, width * sin + height * cos
    if abs(degrees) < 20 and rng.random() < 0.4:
        inner = 1 / (cos + sin * max(width / height, height / width))
        wide, tall = max(16.0, width * inner), max(16.0, height * inner)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(degrees), 1.0)
    matrix[:, 2] += np.array([(wide - width) / 2, (tall - height) / 2])
    colour = (0, 0, 0) if rng.random() < 0.6 else _colour(rng)
    size = (round(wide), round(tall))
    canvas.becomes(cv2.warpAffine(canvas.pixels, matrix, size, flags=cv2.INTER_LINEAR, borderValue=colour))


def skew(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    del views
    width, height = canvas.size
    amount = _less_or_more(rng, (-0.1, -0.6), (0.1, 0.6), strength)
    matrix = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    if rng.random() < 0.5:
        matrix[0, 1], matrix[0, 2] = amount, -amount * height / 2
    else:
        matrix[1, 0], matrix[1, 2] = amount, -amount * width / 2
    canvas.becomes(cv2.warpAffine(canvas.pixels, matrix, (width, height), borderValue=_colour(rng)))


def perspective(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    del views
    width, height = canvas.size
    sigma = _between(rng, 0.03, 0.15, strength) * min(width, height)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moved = (corners + rng.normal(0, sigma, (4, 2))).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, moved)
    canvas.becomes(cv2.warpPerspective(canvas.pixels, matrix, (width, height), borderValue=_colour(rng)))


def pad(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """Bars around it, to any shape or to a square."""
    del views
    width, height = canvas.size
    if rng.random() < 0.3:
        across, down = max(0, height - width) // 2, max(0, width - height) // 2
    else:
        across, down = (int(_between(rng, 0.03, 0.5, strength) * side) for side in (width, height))
    pixels = cv2.copyMakeBorder(canvas.pixels, down, down, across, across, cv2.BORDER_CONSTANT, value=_colour(rng))
    canvas.becomes(pixels)


def meme(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """A white field with words above or below."""
    del views
    width, height = canvas.size
    depth = max(14, int(_between(rng, 0.12, 0.6, strength) * height))
    field = np.full((depth, width, 3), 255 if rng.random() < 0.8 else 0, np.uint8)
    _write(field, rng, (0, 0, 0) if field[0, 0, 0] else (255, 255, 255))
    parts = [field, canvas.pixels] if rng.random() < 0.8 else [canvas.pixels, field]
    canvas.becomes(np.concatenate(parts))


def onto_another(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """Made smaller and laid upon another picture, or upon a colour."""
    size = max(_between(rng, 0.75, 0.22, strength), min(0.9, LEAST_SEEN / (1.5 * canvas.seen)))
    width, height = canvas.size
    behind = views.other(rng) if rng.random() < 0.85 else np.full((8, 8, 3), _colour(rng), np.uint8)
    scale = 1.5 * math.sqrt(width * height / (behind.shape[0] * behind.shape[1]))
    if behind.shape[0] == 8:
        slant = math.exp(rng.uniform(-0.4, 0.4))
        below = cv2.resize(behind, (round(1.5 * width * slant), round(1.5 * height / slant)))
    else:
        below = _scaled(behind, scale).copy()
    factor = min(size * below.shape[0] / height, 0.95 * below.shape[1] / width)
    above = _scaled(canvas.pixels, factor)
    room_x, room_y = below.shape[1] - above.shape[1], below.shape[0] - above.shape[0]
    if room_x < 0 or room_y < 0:
        return
    left, top = int(rng.integers(room_x + 1)), int(rng.integers(room_y + 1))
    part = below[top : top + above.shape[0], left : left + above.shape[1]]
    cv2.addWeighted(above, alpha := float(rng.uniform(0.85, 1)), part, 1 - alpha, 0, dst=part)
    canvas.becomes(below, factor)


def on_page(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """On a screen between words and buttons, squeezed into its place or cut to it."""
    del strength
    page, (left, top, right, bottom) = views.page(rng)
    height, width = page.shape[:2]
    x, y, wide, tall = (round(v) for v in (left * width, top * height, (right - left) * width, (bottom - top) * height))
    wide, tall = min(wide, width - x), min(tall, height - y)
    if wide < 24 or tall < 24:
        return
    picture = canvas.pixels
    if rng.random() < 0.5:
        fits = max(wide / picture.shape[1], tall / picture.shape[0])
        across, down = min(picture.shape[1], round(wide / fits)), min(picture.shape[0], round(tall / fits))
        from_x, from_y = (picture.shape[1] - across) // 2, (picture.shape[0] - down) // 2
        picture = picture[from_y : from_y + down, from_x : from_x + across]
    times = min(wide / picture.shape[1], tall / picture.shape[0])
    drawn = page.copy()
    shrinks = times < 1
    drawn[y : y + tall, x : x + wide] = cv2.resize(
        picture, (wide, tall), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    )
    canvas.becomes(drawn, times)


# What lies on top ---------------------------------------------------------------------------------------------------


def covered(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """Words, faces, shapes or stripes."""
    del strength
    layer = cv2.resize(views.layer(rng), canvas.size, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        layer = layer[:, ::-1]
    alpha = layer[..., 3:].astype(np.uint16)
    mixed = layer[..., :3] * alpha + canvas.pixels * (255 - alpha)
    canvas.pixels = (mixed // 255).astype(np.uint8)


def striped(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """Stripes of one colour over all of it, up to nearly as much as lies between them."""
    del views
    width, height = canvas.size
    angle, thick = rng.uniform(-math.pi / 2, math.pi / 2), _between(rng, 0.15, 0.55, strength)
    period = max(4.0, min(width, height) * rng.uniform(0.08, 0.35))
    x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
    along = (x * math.cos(angle) + y * math.sin(angle)) / period
    on = (along % 1.0) < thick
    if rng.random() < 0.5:
        on &= ((x * math.sin(angle) - y * math.cos(angle)) / (period * rng.uniform(0.3, 1.5)) % 1.0) < 0.6
    alpha = _between(rng, 0.4, 1.0, strength)
    pixels = canvas.pixels.copy()
    pixels[on] = pixels[on] * (1 - alpha) + np.array(_colour(rng)) * alpha
    canvas.pixels = pixels


def under_another(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """Another picture on top of a part of it, or shining through all of it."""
    width, height = canvas.size
    other = views.other(rng)
    if rng.random() < 0.25:
        alpha = rng.uniform(0.5, 0.85)
        over = cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA)
        canvas.pixels = cv2.addWeighted(canvas.pixels, alpha, over, 1 - alpha, 0)
        return
    factor = min(_between(rng, 0.2, 0.6, strength) * height / other.shape[0], 0.9 * width / other.shape[1])
    above = _scaled(other, factor)
    room_x, room_y = width - above.shape[1], height - above.shape[0]
    if room_x < 0 or room_y < 0:
        return
    left, top = int(rng.integers(room_x + 1)), int(rng.integers(room_y + 1))
    pixels = canvas.pixels.copy()
    part = pixels[top : top + above.shape[0], left : left + above.shape[1]]
    cv2.addWeighted(above, alpha := float(rng.uniform(0.6, 1)), part, 1 - alpha, 0, dst=part)
    canvas.pixels = pixels


def _write(field: Pixels, rng: Rng, colour: tuple[int, int, int]) -> None:
    """Words across the field."""
    height, width = field.shape[:2]
    letters = "".join(chr(int(v)) for v in rng.integers(97, 123, max(3, width // 12)))
    size = max(0.3, height / 60)
    cv2.putText(field, letters, (3, int(height * 0.65)), int(rng.integers(0, 4)), size, colour, max(1, int(size * 1.5)))


# Light, colour, sharpness, grain ------------------------------------------------------------------------------------


def lit(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """Brighter or darker."""
    del views
    factor = _less_or_more(rng, (0.75, 0.25), (1.35, 2.4), strength)
    canvas.pixels = cv2.convertScaleAbs(canvas.pixels, alpha=factor)


def contrasted(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    del views
    factor = _less_or_more(rng, (0.7, 0.25), (1.4, 3.0), strength)
    mean = float(cv2.mean(cv2.cvtColor(canvas.pixels, cv2.COLOR_RGB2GRAY))[0])
    canvas.pixels = _table(canvas.pixels, lambda level: mean + (level - mean) * factor)


def faded(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """Half transparent upon white, or upon another colour."""
    del views
    left = _between(rng, 0.75, 0.15, strength)
    ground = np.array((255, 255, 255) if rng.random() < 0.7 else _colour(rng), np.float64) * (1 - left)
    levels = np.arange(256.0)[:, None] * left + ground
    canvas.pixels = cv2.LUT(canvas.pixels, np.clip(levels, 0, 255).astype(np.uint8)[:, None])


def coloured(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """More or less colour, down to none."""
    del views
    grey = cv2.cvtColor(cv2.cvtColor(canvas.pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    factor = 0.0 if rng.random() < 0.35 else _less_or_more(rng, (0.6, 0.0), (1.8, 5.0), strength)
    canvas.pixels = cv2.addWeighted(canvas.pixels, factor, grey, 1 - factor, 0)


def jittered(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """Light, contrast and colour at once."""
    for edit in (lit, contrasted, coloured):
        edit(canvas, rng, 0.45 * strength, views)


def tinted(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """Each channel with a curve of its own, or channels exchanged."""
    del views
    pixels = canvas.pixels
    if rng.random() < 0.25:
        canvas.pixels = np.ascontiguousarray(pixels[..., rng.permutation(3)])
        return
    curves = np.empty((256, 1, 3), np.uint8)
    level = np.arange(256) / 255
    for channel in range(3):
        gain, power = math.exp(rng.normal(0, 0.25 * strength)), math.exp(rng.normal(0, 0.35 * strength))
        curves[:, 0, channel] = np.clip(255 * gain * level**power, 0, 255)
    canvas.pixels = cv2.LUT(pixels, curves)


def blurred(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    del views
    sigma = _between(rng, 0.4, 3.0, strength) * canvas.seen / 136
    canvas.pixels = cv2.GaussianBlur(canvas.pixels, (0, 0), max(0.3, sigma))


def sharpened(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    del views
    amount = _between(rng, 1.0, 16.0, strength)
    smooth = cv2.GaussianBlur(canvas.pixels, (3, 3), 0.85)
    canvas.pixels = cv2.addWeighted(canvas.pixels, 1 + amount, smooth, -amount, 0)


def coarse(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """Fewer pixels, and back to its size in blocks or smoothly."""
    del views
    factor = max(_between(rng, 0.6, 0.15, strength), min(1.0, 30 / canvas.seen))
    width, height = canvas.size
    small = (max(8, round(width * factor)), max(8, round(height * factor)))
    blocky = rng.random() < 0.7
    less = cv2.resize(canvas.pixels, small, interpolation=cv2.INTER_AREA if rng.random() < 0.8 else cv2.INTER_NEAREST)
    canvas.pixels = cv2.resize(less, (width, height), interpolation=cv2.INTER_NEAREST if blocky else cv2.INTER_LINEAR)


def noisy(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """As a picture several times as large would have it, once made this small; or just so."""
    del views
    sigma = 255 * math.sqrt(_between(rng, 0.01, 0.1, strength)) * rng.uniform(0.3, 1.0)
    noise = cv2.randn(np.empty(canvas.pixels.shape, np.int16), np.zeros(3), np.full(3, sigma))
    canvas.pixels = cv2.add(canvas.pixels, noise, dtype=cv2.CV_8U)


def shuffled(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    """A share of the pixels change places with others; in a larger picture more of them, each a smaller speck."""
    del views
    share = _between(rng, 0.1, 0.5, strength)
    height, width = canvas.pixels.shape[:2]
    flat = canvas.pixels.reshape(-1, 3).copy()
    on = np.flatnonzero(rng.random(len(flat)) < share)
    moved = flat[rng.permutation(on)]
    if rng.random() < 0.6:
        # Several specks in each pixel: half-way to the mean of the whole.
        fine = rng.uniform(0.2, 0.6)
        moved = moved * fine + flat.mean(0) * share * (1 - fine) + flat[on] * (1 - fine) * (1 - share)
    flat[on] = moved
    canvas.pixels = flat.reshape(height, width, 3)


def compressed(canvas: Canvas, rng: Rng, strength: float, views: Views) -> None:
    del views
    quality = round(_between(rng, 50, 6, strength))
    _, data = cv2.imencode(".jpg", canvas.pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    canvas.pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _table(pixels: Pixels, curve: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Pixels:
    return cv2.LUT(pixels, np.clip(curve(np.arange(256.0)), 0, 255).astype(np.uint8))


def _weighted(weights: dict[Edit, float]) -> Edits:
    chances = np.array(list(weights.values()))
    return list(weights), chances / chances.sum()


HARD = _weighted(
    {
        crop: 3.0,
        turn: 2.0,
        quarter_turn: 1.2,
        upside_down: 1.4,
        skew: 1.2,
        perspective: 1.2,
        pad: 1.8,
        meme: 1.2,
        onto_another: 2.6,
        on_page: 2.6,
        covered: 3.0,
        striped: 1.2,
        under_another: 1.6,
        lit: 1.3,
        contrasted: 1.1,
        faded: 1.6,
        coloured: 1.4,
        jittered: 1.0,
        tinted: 0.8,
        blurred: 1.3,
        sharpened: 1.0,
        coarse: 1.6,
        noisy: 1.3,
        shuffled: 1.2,
        compressed: 1.2,
    }
)
LIGHT = _weighted(
    {crop: 2.0, pad: 0.6, covered: 1.0, lit: 1.0, contrasted: 1.0, coloured: 1.0, blurred: 1.0, coarse: 0.5,
     noisy: 0.7, compressed: 1.5}
)  # fmt: skip
