"""Whether a picture looks like what a computer drew: a page, a chat, a table, with or without photographs in it.

Four traits, each a share, read from the same tiles as everything else:

- flat: pixels that equal their right and lower neighbours, as paper and panels do;
- straight: of strong steps, those that go exactly across or exactly down, as frames and letters do;
- crisp: of strong steps across, those with no step at all two pixels before or behind, as nothing seen through a lens has;
- dominant: of all pixels, those of the commonest grey level.

A logistic rule weighs them. Its weights are fitted (training/screenshot.py) on pages made for it and on photographs.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import cv2
import numpy as np

from service.assess.pixelation import block_factor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

STRONG: Final = 40
"""Grey levels of a step that counts as strong."""
LEAST: Final = 32
"""Pixels a side below which there is nothing to judge."""
EVERY: Final = 3
"""Of so many rows one is looked at, with the one below it."""

WEIGHTS: Final = (6.31, 5.79, 3.39, 2.46)
OFFSET: Final = -6.08
"""Fitted by training/screenshot.py on 80 pages, each as it was, as JPEG 85 and scaled to 0.7, and on 251 training
pictures, many of them goods on white, as they are, as JPEGs and enlarged. The offset puts one half where at most one
in a hundred of those lies above; benchmarks/results/quality.json has what it does on photographs."""

SCREENSHOT_FROM: Final = 0.5


class Traits(NamedTuple):
    flat: float
    straight: float
    crisp: float
    dominant: float


def likeness(tiles: Sequence[NDArray[np.float32]]) -> float | None:
    """0..1, one half or more for what is called a screenshot. None of what is too small, or pixelated: there every
    step is straight and crisp, whatever it shows.
    """
    found = traits(tiles)
    if found is None:
        return None
    weight = OFFSET + sum(each * trait for each, trait in zip(WEIGHTS, found, strict=True))
    risk = 1 / (1 + math.exp(-weight))
    return None if risk >= SCREENSHOT_FROM and block_factor(tiles) > 1 else risk


def traits(tiles: Sequence[NDArray[np.float32]]) -> Traits | None:
    """Of a picture's grey tiles; None of one smaller than LEAST."""
    counts = np.zeros(7)
    levels = np.zeros(256)
    for tile in tiles:
        if min(tile.shape) < LEAST:
            return None
        rows, below = (tile[start:end:EVERY].astype(np.uint8) for start, end in ((0, -1), (1, None)))
        across, down = (_step(rows[:, 1:], rows[:, :-1]), _step(below[:, :-1], rows[:, :-1]))
        still_across, still_down = across == 0, down == 0
        strong_across, strong_down = across > STRONG, down > STRONG
        inner = strong_across[:, 2:-2]
        shown = (
            still_across & still_down,
            strong_across | strong_down,
            (strong_across & still_down) | (strong_down & still_across),
            inner,
            inner & (still_across[:, :-4] | still_across[:, 4:]),
        )
        counts += [across.size, *(int(np.count_nonzero(each)) for each in shown), rows.size]
        levels += np.bincount(rows.ravel(), minlength=256)
    pixels, flat, strong, straight, steps, crisp, whole = counts.tolist()
    return Traits(flat / pixels, straight / max(strong, 1.0), crisp / max(steps, 1.0), float(levels.max()) / whole)


def _step(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.absdiff(one, other), np.uint8)
