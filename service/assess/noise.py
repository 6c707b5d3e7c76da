"""Noise: what is left of a smooth place once every plane and ramp is taken out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BLOCK: Final = 8
SMOOTHEST: Final = 0.2
"""The noise is read where a fifth of the blocks are smoother, so that detail is not taken for it."""


def noise(tiles: Sequence[NDArray[np.float32]]) -> float:
    """Standard deviation of the noise in grey levels, by Immerkaer's mask ("Fast noise variance estimation", 1996).

    The mean over the smooth blocks of a picture rather than over all of it. A detailed picture reads up to a few levels
    although it has no noise; white noise is read a tenth too small.
    """
    smooth = []
    for tile in tiles:
        left = np.abs(cv2.filter2D(tile, cv2.CV_32F, _MASK))
        height, width = (side // BLOCK * BLOCK for side in left.shape)
        if not height or not width:
            return 0.0
        size = (width // BLOCK, height // BLOCK)
        smooth.append(cv2.resize(left[:height, :width], size, interpolation=cv2.INTER_AREA).ravel())
    blocks = np.concatenate(smooth)
    place = int(SMOOTHEST * (len(blocks) - 1))
    return float(np.partition(blocks, place)[place]) * _SCALE


_MASK: Final = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
_SCALE: Final = float(np.sqrt(np.pi / 2)) / 6
"""White noise of standard deviation 1 leaves 6 behind the mask; its mean size is sqrt(2 / pi) of that."""
