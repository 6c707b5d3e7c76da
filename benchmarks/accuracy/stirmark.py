"""StirMark Benchmark 4's list of attacks, made again from its published table; none of its code is used.

Petitcolas, Anderson and Kuhn, "Attacks on copyright marking systems", 1998; Petitcolas, "Watermarking schemes
evaluation", 2000. The two tests of a watermark's own (PSNR and EmbedTime) say nothing about copies and are left out.
Where the table is vague, the function's docstring says how we read it.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Floats = NDArray[np.float32]
    Attack = Callable[[Pixels, float, np.random.Generator], Pixels]

SMALL_ANGLES = (-2, -1, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1, 2)
VALUES: dict[str, tuple[float, ...]] = {
    "AddNoise": (0, 20, 40, 60, 80, 100),
    "JPEG": (15, 20, 25, 30, 35, 40, 50, 60, 70, 80, 90, 100),
    "MedianCut": (3, 5, 7, 9),
    "ConvFilter": (1, 2),
    "SelfSimilarities": (1, 2, 3),
    "RemoveLines": (10, 20, 30, 40, 50, 60, 70, 80, 90, 100),
    "Cropping": (1, 2, 5, 10, 15, 20, 25, 50, 75),
    "Rescale": (50, 75, 90, 110, 150, 200),
    "Rotation": (*SMALL_ANGLES, 5, 10, 15, 30, 45, 90),
    "RotationCrop": SMALL_ANGLES,
    "RotationScale": SMALL_ANGLES,
    "Affine": (1, 2, 3, 4, 5, 6, 7, 8),
    "SmallRandomDistortions": (0.95, 1, 1.05, 1.1),
    "LatestSmallRandomDistortions": (0.95, 1, 1.05, 1.1),
}
KERNELS: dict[int, Floats] = {
    1: np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]], np.float32) / np.float32(16),
    2: np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], np.float32),
}
AFFINE = {
    1: ((1, 0), (0.01, 1)),
    2: ((1, 0), (0.05, 1)),
    3: ((1, 0.01), (0, 1)),
    4: ((1, 0.05), (0, 1)),
    5: ((1, 0.05), (0.05, 1)),
    6: ((1.010, 0.013), (0.009, 1.011)),
    7: ((1.007, 0.010), (0.010, 1.012)),
    8: ((1.013, 0.008), (0.011, 1.008)),
}
"""Shears of rows and columns by 1 and 5 %, both by 5 %, and three matrices near identity."""
NOISE_AT_TWENTY = 146
"""Grey levels: uniform noise of plus or minus so much is 9.6 dB, what was published for the value 20."""
BLOCK = 8
REACH = 16
"""Pixels that a block's most similar one is looked for within."""


def attacked(picture: Pixels, name: str, value: float, rng: np.random.Generator) -> Pixels:
    """The RGB picture (H, W, 3) after that test with that value."""
    return ATTACKS[name](picture, value, rng)


