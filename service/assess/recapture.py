"""Whether a picture is a photograph of a screen or of a print: a grid lies over all of it.

Screens shine in a grid of pixels, prints lie in a grid of dots, and a camera that looks at either sees that grid, or the
slower beat of it with its own pixels (moiré). Wherever in the picture, it has the same frequencies, and what the picture
shows has not. So the log power spectra of all its blocks are averaged: noise and what is shown even out, and a grid
stands out as a point. How far out is told in the deviations that such a mean of so many blocks has by itself.

Points on the axes are left out, for JPEG, enlarging and buildings make those, and so are low frequencies, where woven
cloth, bricks and waves lie. A screen that was taken exactly straight may hide on the axes, and a grid that is finer than
the camera's pixels leaves nothing. Cloth and paper with a fine even pattern all over look just the same.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

BLOCK: Final = 64
"""Side of a block in pixels."""
MOST_BLOCKS: Final = 64
"""Blocks of which spectra are taken, evenly picked of more."""
LEAST_BLOCKS: Final = 4
"""Blocks that show anything, below which there is nothing to average."""
LEAST_CONTRAST: Final = 1.0
"""Standard deviation in grey levels of a block that shows something."""
LOWEST: Final = 0.2
"""Cycles a pixel below which a point may be anything."""
OFF_AXIS: Final = 1.5
"""Steps of the spectrum by which a point must lie beside either axis."""
AROUND: Final = 5
"""Steps a side of the window whose median a point stands out of: no ridge of a spectrum does, only a point."""

FAINT: Final = np.float32(250)
"""Power in a block below which no wave counts: that of white noise of two thirds of a grey level, which saving leaves."""

CALLED_FROM: Final = 5.0
"""How far the point must stand out. By training/recapture.py on the fitting half of BSDS500: of photographs as they are,
saved coarsely, enlarged, made smaller and turned, 1 % stand out by 4.1 to 4.7, each kind by itself."""
STEEPNESS: Final = 2.0
"""How fast the risk grows there: half of all photographs read 0.02 or less."""
RECAPTURED_FROM: Final = 0.5


def recapture_risk(tiles: Sequence[NDArray[np.float32]]) -> float | None:
    """0..1, one half or more for what is called a recapture. None where too little is there to average."""
    found = grid_strength(tiles)
    return None if found is None else 1 / (1 + math.exp(STEEPNESS * (CALLED_FROM - found)))


def grid_strength(tiles: Sequence[NDArray[np.float32]]) -> float | None:
    """How far the strongest point of the mean log spectrum of the grey tiles stands out of what lies around it."""
    blocks = [block for tile in tiles for block in _blocks(tile)]
    every = max(1, math.ceil(len(blocks) / MOST_BLOCKS))
    spectra = [spectrum for block in blocks[::every] if (spectrum := _log_spectrum(block)) is not None]
    if len(spectra) < LEAST_BLOCKS:
        return None
    mean = np.sum(spectra, axis=0) / np.float32(len(spectra))
    mean = np.fft.fftshift(mean, axes=0)
    out = mean - cv2.medianBlur(mean, AROUND)
    return float(out[_LOOKED_AT].max()) * math.sqrt(len(spectra))


def _blocks(tile: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """The whole blocks of a tile, side by side."""
    height, width = tile.shape
    for top in range(0, height - BLOCK + 1, BLOCK):
        for left in range(0, width - BLOCK + 1, BLOCK):
            yield tile[top : top + BLOCK, left : left + BLOCK]


def _log_spectrum(block: NDArray[np.float32]) -> NDArray[np.float32] | None:
    """(BLOCK, BLOCK / 2 - 1): without the columns of no wave across, and of the shortest. None if it shows nothing."""
    level, spread = cv2.meanStdDev(block)
    if spread[0, 0] < LEAST_CONTRAST:
        return None
    # As OpenCV packs a spectrum, columns 1 and 2 are the real and the imaginary part of one cycle a block, and so on.
    waves = cv2.dft(cv2.multiply(cv2.subtract(block, level[0, 0]), _WINDOW))
    power = cv2.mulSpectrums(waves, waves, 0, conjB=True)[:, 1:-1:2]
    return np.asarray(cv2.log(power + FAINT), np.float32)


_WINDOW: Final = np.outer(np.hanning(BLOCK), np.hanning(BLOCK)).astype(np.float32)
_DOWN: Final = np.fft.fftshift(np.fft.fftfreq(BLOCK))[:, None]
_ACROSS: Final = np.arange(1, BLOCK // 2)[None, :] / BLOCK
_LOOKED_AT: Final = (
    (np.hypot(_DOWN, _ACROSS) > LOWEST) & (np.abs(_DOWN) * BLOCK > OFF_AXIS) & (np.abs(_ACROSS) * BLOCK > OFF_AXIS)
)
