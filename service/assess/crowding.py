"""Whether a JPEG was saved from the pixels of an earlier one, told by how its coefficients crowd on its own steps.

A save as JPEG leaves coefficients at whole multiples of its table's steps. Saved anew with other steps, or with light or
contrast stretched in between, they crowd on some multiples of the new ones and leave gaps at others, with a period that
both tables and the stretch set (Popescu and Farid, "Statistical tools for digital forensics", 2004). What was saved once
falls off smoothly. So how many coefficients of each frequency lie on which multiple is read without its smooth course,
and laid against the period t, in steps of its own, that each earlier table and stretch would leave:

    strength = sum of w cos(2 pi m / t) r / sigma^2  over  sqrt(d sum of (w cos(2 pi m / t) / sigma)^2)

over all frequencies and multiples m. r is the logarithm of a count less its smooth course and sigma no less than its
standard deviation, were coefficients independent; d is how many times as far r spreads over all of them, as it does where
blocks are like each other, in text and patterns. So a picture that was saved once reads as noise of about 1. w is how
plainly that period shows: rounding to the new steps blurs it by sinc(1 / t), rounding of the pixels in between by a normal
of PIXELS_ROUNDED grey levels.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from service.assess.compression import COARSEST, Earlier, coefficients
from service.domain.ijg import ijg_luminance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BLOCKS: Final = 8192
"""Blocks of a picture that are looked at, at most about as many: all of five tiles."""
FIRST, LAST = 3, 35
"""Multiples that are asked: below, coefficients fall off too steeply to tell their course, beyond they are few."""
REACH: Final = 4
"""Multiples to either side that the smooth course of one, a parabola, is taken from."""
ROUGH: Final = 0.15
"""By how much a smooth course is missed anyhow, as a logarithm."""
FEWEST: Final = 3
"""Coefficients that a multiple must have to be asked."""
LEAST_STEP: Final = 3
"""Smaller steps of its own are lost in the rounding of pixels."""
PIXELS_ROUNDED: Final = 0.35
GRAIN: Final = 0.01
"""By how much two stretches, or two periods, that are told apart differ, as logarithms."""
STRETCHES: Final = np.array([0, *range(-60, -9), *range(10, 51)])
"""In grains. The first is none; those near it make a period that cannot be told from a smooth course."""
PERIODS: Final = np.exp(GRAIN * np.arange(-200, 201))
WHOLE: Final = 0.08
"""How near to a whole number a period's inverse may be to leave every multiple alike."""
QUALITIES: Final = np.arange(80, 99)
"""Earlier saves that are looked for."""
TELLS: Final = range(85, 97)
"""Qualities of the file itself that show it: below, too few coefficients are left, above, its steps are too small."""
PLAIN_FROM: Final = 4.2
STRETCHED_FROM: Final = 5.8
"""The strength from which a save shows, unstretched and stretched. Of 3,745 photographs of the fitting half, as they are and
scaled, enlarged, blurred, sharpened or cropped off the grid and saved once at 85 to 96, 1 reads more."""
MORE_PLAINLY: Final = 1.1
"""Times the strength of any unstretched table, with which a stretched one is believed: the steps of many are nearly each
other's multiples. Then saves of the fitting half, at 95 and then at 85 to 96, are told as what they were, all of them, and
of those whose light or contrast was changed in between, as far as they are told at all, 85 %."""
BESIDE_ITS_STEPS: Final = 0.035
"""Variance with which coefficients may lie beside the steps of the file's quality, in steps. It is 1 / 12 where they lie
anywhere, as on another program's table."""


def crowding(tiles: Sequence[NDArray[np.float32]], own_quality: int) -> Earlier | None:
    """The earlier save that a JPEG's coefficients crowd by; None where they fall off smoothly, or nothing can be told.

    Tiles are grey and begin at multiples of eight, `own_quality` is the file's, 1..100.
    """
    if own_quality not in TELLS:
        return None
    counts = _on_multiples(tiles, own_quality)
    strength = _strength(counts, own_quality)
    # What was coarser lies on its own steps still, unless it was stretched.
    strength[(own_quality == QUALITIES) | (own_quality - 1 > QUALITIES), 0] = 0
    plain, stretched = (float(part.max()) for part in (strength[:, :1], strength[:, 1:]))
    if stretched >= STRETCHED_FROM and stretched > MORE_PLAINLY * plain:
        quality, stretch = np.unravel_index(strength[:, 1:].argmax(), strength[:, 1:].shape)
        factor = float(np.exp(GRAIN * STRETCHES[1 + stretch]))
        return Earlier(int(QUALITIES[quality]), factor)
    if plain >= PLAIN_FROM:
        return Earlier(int(QUALITIES[strength[:, 0].argmax()]), 1.0)
    return None