def add_noise(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    """Read as uniform noise in each channel that grows with the value, by the one level that was published."""
    most = NOISE_AT_TWENTY * value / 20
    return _clipped(picture + rng.uniform(-most, most, picture.shape))


def jpeg(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    del rng
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=round(value))
    with Image.open(out) as image:
        return np.asarray(image.convert("RGB"))


def median_cut(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    """A median filter of that many pixels a side."""
    del rng
    return np.asarray(cv2.medianBlur(picture, round(value)), np.uint8)


def conv_filter(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    """1 blurs, 2 sharpens, by a kernel of 3x3."""
    del rng
    return np.asarray(cv2.filter2D(picture, -1, KERNELS[round(value)]), np.uint8)


def self_similarities(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    """Read as: each block of 8x8 gives way to the most similar one near by, in the first 1, 2 or 3 of Y, Cr and Cb."""
    del rng
    before = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb).astype(np.float32)
    after = before.copy()
    channels = round(value)
    height, width = picture.shape[:2]
    for top in range(0, height - BLOCK + 1, BLOCK):
        for left in range(0, width - BLOCK + 1, BLOCK):
            block = before[top : top + BLOCK, left : left + BLOCK, :1]
            up, back = max(0, top - REACH), max(0, left - REACH)
            around = before[up : top + BLOCK + REACH, back : left + BLOCK + REACH]
            differences = np.asarray(cv2.matchTemplate(around[..., :1].copy(), block.copy(), cv2.TM_SQDIFF))
            differences[top - up, left - back] = np.inf
            y, x = np.unravel_index(int(differences.argmin()), differences.shape)
            most_similar = around[y : y + BLOCK, x : x + BLOCK, :channels]
            after[top : top + BLOCK, left : left + BLOCK, :channels] = most_similar
    return np.asarray(cv2.cvtColor(_clipped(after), cv2.COLOR_YCrCb2RGB), np.uint8)


def remove_lines(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    """Read as: every so manieth row and column goes."""
    del rng
    every = round(value)
    kept = [np.flatnonzero(np.arange(side) % every != every - 1) for side in picture.shape[:2]]
    return np.ascontiguousarray(picture[np.ix_(*kept)])


def cropping(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    """Read as the per cent of each side that goes; the centre stays."""
    del rng
    return _centre(picture, picture.shape[1] * (1 - value / 100), picture.shape[0] * (1 - value / 100))


def rescale(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    del rng
    return _sized(picture, round(picture.shape[1] * value / 100), round(picture.shape[0] * value / 100))


def rotation(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    """In a frame that grows with it, with black corners."""
    del rng
    return np.asarray(Image.fromarray(picture).rotate(value, Image.Resampling.BICUBIC, expand=True))


def rotation_crop(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    """The largest window of the picture's shape without black corners; for the small angles of the table."""
    height, width = picture.shape[:2]
    sine, cosine = abs(math.sin(math.radians(value))), abs(math.cos(math.radians(value)))
    share = min(width / (width * cosine + height * sine), height / (height * cosine + width * sine))
    return _centre(rotation(picture, value, rng), width * share, height * share)


def rotation_scale(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    """The same, at the size the picture had."""
    return _sized(rotation_crop(picture, value, rng), picture.shape[1], picture.shape[0])


def affine(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    """About the centre, in the picture's own frame, with black corners."""
    del rng
    height, width = picture.shape[:2]
    matrix = np.array(AFFINE[round(value)], np.float64)
    centre = np.array([width / 2, height / 2])
    full = np.column_stack([matrix, centre - matrix @ centre])
    return np.asarray(cv2.warpAffine(picture, full, (width, height), flags=cv2.INTER_CUBIC), np.uint8)


def small_distortions(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    """Read as version 3.1's random bend, times the value.

    Corners move by up to 2 % of the sides inwards and 0.7 % outwards, the middle bulges by up to 2 pixels, each pixel
    trembles by 0.1, colours by 1.5 grey levels, and JPEG 70 follows.
    """
    return _bent(picture, value, rng, waves=1)


def latest_distortions(picture: Pixels, value: float, rng: np.random.Generator) -> Pixels:
    """Read as the same with a finer bend as well, of six waves a side."""
    return _bent(picture, value, rng, waves=6)


def _bent(picture: Pixels, value: float, rng: np.random.Generator, waves: int) -> Pixels:
    height, width = picture.shape[:2]
    sides = np.array([width, height], np.float32)
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    inwards = 1 - 2 * corners
    moved = (corners + inwards * rng.uniform(-0.007, 0.02, (4, 2)).astype(np.float32) * value) * sides
    back = cv2.getPerspectiveTransform(moved.astype(np.float32), corners * sides)
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
    places = cv2.perspectiveTransform(grid.reshape(-1, 1, 2), back).reshape(height, width, 2)
    across, down = (grid / sides).transpose(2, 0, 1) * math.pi
    bulge = sum(np.sin(count * across) * np.sin(count * down) for count in {1, waves})
    reach = rng.uniform(-2, 2, 2).astype(np.float32) * value
    trembling = rng.normal(0, 0.1 * value, places.shape)
    source = (places + bulge[..., None] * reach + trembling).astype(np.float32)
    bent = cv2.remap(picture, source[..., 0], source[..., 1], cv2.INTER_CUBIC)
    coloured = _clipped(bent + rng.uniform(-1.5, 1.5, picture.shape) * value)
    return jpeg(coloured, 70, rng)


def _centre(picture: Pixels, width: float, height: float) -> Pixels:
    wide, high = max(1, int(width)), max(1, int(height))
    top, left = (picture.shape[0] - high) // 2, (picture.shape[1] - wide) // 2
    return np.ascontiguousarray(picture[top : top + high, left : left + wide])


def _sized(picture: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC))


def _clipped(values: NDArray[np.floating]) -> Pixels:
    clipped: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return clipped


ATTACKS: dict[str, Attack] = {
    "AddNoise": add_noise,
    "JPEG": jpeg,
    "MedianCut": median_cut,
    "ConvFilter": conv_filter,
    "SelfSimilarities": self_similarities,
    "RemoveLines": remove_lines,
    "Cropping": cropping,
    "Rescale": rescale,
    "Rotation": rotation,
    "RotationCrop": rotation_crop,
    "RotationScale": rotation_scale,
    "Affine": affine,
    "SmallRandomDistortions": small_distortions,
    "LatestSmallRandomDistortions": latest_distortions,
}
