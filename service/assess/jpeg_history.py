"""Whether a picture was a JPEG before it became this file, told by its pixels.

JPEG rounds the coefficients of 8x8 blocks to multiples of a table's steps. Whatever the pixels are saved as afterwards,
their coefficients still lie near those multiples (Fan and de Queiroz, "Identification of bitmap compression history",
2003), and where light or contrast was changed since, near the same multiples stretched. So the coefficients of the luma
are laid against the steps of the IJG's tables at every quality, each stretched by every factor that is looked for:

    strength = mean of cos(2 pi c / step) over all coefficients c of half a step or more

which is 1 where all lie on the multiples, and about 0 where they lie anywhere. A file that is a JPEG itself lies on its
own table's multiples: there only frequencies count whose step the earlier table would have set elsewhere, or on every other
multiple or fewer; and what was finer than its own table before is told by how its coefficients crowd (`crowding`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from service.assess.compression import COARSEST, MOST_BLOCKS, Earlier, coefficients
from service.assess.crowding import crowding
from service.domain.ijg import ijg_luminance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BIN: Final = 0.5
"""Levels of a coefficient that are counted together."""
BINS: Final = 192
FEWEST: Final = 1000
"""Coefficients that must have a say."""
LEAST_STEP: Final = 1.5
"""Steps that are less drown in what rounding pixels to whole levels adds."""
STEPS: Final = np.geomspace(LEAST_STEP, 200.0, 240)
QUALITIES: Final = np.array([*range(10, 50, 5), *range(50, 99)])
STRETCHES: Final = np.array([1.0, *np.exp(np.linspace(np.log(0.55), np.log(1.65), 56))])
"""The first is none."""
FOUND_FROM, FOUND_FROM_IN_JPEG = (0.15, 0.25), (0.20, 0.30)
"""The strength from which a picture counts as an earlier JPEG, unstretched and stretched; apart for files that are JPEGs
themselves. Of 40 BSDS500 photographs of the fitting half, scaled down to two thirds and so without a history, none reads
more than 0.01 and 0.09; saved once as JPEG at 86 to 100 none more than 0.14 and 0.27; and of all 250 as they are, JPEGs
of 95, none more than 0.17 and 0.20."""
FINE, FOUND_FROM_IN_FINE_JPEG = 90, 0.12
"""From which quality on a JPEG's own steps are so small that less tells of an earlier one, unstretched. Of 749 saves of
those photographs scaled down, once at 90 to 99, one is told of an earlier one, and none of them as they are; of 250 saved
at 95 and then at 96, 245 are.
"""
NEARLY: Final = 0.9
HIDING: Final = 85
"""A JPEG of less than this quality hides what it was before, and has lost more than that anyhow."""
BETWEEN: Final = 0.18
"""How far a step must lie from a multiple of the file's own, as a share of that, to tell an earlier table from it."""


def earlier_save(tiles: Sequence[NDArray[np.float32]], own_quality: int | None) -> Earlier | None:
    """The JPEG that a picture was before, None where none shows. `own_quality`: of the file, if it is a JPEG itself.

    Tiles are grey and begin at multiples of eight. A crop that moved the grid, scaling, blur and noise hide it.
    """
    if own_quality is not None and own_quality < HIDING:
        return None
    plain, stretched = FOUND_FROM if own_quality is None else FOUND_FROM_IN_JPEG
    if own_quality is not None and own_quality >= FINE:
        plain = FOUND_FROM_IN_FINE_JPEG
    found = [
        (strength / least, one)
        for (strength, one), least in zip(strongest(histograms(tiles), own_quality), (plain, stretched), strict=True)
    ]
    times, plainest = max(found)
    if times >= 1:
        return plainest
    return None if own_quality is None else crowding(tiles, own_quality)


def histograms(tiles: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """(len(COARSEST), BINS): how many coefficients of each frequency have which size."""
    sizes = np.abs(np.concatenate([coefficients(tile, MOST_BLOCKS // len(tiles), COARSEST) for tile in tiles]))
    bins = np.minimum(sizes * np.float32(1 / BIN), BINS).astype(np.int32) + np.arange(len(COARSEST)) * (BINS + 1)
    counted = np.bincount(bins.ravel(), minlength=len(COARSEST) * (BINS + 1))
    return counted.reshape(len(COARSEST), BINS + 1)[:, :BINS].astype(np.float32)


def strongest(counted: NDArray[np.float32], own_quality: int | None) -> list[tuple[float, Earlier]]:
    """The table that the coefficients lie on best as it is, and the table and stretch, each with its strength; less than
    none where too few coefficients have a say.
    """
    waves, heard = _waves(_HEARD_FROM if own_quality is None else _HEARD_FROM_IN_JPEG)
    places = _places(own_quality)
    total, sums = (np.append(counted @ each, np.float32(0)).take(places).sum(axis=2) for each in (heard, waves))
    strength = sums / np.maximum(total, 1)
    strength[total < FEWEST] = -1
    return [_best(strength[:, :1], STRETCHES[:1]), _best(strength, STRETCHES)]


def _best(strength: NDArray[np.float32], stretches: NDArray[np.float64]) -> tuple[float, Earlier]:
    """Of (qualities, stretches). Multiples of a coarse table lie on the steps of one half as coarse too: of two that are
    nearly as plain the coarser is meant.
    """
    most = float(strength.max())
    quality = int(np.flatnonzero(strength.max(axis=1) >= min(most, NEARLY * most))[0])
    stretch = int(strength[quality].argmax())
    return float(strength[quality, stretch]), Earlier(int(QUALITIES[quality]), float(stretches[stretch]))


@cache
def _waves(heard_from: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(BINS, steps): what a coefficient of each size adds to each step, and whether it is asked at all."""
    sizes = (np.arange(BINS) + 0.5) * BIN
    heard = sizes[:, None] >= heard_from * STEPS[None, :]
    return (np.cos(2 * np.pi * sizes[:, None] / STEPS) * heard).astype(np.float32), heard.astype(np.float32)


@cache
def _places(own_quality: int | None) -> NDArray[np.intp]:
    """(qualities, stretches, len(COARSEST)): where each step lies among all sums; behind them if it does not count."""
    tables = np.stack([ijg_luminance(int(quality))[COARSEST] for quality in QUALITIES])
    steps = tables[:, None, :] * STRETCHES[None, :, None]
    nearest = np.rint(np.log(np.maximum(steps, LEAST_STEP) / STEPS[0]) / np.log(STEPS[1] / STEPS[0]))
    places = nearest.clip(0, len(STEPS) - 1).astype(np.intp) + np.arange(len(COARSEST)) * len(STEPS)
    counts = (steps >= LEAST_STEP) & (steps <= STEPS[-1])
    if own_quality is not None:
        times = steps / ijg_luminance(own_quality)[COARSEST]
        counts &= (times > 1 + BETWEEN) & ((np.abs(times - np.rint(times)) > BETWEEN) | _IS_UNSTRETCHED)
    return np.where(counts, places, len(COARSEST) * len(STEPS))


_HEARD_FROM, _HEARD_FROM_IN_JPEG = 0.5, 1.5
_IS_UNSTRETCHED: Final = (STRETCHES == 1)[None, :, None]
