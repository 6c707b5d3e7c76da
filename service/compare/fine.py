"""Does what is fine agree as well? Look-alikes agree in what is coarse.

Two motorcycles of one make, photographed alike, find nearly all their cells in one another: their outlines are the
same. What is finer than a few pixels of the frame is not. A copy's fine detail agrees wherever nothing lies on it; and
what lies on it has nothing to do with what is below, so there it agrees as often as it contradicts. So each small block
of the reference that has something fine is correlated with the same block of the query, and what counts is how the
worst of them do: of look-alikes a tenth of the blocks contradicts, of copies, under stripes too, hardly any.

A blurred copy has nothing fine left. Where the query has next to none of what the reference has, the next coarser
band is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from service.compare.warp import averaged, between_middles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.compare.cells import Laid

    Floats = NDArray[np.float32]

BLOCK = 8
"""Pixels of the frame."""
BANDS = ((0.7, 1.4), (1.4, 2.8))
"""Widths of the smoothings (sigma, pixels of the frame) between which a band lies, finest first."""
LEAST_ENERGY = 1.0
"""Mean square, in grey levels, of a block of the reference that has anything fine in it."""
LEAST_KEPT = 0.1
"""Of the reference's energy, in half of its blocks: with less the query is blurred, and the next band is looked at."""
_NOTHING = 0.25
"""Added to each energy: next to nothing correlates with nothing."""
LEAST_BLOCKS = 8
TENTH, FIFTH = 10, 20
"""Of the blocks, in percent."""


@dataclass(frozen=True, slots=True)
class Fine:
    """Correlations, -1..1, below which a tenth and a fifth of the blocks lie; 0 of too few blocks."""

    tenth: float
    fifth: float
    heard: float
    """Share of the blocks that are seen whole in which the reference has anything fine, 0..1."""


UNHEARD = Fine(0.0, 0.0, 0.0)
AT_ODDS = Fine(-1.0, -1.0, 0.0)
"""Of a map that was given up: in a frame so coarse look-alikes agree best."""


def fine_of(laid: Laid, drawn: NDArray[np.float64]) -> Fine:
    """`drawn` (3, 3) carries a pixel of the frame to where `laid.query` shows it."""
    height, width = laid.seen.shape
    if min(height, width) < BLOCK:
        return UNHEARD
    reference, query = (
        cv2.cvtColor(one, cv2.COLOR_RGB2GRAY).astype(np.float32) for one in (laid.reference, laid.query)
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    query = np.asarray(
        cv2.warpPerspective(
            query, between_middles(drawn), (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE
        ),
        np.float32,
    )
    alike, heard = _correlations(query, reference, laid.seen)
    if len(alike) < LEAST_BLOCKS:
        return UNHEARD
    tenth, fifth = np.percentile(alike, (TENTH, FIFTH)).tolist()
    return Fine(tenth, fifth, heard)


def _correlations(query: Floats, reference: Floats, seen: NDArray[np.bool_]) -> tuple[Floats, float]:
    """Of the blocks that are seen whole and in which the reference has something fine; and the share that these are."""
    whole = averaged(seen.astype(np.float32), BLOCK) == 1
    alike, share = np.zeros(0, np.float32), 0.0
    for band in BANDS:
        here, there = (_between(one, *band) for one in (query, reference))
        of_query, of_reference, shared = (averaged(one, BLOCK) for one in (here * here, there * there, here * there))
        heard = whole & (of_reference > LEAST_ENERGY)
        scales = np.sqrt((of_query + _NOTHING) * (of_reference + _NOTHING))
        alike = np.asarray((shared / scales)[heard], np.float32)
        share = float(heard.sum() / max(1, whole.sum()))
        if heard.any() and np.median(of_query[heard] / of_reference[heard]) >= LEAST_KEPT:
            break
    return alike, share


def _between(levels: Floats, fine: float, coarse: float) -> Floats:
    return _softened(levels, fine) - _softened(levels, coarse)


def _softened(levels: Floats, sigma: float) -> Floats:
    size = 2 * round(2.5 * sigma) + 1
    return np.asarray(cv2.GaussianBlur(levels, (size, size), sigma), np.float32)
