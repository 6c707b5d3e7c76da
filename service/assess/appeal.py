"""What a viewer sees at a glance: light, contrast and colour. Each number is 0..1 and read from the whole picture, small."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLACK, WHITE = 4, 251
"""Grey levels up to and from which a pixel counts as clipped."""
BRIGHTEST: Final = 0.001
"""Share of a picture that may be brighter than where its lights are said to end."""
PILED: Final = 6
"""Grey levels within which lights lie that were cut off: a save as JPEG spreads them."""
CUT_OFF: Final = 0.008
"""Share of a picture that must lie there."""
LIGHT, ENOUGH = 128, 2000
"""Grey level from which levels are lights, and pixels that tell where they end."""
FULL_CONTRAST: Final = 64.0
"""Standard deviation of grey levels that reads as 1: half the range on either side of the middle, evenly."""
EXTREMELY_COLOURFUL: Final = 109.0
"""Hasler and Susstrunk's word for the number that reads as 1 here."""


class Levels(NamedTuple):
    """The grey levels of a picture: how much of it has each, adding up to 1, their mean, and of how many pixels."""

    shares: NDArray[np.float64]
    mean: float
    pixels: int


def grey_levels(grey: NDArray[np.uint8]) -> Levels:
    shares = np.bincount(grey.ravel(), minlength=256) / grey.size
    return Levels(shares, float((shares * _LEVELS).sum()), grey.size)


def exposure(levels: Levels) -> float:
    """(1 - clipped) (1 - (2 m - 1)^4): the share of pixels that are not clipped, less for a mean m (0..1) near an end."""
    clipped = float(levels.shares[: BLACK + 1].sum() + levels.shares[WHITE:].sum())
    # Shares add up to 1 but for a rounding.
    return max(0.0, 1 - clipped) * max(0.0, 1 - (2 * levels.mean / 255 - 1) ** 4)


def lights_cut_at(levels: Levels) -> int | None:
    """The grey level at which lights are cut off: more of the picture lies at its brightest levels than right below them.

    White as a camera or a program leaves it, and less if it was darkened since. None where lights run out, as most do, and
    where a picture is dark or tiny.
    """
    end = 255 - int(np.searchsorted(np.cumsum(levels.shares[::-1]), BRIGHTEST))
    first = max(0, end - PILED + 1)
    piled, below = levels.shares[first:].sum(), levels.shares[max(0, first - PILED) : first].sum()
    tells = end >= LIGHT and levels.pixels >= ENOUGH
    return end if tells and piled > max(CUT_OFF, below) else None


def contrast(levels: Levels) -> float:
    """Root mean square contrast: the standard deviation of the grey levels over FULL_CONTRAST, 1 at most."""
    variance = float((levels.shares * (_LEVELS - levels.mean) ** 2).sum())
    return min(1.0, math.sqrt(variance) / FULL_CONTRAST)


def colourfulness(picture: NDArray[np.uint8]) -> float:
    """Hasler and Susstrunk's M ("Measuring colorfulness in natural images", 2003) over 109, 1 at most."""
    red, green, blue = (picture[..., n].astype(np.float32) for n in range(3))
    difference = red - green, (red + green) / 2 - blue
    spread = float(np.hypot(*(part.std() for part in difference)))
    centre = float(np.hypot(*(part.mean() for part in difference)))
    return min(1.0, (spread + 0.3 * centre) / EXTREMELY_COLOURFUL)


_LEVELS: Final = np.arange(256)
