"""The power spectra that enlarging leaves of a photograph's, for every factor and filter that is looked for.

A row of a photograph is taken to have the power mu^-alpha exp(-beta mu^2) at the frequency mu (cycles a pixel, up to
1/2): a power law, softened a little by lens and scaling. Enlarged by f with the filter h, it has at the frequency nu

    sum over j of P(f (nu + j)) H(f (nu + j))^2

where P repeats with period 1 and H is the Fourier transform of h: the picture itself, and its echoes.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRETCH: Final = 128
"""Pixels of a row that one spectrum is taken of."""
FIRST_BIN: Final = 4
"""Below 4/128 cycles a pixel a spectrum says what the picture shows, not how finely."""
MERGED: Final = 2
"""Neighbouring frequencies that are averaged."""

FREQUENCIES: Final = np.arange(FIRST_BIN, STRETCH // 2) / STRETCH
"""Cycles a pixel."""

FACTORS: Final = np.concatenate(([1.0], np.geomspace(1.06, 2.0, 12), np.geomspace(2.0, 6.0, 20)[1:]))
"""Two is among them: an enlargement to exactly twice the size is the one that often leaves nothing but a spectrum."""


class Photograph(NamedTuple):
    """A power law, softened: mu^-alpha exp(-beta mu^2)."""

    alpha: float
    beta: float

    def power(self, mu: NDArray[np.float64]) -> NDArray[np.float64]:
        mu = np.maximum(mu, 1 / (4 * STRETCH))  # its mean level is no detail
        return np.asarray(mu**-self.alpha * np.exp(-self.beta * mu**2))


PHOTOGRAPHS: Final = tuple(Photograph(alpha, beta) for alpha in (1.0, 1.75, 2.5) for beta in (1.0, 5.0))
"""What rows of the BSDS500 photographs (fitting half) range over."""


class Templates(NamedTuple):
    """`spectra` (n, bins) with a mean of 1 over the lowest bins; those of FACTORS[i] begin at row `starts[i]`."""

    spectra: NDArray[np.float32]
    starts: NDArray[np.intp]


def merged(power: NDArray[np.floating]) -> NDArray[np.float32]:
    """The power at FREQUENCIES as the bins that are compared."""
    return np.asarray(power.reshape(-1, MERGED).mean(axis=1, dtype=np.float32))


@cache
def filtered_spectra() -> Templates:
    spectra: list[NDArray[np.float32]] = []
    starts = []
    for factor in FACTORS:
        starts.append(len(spectra))
        for photograph in PHOTOGRAPHS:
            spectra.extend(_enlarged(photograph, float(factor)))
    return Templates(np.array(spectra, np.float32), np.array(starts))


def _enlarged(photograph: Photograph, factor: float) -> list[NDArray[np.float32]]:
    """What each filter makes of the photograph."""
    if factor == 1:
        return [_levelled(photograph.power(FREQUENCIES))]
    at = factor * (FREQUENCIES[:, None] + _ECHOES)
    power = photograph.power(np.abs((at + 0.5) % 1 - 0.5))
    return [_levelled((power * np.interp(np.abs(at), _XI, response, right=0.0)).sum(axis=1)) for response in _RESPONSES]


def _levelled(power: NDArray[np.float64]) -> NDArray[np.float32]:
    bins = merged(power)
    return np.asarray(bins / bins[:4].mean())


def _transformed(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """The squared Fourier transform of a kernel given at _X, at the frequencies _XI."""
    waves = np.cos(2 * np.pi * _XI[:, None] * _X[None, :])
    return np.asarray(np.square((kernel * waves).sum(axis=1) * (_X[1] - _X[0])))


def _cubic(a: float) -> NDArray[np.float64]:
    """Keys, "Cubic convolution interpolation for digital image processing", 1981."""
    x = np.abs(_X)
    inner, outer = (a + 2) * x**3 - (a + 3) * x**2 + 1, a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x < 1, inner, np.where(x < 2, outer, 0))  # noqa: PLR2004 - where the kernel ends


def _lanczos(lobes: int) -> NDArray[np.float64]:
    return np.where(np.abs(_X) < lobes, np.sinc(_X) * np.sinc(_X / lobes), 0)


_ECHOES: Final = np.arange(-4, 5)
_X: Final = np.linspace(-4, 4, 401)
_XI: Final = np.linspace(0, 8, 801)
_BILINEAR: Final = np.maximum(0, 1 - np.abs(_X))
_KERNELS: Final = (_BILINEAR, _cubic(-0.5), _cubic(-0.75), _lanczos(3), _lanczos(4))
"""Cubics as in Pillow and OpenCV; Lanczos of three lobes and of four, as in the same two."""
_RESPONSES: Final = tuple(_transformed(kernel) for kernel in _KERNELS)
