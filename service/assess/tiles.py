"""What of a picture is looked at: all of a small one, a few tiles of a large one, so that cost does not grow with size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE = 320
"""Side of a tile in pixels: room for four of the half overlapping stretches that spectra are taken of."""
MOST_TILES = 5
"""A picture with more pixels than five tiles is judged on five: one in the middle, four half-way to the corners."""

PLACES = ((0.5, 0.5), (0.2, 0.2), (0.8, 0.2), (0.2, 0.8), (0.8, 0.8))
"""Where tiles lie, as shares (across, down) of the room that there is for them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The parts of a picture that its quality is judged by, in colour (uint8) and in grey (float32, 0..255)."""

    width: int
    height: int
    colour: tuple[NDArray[np.uint8], ...]
    grey: tuple[NDArray[np.float32], ...]

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6


def take_sample(picture: NDArray[np.uint8]) -> Sample:
    """The sample of an upright RGB picture (H, W, 3). Tiles begin at multiples of eight, as JPEG's blocks do."""
    height, width, _ = picture.shape
    if height * width <= MOST_TILES * TILE * TILE:
        tiles = [np.ascontiguousarray(picture)]
    else:
        corners = dict.fromkeys((_start(height, down), _start(width, across)) for across, down in PLACES)
        tiles = [np.ascontiguousarray(picture[y : y + TILE, x : x + TILE]) for y, x in corners]
    grey = [cv2.cvtColor(tile, cv2.COLOR_RGB2GRAY).astype(np.float32) for tile in tiles]
    return Sample(width, height, tuple(tiles), tuple(grey))


def _start(side: int, share: float) -> int:
    return max(0, round(share * (side - TILE))) // 8 * 8


def steps(tile: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """(n,): the mean size of each step from one column of a grey tile (axis 1) or row (axis 0) to the next; of every other
    row or column.
    """
    change = cv2.absdiff(tile[::2, 1:], tile[::2, :-1]) if axis else cv2.absdiff(tile[1:, ::2], tile[:-1, ::2])
    return np.asarray(cv2.reduce(change, 1 - axis, cv2.REDUCE_AVG).ravel(), np.float32)
