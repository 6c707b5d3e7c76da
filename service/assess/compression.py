"""What lossy compression has left in the pixels: the edges of JPEG's blocks, and coefficients that it made zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from service.assess.tiles import steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BLOCK: Final = 8
MOST_BLOCKS: Final = 1024
"""Blocks of a picture whose coefficients are looked at, evenly spread."""
ZERO: Final = 1.0
"""A coefficient as small as this, in grey levels, was nothing before pixels were rounded."""
FINE: Final = 7
"""Coefficients whose two indices add up to this or more are fine detail, which JPEG's tables treat worst."""
UNSTRETCHED: Final = 0.035
"""How far from 1 a stretch may lie, as a logarithm, and count as none: light and contrast were left alone."""
RESAVED: Final = 0.05
"""Of 60 BSDS500 photographs of the fitting half scaled down to two thirds, sharp, blurred, noisy or enlarged, none
reads more than 0.025; of those saved as JPEG at 98 none less than 0.079, at 95 and below none less than 0.17."""


class Earlier(NamedTuple):
    """A save as JPEG before the file's own: its quality, 1..100, and by how much contrast was stretched since."""

    quality: int
    stretch: float

    @property
    def tones_changed(self) -> bool:
        return abs(float(np.log(self.stretch))) > UNSTRETCHED


def blocking(tiles: Sequence[NDArray[np.float32]]) -> float:
    """0..1: how much larger the step from pixel to pixel is at every eighth place than elsewhere, at the worst phase.

    The excess e of the mean step over that of the other seven phases, as e / (1 + e), mean of both directions. Tiles
    begin at multiples of eight, so that blocks fall together.
    """
    by_phase = [np.zeros((2, BLOCK)), np.zeros((2, BLOCK))]
    for tile in tiles:
        for axis in (0, 1):
            if tile.shape[axis] < 2:  # noqa: PLR2004 - a step needs two
                return 0.0
            profile = steps(tile, axis)
            phase = np.arange(len(profile)) % BLOCK
            by_phase[axis] += np.bincount(phase, profile, BLOCK), np.bincount(phase, minlength=BLOCK)
    excess = [_excess(total / np.maximum(count, 1)) for total, count in by_phase]
    mean = max(0.0, sum(excess) / 2)
    return mean / (1 + mean)


def _excess(step: NDArray[np.float64]) -> float:
    worst = float(step.max())
    others = float(step.sum() - worst) / (BLOCK - 1)
    return worst / others - 1 if others > 0 else 0.0


def was_lossy(tile: NDArray[np.float32]) -> bool:
    """Whether the pixels were JPEG's once, and lie on its grid still. A crop that moved the grid goes unseen."""
    return zeroed_share(tile) >= RESAVED


def zeroed_share(tile: NDArray[np.float32]) -> float:
    """How many more fine coefficients are zero on JPEG's grid than half a block beside it, -1..1.

    Of pixels that JPEG once made there are many more, at whatever format they were saved since; of others none.
    """
    return _zeros(tile) - _zeros(tile[BLOCK // 2 :, BLOCK // 2 :])


def _zeros(tile: NDArray[np.float32]) -> float:
    found = coefficients(tile, MOST_BLOCKS, _FINE)
    return float((np.abs(found) < ZERO).mean()) if found.size else 0.0


def coefficients(tile: NDArray[np.float32], most: int, places: NDArray[np.intp]) -> NDArray[np.float32]:
    """(n, len(places)): of at most about `most` blocks of a grey tile, evenly spread, on JPEG's grid, the coefficients at
    these places of a block, which are counted row by row.
    """
    rows, columns = (side // BLOCK for side in tile.shape)
    blocks = tile[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2)
    blocks = blocks.reshape(-1, BLOCK * BLOCK)[:: max(1, rows * columns // most)]
    return np.asarray(blocks @ _COSINES[:, places], np.float32)


def _cosines() -> NDArray[np.float32]:
    """(64, 64): from the pixels of a block to its coefficients, both row by row."""
    at = np.arange(BLOCK)
    waves = np.cos(np.pi * (2 * at[None, :] + 1) * at[:, None] / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    waves[0] /= np.sqrt(2)
    return np.ascontiguousarray(np.kron(waves, waves).T, np.float32)


def _coarsest(count: int) -> NDArray[np.intp]:
    down, across = np.divmod(np.arange(1, BLOCK * BLOCK), BLOCK)
    return np.asarray(1 + np.argsort(down + across, kind="stable")[:count], np.intp)


_COSINES: Final = _cosines()
COARSEST: Final = _coarsest(36)
"""(36,): the places in a block, row by row, of its coarsest coefficients but for its mean. Finer ones are mostly zero."""
_FINE: Final = np.flatnonzero(np.add.outer(np.arange(BLOCK), np.arange(BLOCK)) >= FINE)
