"""Whether a picture lies on the blocks of an earlier JPEG that are not where its own are.

JPEG makes fine coefficients of 8x8 blocks zero. Whoever crops, pads or mirrors the picture and saves it anew moves those
blocks, and on them coefficients are still zero more often than elsewhere (Li, Yuan and Yu, "Passive detection of
doctored JPEG image via block artifact grid extraction", Signal Processing 2009). But what the file's own blocks do to
their surroundings is stronger. It is the same to the left and to the right, above and below; so each of the 63 other
places is held against those that mirror it about the file's own grid:

    strength = mean / standard error, over all blocks, of the zeros there less those at the mirrored place

of the worst of up to three mirrored places. A mirror image of a side that is a multiple of eight puts the blocks back in
place; scaling, blur, noise and coarse saving wipe them out. Either way none is found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from service.assess.compression import BLOCK, ZERO

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FREQUENCIES: Final = (5, 6)
"""Down and across, so four coefficients: of mirrored BSDS500 photographs (fitting half, saved as JPEG 95) these tell most
of the 64."""
FOUND_FROM: Final = 5.0
"""Of 500 pictures made of photographs of the fitting half that were scaled by half, two thirds, 1.25 and 2 and saved as
JPEG 40 to 98 or losslessly once, 32 ways in all, the strongest reads 4.99; of 100 mirrored ones 91 read more."""
FEWEST_BLOCKS: Final = 16
"""Of fewer nothing is certain."""
LIKELIEST: Final = 6
"""Places that are looked at closely: those with most zeros more than their mirrored ones."""


def moved_grid(tiles: Sequence[NDArray[np.float32]]) -> bool:
    """Whether there is one. Tiles are grey, in levels, and begin at multiples of eight."""
    return strength(tiles) >= FOUND_FROM


def strength(tiles: Sequence[NDArray[np.float32]]) -> float:
    """Of the place where most speaks for an earlier grid; 0 for tiles too small to tell."""
    parts = [_zeros(tile) for tile in tiles if min(tile.shape) >= 2 * BLOCK]
    if not parts:
        return 0.0
    zeros = np.concatenate(parts)
    if len(zeros) < FEWEST_BLOCKS:
        return 0.0
    leads, certain = _beside_mirrored(zeros)
    return float(certain[np.argsort(-leads)[:LIKELIEST]].max())


def _beside_mirrored(zeros: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each place (64,): by how much its zeros exceed those of the worst mirrored place, and how certainly."""
    counts = zeros.astype(np.float32)
    # Of whole numbers this small float32 adds exactly; all variances of differences follow from it.
    products = (counts.T @ counts).astype(np.float64) / len(counts)
    squares, means = products.diagonal(), zeros.mean(axis=0, dtype=np.float64)
    leads = means - means[_MIRRORED]
    variances = squares + squares[_MIRRORED] - 2 * products[_PLACES, _MIRRORED] - leads**2
    certain = leads / (np.sqrt(np.maximum(variances, 0) / len(counts)) + 1e-9)
    itself = _MIRRORED == _PLACES
    leads[itself] = certain[itself] = np.inf
    return np.where(_HAS_MIRRORED, leads.min(axis=0), -np.inf), certain.min(axis=0)


def _zeros(tile: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(blocks, 64): how many of the coefficients are nothing, in the block that begins at each of the 64 places."""
    rows, columns = ((side - BLOCK + 1) // BLOCK for side in tile.shape)
    count = np.zeros((rows * BLOCK, columns * BLOCK), np.uint8)
    for falling in _WAVES:
        filtered = cv2.filter2D(tile, cv2.CV_32F, falling[:, None], anchor=(0, 0))
        for wave in _WAVES:
            found = np.asarray(cv2.filter2D(filtered, cv2.CV_32F, wave[None], anchor=(0, 0)))
            count += np.abs(found[: len(count), : count.shape[1]]) < ZERO
    return count.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2).reshape(rows * columns, BLOCK * BLOCK)


_WAVES: Final = tuple(
    (np.cos(np.pi * (2 * np.arange(BLOCK) + 1) * index / (2 * BLOCK)) * np.sqrt(2 / BLOCK)).astype(np.float32)
    for index in FREQUENCIES
)
_PLACES: Final = np.arange(BLOCK * BLOCK)
_DOWN, _ACROSS = np.divmod(_PLACES, BLOCK)
_MIRRORED: Final = np.stack(
    [(up * _DOWN % BLOCK) * BLOCK + back * _ACROSS % BLOCK for up, back in ((-1, 1), (1, -1), (-1, -1))]
)
_HAS_MIRRORED: Final = (_DOWN % (BLOCK // 2) != 0) | (_ACROSS % (BLOCK // 2) != 0)
