"""How much changed between two frames of one fixed camera: the area of what moved, came or went.

Both frames are brought to one width, taken to grey and blurred. Where they differ by more than `LEAST_DIFFERENCE` levels
the spots are joined by two dilations, and the outlines of what is joined are measured. Small outlines are leaves and
noise, and are dropped; the areas of the others together are the change. A frame that differs from another by less than
a chosen change shows nothing new. It says nothing about cameras that move.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

WORKING_WIDTH = 640
MIN_CONTOUR_AREA = 1000.0
MAX_CHANGE = 1000.0
"""The contract's defaults, in pixels of a frame `WORKING_WIDTH` wide."""
LEAST_DIFFERENCE = 45
"""Grey levels."""
_BLUR, _DILATIONS = 5, 2
_NEIGHBOURS = np.ones((3, 3), np.uint8)


def frame(picture: NDArray[np.uint8], working_width: int = WORKING_WIDTH) -> NDArray[np.uint8]:
    """An RGB picture (H, W, 3) as (h, working_width) blurred grey levels, its aspect kept."""
    height, width, _ = picture.shape
    size = (working_width, max(1, round(height * working_width / width)))
    method = cv2.INTER_AREA if width > working_width else cv2.INTER_LINEAR
    grey = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), size, interpolation=method)
    return np.asarray(cv2.GaussianBlur(grey, (_BLUR, _BLUR), 0), np.uint8)


def change(left: NDArray[np.uint8], right: NDArray[np.uint8], min_contour_area: float = MIN_CONTOUR_AREA) -> float:
    """Pixels that changed between two frames; infinite where their shapes differ, for then the camera did."""
    if left.shape != right.shape:
        return float("inf")
    _, differing = cv2.threshold(cv2.absdiff(left, right), LEAST_DIFFERENCE, 255, cv2.THRESH_BINARY)
    if not cv2.hasNonZero(differing):
        return 0.0
    joined = cv2.dilate(differing, _NEIGHBOURS, iterations=_DILATIONS)
    outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    areas = (cv2.contourArea(outline) for outline in outlines)
    return float(sum(area for area in areas if area >= min_contour_area))
