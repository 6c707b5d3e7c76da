"""Blocks of one colour: what pixelation leaves, and enlarging without a filter; and steps that are large by turns.

Seen column by column, such a picture changes at the edges of its blocks and nowhere else. The edges lie at even
distances; their mean distance is the factor. Where a picture was made exactly twice as large, JPEG may blur the blocks and
a filter round them, but every other step is the smaller one still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from service.assess.compression import BLOCK
from service.assess.tiles import steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EDGE: Final = 0.05
"""An edge is a column whose mean difference from the one before is this share of the largest around it, or more."""
AROUND: Final = 65
EVEN: Final = 0.9
"""Share of the distances between edges that must be less than a pixel from a whole number of blocks: neighbours may be
of one colour."""
FEWEST: Final = 8
"""Edges in a tile, at the least, to speak of a rhythm."""
GLANCED: Final = 16
"""Rows of a tile that are glanced at first."""
NEARLY, SOME = 1.0, 0.4
"""Grey levels up to which neighbours count as equal, and the share of them without which there can be no blocks."""
LEAST, LARGEST = 1.5, 32.0
"""Sides that are told; a column without a change here and there is no block."""

UNEVEN: Final = 0.8
"""Usual size of every other step by that of the others, in the direction in which they are the more even, below which a
picture was made twice as large. Of 250 untouched photographs of the fitting half none is below 0.91, saved as JPEG 20 none
below 0.86, as JPEG 10 one. Of 60 enlarged by the nearest pixel or a sharp filter (Hamming) and saved as JPEG from 75 on
all are, at 50 57 and 51."""
LEAST_STEP: Final = 0.5
"""Grey levels of the larger steps, below which there is nothing to compare."""


def block_factor(tiles: Sequence[NDArray[np.float32]]) -> float:
    """Mean side of the blocks in pixels; 1 where most tiles have none across, or none down."""
    sides = []
    if not any(_has_equal_neighbours(tile) for tile in tiles):
        return 1.0
    for tile in tiles:
        across, down = _side(tile, 1), _side(tile, 0)
        sides.append(float(np.sqrt(across * down)) if min(across, down) > 1 else 1.0)
    return sorted(sides)[len(sides) // 2]


def is_doubled(tiles: Sequence[NDArray[np.float32]]) -> bool:
    """Whether steps between pixels are large and small by turns, both across and down. Tiles begin at multiples of eight."""
    # From column to column is quicker told than from row to row, and nearly every picture is done with by it.
    return all(_evenness(tiles, axis) < UNEVEN for axis in (1, 0))


def _evenness(tiles: Sequence[NDArray[np.float32]], axis: int) -> float:
    """Usual size of every other step by that of the others, the smaller by the larger. Of each the middle of four phases,
    so that the edges of JPEG's blocks do not count, wherever they lie; and of each phase the median, so that the few
    edges of a drawing or a page do not.
    """
    phases: list[list[NDArray[np.float32]]] = [[] for _ in range(BLOCK)]
    for tile in tiles:
        profile = steps(tile, axis)
        for place, phase in enumerate(phases):
            phase.append(profile[place::BLOCK])
    usual = np.array([np.median(np.concatenate(phase)) for phase in phases])
    low, high = sorted((float(np.median(usual[::2])), float(np.median(usual[1::2]))))
    return low / high if high > LEAST_STEP else 1.0


def _has_equal_neighbours(tile: NDArray[np.float32]) -> bool:
    """A glance at a few rows: blocks of two pixels already make every other neighbour equal."""
    rows = tile[:: max(1, tile.shape[0] // GLANCED)]
    return int(np.count_nonzero(np.abs(rows[:, 1:] - rows[:, :-1]) <= NEARLY)) >= SOME * rows.size


def _side(tile: NDArray[np.float32], axis: int) -> float:
    profile = steps(tile, axis).reshape(1, -1)
    around = cv2.dilate(profile, np.ones((1, AROUND), np.uint8))
    edges = np.flatnonzero((profile >= EDGE * around) & (around > 0))
    if len(edges) < FEWEST:
        return 1.0
    distances = np.diff(edges)
    least = distances <= 1.5 * np.sort(distances)[len(distances) // 5]
    side = float(distances[least].mean())
    blocks = np.rint(distances / side)
    if (np.abs(distances - blocks * side) < 1).mean() < EVEN:
        return 1.0
    side = float(distances.sum() / blocks.sum())
    return side if LEAST <= side <= LARGEST else 1.0
