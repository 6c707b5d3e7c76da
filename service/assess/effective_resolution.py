"""How much detail is really there: enlargements, blur and pixelation found out.

A picture of W x H pixels that was enlarged by the factor f holds the detail of W/f x H/f. Four readings say so:

1. **The spectrum.** Photographs hold less the finer the detail, and evenly so. Enlarging squeezes that spectrum to
   1/f of its width; what lies beyond is the echo that the filter let through, or nothing. The spectrum measured is laid
   against those that enlarging by f with one of three filters makes of a plain power law; the closest tells f.
2. **The trace of the grid** (`resampling_trace`), a line whose frequency tells f to a hundredth, but not which of a few
   values: that is the spectrum's to say.
3. **Blocks of one colour** (`pixelation`), which is what enlarging without a filter leaves.
4. **Uneven steps** (`pixelation`): in a picture of exactly twice the size every other step from pixel to pixel is a small
   one. That is the one factor which leaves no line in the trace, and a sharp filter or JPEG hides it from the spectrum.

A blurred picture is told the factor of the enlargement that would have left as little. Without a trace of the grid
the spectrum is not believed below 1.4 and wholly only from 1.7, because soft lenses and noise filters look like a small
enlargement. Noise put over an enlargement hides its spectrum, and seldom its trace.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from service.assess.pixelation import block_factor, is_doubled
from service.assess.resampling_trace import Line, find_line
from service.assess.spectrum_templates import FACTORS, FREQUENCIES, STRETCH, filtered_spectra, merged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from service.assess.tiles import Sample

ROWS: Final = 40
"""Rows and columns of a tile that spectra are taken of, evenly spread."""
ROUNDING: Final = 1.45 / 12
"""Power of what rounding three channels to whole levels, and their grey again, adds at every frequency."""
FLAT: Final = 1.0
"""Mean power at the lowest frequencies, in squared grey levels, below which there is nothing to read a spectrum of."""

BELIEVED_FROM, BELIEVED_WHOLLY = 1.4, 1.7
"""The spectrum reads 1.4 or less of 98 % of the 250 BSDS500 photographs of the fitting half, untouched; 1.62 at most."""
OUTDONE: Final = 1.4
"""A spectrum that reads so many times the factor that the trace tells: the picture was blurred besides."""
SECOND_LINE: Final = 3.0
"""Times as close a factor must fit whose second harmonic, not its first, would be the line."""


class Detail(NamedTuple):
    """`factor` >= 1: the enlargement, along one side, that leaves as little. `by` says what told it."""

    factor: float
    by: str


def effective_megapixels(sample: Sample) -> float | None:
    """Megapixels that would hold the detail there is, at most those of the picture; None where `detail` is."""
    found = detail(sample)
    return None if found is None else sample.megapixels / found.factor**2


def detail(sample: Sample) -> Detail | None:
    """What a picture of at least STRETCH pixels a side holds; None for a smaller one, and for one that is flat."""
    if min(sample.width, sample.height) < STRETCH:
        return None
    power = mean_power(sample.grey)
    if power[:4].mean() < FLAT:
        return None
    blocks = block_factor(sample.grey)
    if blocks > 1:
        return Detail(blocks, "blocks")
    found = _filtered(sample, power)
    return Detail(2.0, "steps") if found.factor < 2 and is_doubled(sample.grey) else found  # noqa: PLR2004 - twice


def _filtered(sample: Sample, power: NDArray[np.float32]) -> Detail:
    """What the spectrum and the trace of the grid tell."""
    misfit = spectral_misfit(power, ROUNDING)
    spectral = float(FACTORS[misfit.argmin()])
    line = find_line(sample.grey)
    if line is not None:
        traced = _traced_factor(line, power, misfit)
        return Detail(spectral, "spectrum") if spectral > OUTDONE * traced else Detail(traced, "trace")
    believed = np.interp(spectral, (BELIEVED_FROM, BELIEVED_WHOLLY), (1, BELIEVED_WHOLLY))
    return Detail(spectral if spectral > BELIEVED_WHOLLY else float(believed), "spectrum")


def _traced_factor(line: Line, power: NDArray[np.float32], misfit: NDArray[np.float32]) -> float:
    """Of the factors that leave such a line the one whose spectrum comes closest, whatever noise lies over it."""
    bins = merged(power)
    for floor in (0.9 * bins[-8:].min(), np.median(bins[-8:]), np.median(bins[-16:])):
        if floor > 2 * ROUNDING:
            misfit = np.minimum(misfit, spectral_misfit(power, float(floor)))
    first, second = line.factors()
    within = [(factor, 1.0) for factor in first] + [(factor, SECOND_LINE) for factor in second]
    fits = [
        (penalty * float(np.interp(np.log(factor), np.log(FACTORS), misfit)), factor)
        for factor, penalty in within
        if factor <= FACTORS[-1]
    ]
    return min(fits)[1] if fits else float(FACTORS[misfit.argmin()])


def mean_power(tiles: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Power at FREQUENCIES, mean over rows and columns of all tiles; white noise of variance v reads v."""
    pieces: list[NDArray[np.float32]] = []
    for tile in tiles:
        for turned in (tile, tile.T):
            rows = turned[:: max(1, turned.shape[0] // ROWS)]
            starts = range(0, turned.shape[1] - STRETCH + 1, STRETCH // 2)
            pieces.extend(rows[:, start : start + STRETCH] for start in starts)
    waves = np.concatenate(pieces) @ _windowed_waves()
    return np.asarray(np.square(waves, out=waves).mean(axis=0).reshape(2, -1).sum(axis=0))


def spectral_misfit(power: NDArray[np.float32], floor: float) -> NDArray[np.float32]:
    """For each of FACTORS the mean squared difference of log power between the spectrum and its closest template.

    `floor` is the power of white noise that is taken to lie over it. Each template's level is fitted by Gauss-Newton.
    """
    measured = np.log(merged(power))
    templates = filtered_spectra()
    level = np.full(len(templates.spectra), measured[:4].mean(), np.float32)
    rest = np.empty_like(templates.spectra)
    for _ in range(2):
        signal = np.exp(level)[:, None] * templates.spectra
        model = signal + np.float32(floor)
        slope = np.divide(signal, model, out=signal)
        np.subtract(measured, np.log(model, out=rest), out=rest)
        level += np.einsum("nb,nb->n", rest, slope) / np.einsum("nb,nb->n", slope, slope)
    np.log(np.exp(level)[:, None] * templates.spectra + np.float32(floor), out=rest)
    np.subtract(measured, rest, out=rest)
    misfit = np.einsum("nb,nb->n", rest, rest) / len(measured)
    return np.asarray(np.minimum.reduceat(misfit, templates.starts))


@cache
def _windowed_waves() -> NDArray[np.float32]:
    """(STRETCH, 2 n): cosines, then sines, under a Hann window, each without a mean and so blind to a piece's own."""
    at = np.arange(STRETCH)
    window = np.hanning(STRETCH)
    phase = 2 * np.pi * at[:, None] * FREQUENCIES[None, :]
    waves = np.concatenate((np.cos(phase), np.sin(phase)), axis=1) * window[:, None]
    waves -= waves.mean(axis=0)
    return np.asarray(waves / np.sqrt((window**2).sum()), np.float32)
