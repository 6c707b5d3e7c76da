"""Simulated photographs of a screen and of a print that show a picture. Physics in short, and no real camera.

A screen shows each pixel as three stripes of colour with dark gaps; a print lays dots of four inks at four angles. Light
is added up in linear light. The camera looks at either a little from the side, through a lens that blurs, at a mosaic of
red, green and blue pixels with noise; it interpolates, sharpens, and saves a JPEG that is often made smaller on its way.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import random

    from numpy.typing import NDArray

FINE = 6
"""Points a side with which one pixel of a screen is drawn."""
SUPERSAMPLED = 2
"""Points a side with which one pixel of the camera looks."""
INK_ANGLES = (15.0, 75.0, 0.0, 45.0)
"""Of cyan, magenta, yellow and black, as offset printing lays them."""


def of_screen(picture: Image.Image, chance: random.Random) -> Image.Image:
    """The picture as a screen shows it, photographed."""
    across = chance.uniform(300, 460)
    shown = picture.resize((round(across), round(across * picture.height / picture.width)), Image.Resampling.BICUBIC)
    light = _linear(np.asarray(shown))
    fine = np.repeat(np.repeat(light, FINE, axis=0), FINE, axis=1)
    fine *= _stripes(chance, fine.shape[0], fine.shape[1])
    return _photographed(fine / fine.mean() * light.mean(), 1 / FINE, chance.uniform(1.1, 3.2), chance)


def of_print(picture: Image.Image, chance: random.Random) -> Image.Image:
    """The picture as a magazine prints it, photographed."""
    cell = chance.uniform(5, 7)
    across = chance.uniform(150, 260)
    size = round(across * cell), round(across * cell * picture.height / picture.width)
    tones = np.asarray(picture.resize(size, Image.Resampling.BICUBIC), np.float32) / 255
    black = 0.6 * (1 - tones).min(axis=2, keepdims=True)
    inks = np.concatenate((1 - tones - black, black), axis=2)
    paper = np.full((*tones.shape[:2], 3), 0.9, np.float32)
    rows, columns = np.mgrid[: size[1], : size[0]].astype(np.float32)
    for ink, angle in enumerate(INK_ANGLES):
        turn = np.deg2rad(angle)
        one = (columns * np.cos(turn) + rows * np.sin(turn)) / cell
        other = (rows * np.cos(turn) - columns * np.sin(turn)) / cell
        height = 0.5 + 0.25 * (np.cos(2 * np.pi * one) + np.cos(2 * np.pi * other))
        dots = np.clip((inks[..., ink] - (1 - height)) * 4 + 0.5, 0, 1)
        if ink < 3:
            paper[..., ink] *= 1 - 0.9 * dots
        else:
            paper *= 1 - 0.9 * dots[..., None]
    return _photographed(paper, 1 / cell, chance.uniform(2.2, 6), chance)


def _stripes(chance: random.Random, height: int, width: int) -> NDArray[np.float32]:
    """(H, W, 3): what of each fine point shines in which colour."""
    pixel = np.zeros((FINE, FINE, 3), np.float32)
    gap = chance.choice([0, 1])
    for colour in range(3):
        pixel[: FINE - 1, 2 * colour : 2 * colour + 2 - gap, colour] = 1
    if chance.random() < 0.5:
        pixel = pixel[..., ::-1]
    if chance.random() < 0.3:  # a screen held upright
        pixel = pixel.transpose(1, 0, 2)
    leak = chance.uniform(0.05, 0.3)
    return np.tile(leak + (1 - leak) * pixel, (height // FINE, width // FINE, 1))


def _photographed(light: NDArray[np.float32], unit: float, period: float, chance: random.Random) -> Image.Image:
    """`unit`: periods of the grid for each point of `light`; `period`: camera pixels for each period."""
    height, width = light.shape[:2]
    scale = period * unit
    out = round(width * scale), round(height * scale)
    lean = [chance.uniform(0.0, 0.08) for _ in range(8)]
    corners = np.array(
        [
            (lean[0], lean[1]),
            (1 - lean[2], lean[3]),
            (1 - lean[4], 1 - lean[5]),
            (lean[6], 1 - lean[7]),
        ],
        np.float32,
    )
    turn = np.deg2rad(chance.uniform(-8, 8))
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]], np.float32)
    filled = (corners - 0.5) @ spin.T * 1.12 + 0.5  # the screen fills the view
    there = np.asarray(filled * np.array(out) * SUPERSAMPLED, np.float32)
    here = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    view = cv2.getPerspectiveTransform(here, there)
    reach = max(1 / (scale * SUPERSAMPLED), 1e-3)
    soft = cv2.GaussianBlur(light, (0, 0), max(0.35 * reach, 0.3))
    size = out[0] * SUPERSAMPLED, out[1] * SUPERSAMPLED
    seen = cv2.warpPerspective(soft, view, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    seen = cv2.GaussianBlur(seen, (0, 0), chance.uniform(0.35, 0.8) * SUPERSAMPLED)
    seen = cv2.resize(seen, out, interpolation=cv2.INTER_AREA)
    return _developed(np.asarray(seen, np.float32), chance)


def _developed(light: NDArray[np.float32], chance: random.Random) -> Image.Image:
    """What the camera makes of the light that falls onto its pixels."""
    light = light * np.float32(chance.uniform(0.75, 1.15))
    seed = np.random.default_rng(chance.randrange(2**32))
    noise = chance.uniform(0.002, 0.01)
    light = light + seed.normal(0, 1, light.shape).astype(np.float32) * np.sqrt(noise**2 + noise * 0.05 * light)
    mosaic = np.empty(light.shape[:2], np.float32)
    mosaic[0::2, 0::2], mosaic[1::2, 1::2] = light[0::2, 0::2, 0], light[1::2, 1::2, 2]
    mosaic[0::2, 1::2], mosaic[1::2, 0::2] = light[0::2, 1::2, 1], light[1::2, 0::2, 1]
    raw = (np.clip(mosaic, 0, 1) * 65535).astype(np.uint16)
    picture = np.asarray(cv2.cvtColor(raw, cv2.COLOR_BayerRGGB2RGB), np.float32) / 65535
    shown = _encoded(np.asarray(picture, np.float32))
    if (sharp := chance.uniform(0, 0.8)) > 0.2:
        shown = np.clip(shown + sharp * (shown - cv2.GaussianBlur(shown, (0, 0), 1.0)), 0, 1)
    photograph = Image.fromarray((255 * shown).round().astype(np.uint8))
    if chance.random() < 0.5:
        smaller = chance.uniform(0.5, 0.95)
        size = round(photograph.width * smaller), round(photograph.height * smaller)
        photograph = photograph.resize(size, Image.Resampling.LANCZOS)
    file = io.BytesIO()
    photograph.save(file, "JPEG", quality=chance.randint(75, 95))
    return Image.open(file).convert("RGB")


def _linear(levels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """SRGB to light, IEC 61966-2-1."""
    shown = levels.astype(np.float32) / 255
    return np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4).astype(np.float32)


def _encoded(light: NDArray[np.float32]) -> NDArray[np.float32]:
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055).astype(np.float32)
