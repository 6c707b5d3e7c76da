"""One picture seen in another's frame. Maps are 3x3 and carry pixels of the frame to pixels of the picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HALF = 0.5
"""Of a pixel: its middle from its edge."""
MOST_ALIASED = 1.5
"""By how much a picture may be shrunk without averaging it first."""


def between_middles(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """A map between edges of pixels as one between their middles, which is what pictures are numbered by."""
    half = np.array([[1, 0, HALF], [0, 1, HALF], [0, 0, 1]])
    return np.asarray(np.linalg.inv(half) @ matrix @ half, np.float64)


def warped(picture: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture seen through a map from the frame's pixels to its own; shrunk pictures are averaged first."""
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if shrink > MOST_ALIASED:
        height, width = picture.shape[:2]
        smaller = (max(1, round(width / shrink)), max(1, round(height / shrink)))
        matrix = between_middles(np.diag([smaller[0] / width, smaller[1] / height, 1.0])) @ matrix
        picture = np.asarray(cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpPerspective(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8)


def inside(picture: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Where the map stays within the picture: where the pixel that is nearest exists."""
    there = np.ones(picture.shape[:2], np.uint8)
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(there, matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT), bool)


def averaged(levels: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """(rows, columns): the mean of each whole block of `side` by `side` pixels."""
    rows, columns = levels.shape[0] // side, levels.shape[1] // side
    whole = levels[: rows * side, : columns * side]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