def _on_multiples(tiles: Sequence[NDArray[np.float32]], own_quality: int) -> NDArray[np.float64]:
    """(frequencies, multiples): how many coefficients lie on which; none of a frequency that lies on other steps."""
    frequencies, steps = _asked(own_quality)
    parts = [coefficients(tile, BLOCKS // len(tiles), frequencies) for tile in tiles]
    found = np.abs(np.concatenate(parts)) / steps.astype(np.float32)
    whole = np.rint(found)
    tells = whole >= FIRST
    on_steps = (np.square(found - whole) * tells).sum(axis=0) <= BESIDE_ITS_STEPS * tells.sum(axis=0)
    length = LAST + REACH + 2  # the last one holds all beyond
    places = np.minimum(whole, length - 1).astype(np.intp) + np.arange(len(steps)) * length
    counted = np.bincount(places.ravel(), minlength=len(steps) * length).reshape(len(steps), length)
    return np.asarray(counted[:, :-1] * on_steps[:, None], np.float64)


def _strength(counts: NDArray[np.float64], own_quality: int) -> NDArray[np.float64]:
    """(qualities, stretches)."""
    logs, asked = np.log(counts + 0.5), slice(FIRST, LAST + 1)
    beside = np.pad(logs, ((0, 0), (REACH - FIRST, 0)), "edge")  # to the left of zero it goes on as to the right
    course = np.lib.stride_tricks.sliding_window_view(beside, 2 * REACH + 1, axis=1) @ _PARABOLA
    variance = (1 + _PARABOLA @ _PARABOLA) * (1 / (counts[:, asked] + 0.5) + ROUGH**2)
    enough = counts[:, asked] >= FEWEST
    heard = enough / variance
    left = logs[:, asked] - course
    spreads = max(1.0, float((heard * left**2).sum()) / max(1, int(enough.sum())))
    shows, places = _shown(own_quality), _places(own_quality)
    found = shows * ((left * heard) @ _WAVES)
    spread = shows**2 * (heard @ _WAVES**2)
    sums = [each.take(places).sum(axis=2) for each in (found, spread)]
    return np.asarray(sums[0] / np.sqrt(np.maximum(spreads * sums[1], 1e-9)), np.float64)


@cache
def _asked(own_quality: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """The frequencies whose steps are wide enough, and these steps."""
    steps = ijg_luminance(own_quality)[COARSEST]
    wide = steps >= LEAST_STEP
    return COARSEST[wide], steps[wide]


@cache
def _shown(own_quality: int) -> NDArray[np.float64]:
    """(frequencies, periods): how plainly each period shows at each frequency, -1..1."""
    steps = _asked(own_quality)[1][:, None]
    blurred = np.sinc(1 / PERIODS) * np.exp(-2 * np.square(np.pi * PIXELS_ROUNDED / (PERIODS * steps)))
    tells = np.abs(1 / PERIODS - np.rint(1 / PERIODS)) > WHOLE
    return np.asarray(blurred * tells, np.float64)


@cache
def _places(own_quality: int) -> NDArray[np.intp]:
    """(qualities, stretches, frequencies): where the period lies that each leaves at each frequency, among all of them."""
    frequencies, steps = _asked(own_quality)
    tables = np.stack([ijg_luminance(int(quality))[frequencies] for quality in QUALITIES])
    times = np.log(tables / steps)[:, None, :] + GRAIN * STRETCHES[:, None]
    nearest = np.rint((times - np.log(PERIODS[0])) / GRAIN).clip(0, len(PERIODS) - 1).astype(np.intp)
    return np.asarray(nearest + np.arange(len(frequencies)) * len(PERIODS), np.intp)


def _parabola() -> NDArray[np.float64]:
    """(2 REACH + 1,): what each of neighbours that lie side by side adds to the parabola through them, in their middle."""
    at = np.arange(-REACH, REACH + 1)
    return np.asarray(np.linalg.pinv(np.vander(at, 3).astype(np.float64))[-1], np.float64)


_PARABOLA: Final = _parabola()
_WAVES: Final = np.cos(2 * np.pi * np.arange(FIRST, LAST + 1)[:, None] / PERIODS)
