"""Blocks of one colour: what pixelation leaves, and enlarging without a filter.

Seen column by column, such a picture changes at the edges of its blocks and nowhere else. The edges lie at even
distances; their mean distance is the factor.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

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


def block_factor(tiles: Sequence[NDArray[np.float32]]) -> float:
    """Mean side of the blocks in pixels; 1 where most tiles have none across, or none down."""
    sides = []
    if not any(_has_equal_neighbours(tile) for tile in tiles):
        return 1.0
    for tile in tiles:
        across, down = _side(tile, 1), _side(tile, 0)
        sides.append(float(np.sqrt(across * down)) if min(across, down) > 1 else 1.0)
    return sorted(sides)[len(sides) // 2]


def _has_equal_neighbours(tile: NDArray[np.float32]) -> bool:
    """A glance at a few rows: blocks of two pixels already make every other neighbour equal."""
    rows = tile[:: max(1, tile.shape[0] // GLANCED)]
    return int(np.count_nonzero(np.abs(rows[:, 1:] - rows[:, :-1]) <= NEARLY)) >= SOME * rows.size


def _side(tile: NDArray[np.float32], axis: int) -> float:
    change = cv2.absdiff(tile[::2, 1:], tile[::2, :-1]) if axis else cv2.absdiff(tile[1:, ::2], tile[:-1, ::2])
    profile = cv2.reduce(change, 1 - axis, cv2.REDUCE_AVG).reshape(1, -1)
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
