"""How alike two pictures look when laid over each other: one hash, one structure and one colour term.

    appearance = 0.40 h + 0.30 s + 0.30 c

h: difference hash of the 17x16 grey picture; with f the share of its 256 bits that differ, 1 - f up to f = 0.20, else 0.
s: mean SSIM (Wang et al., "Image quality assessment", IEEE TIP 2004; Gaussian window 11, sigma 1.5) of the 256x256 grey
   pictures. c: Pearson correlation of the 64-bin histograms, mean over R, G, B. Below 0, s and c count as 0.

Each picture is reduced once to a `Look`; comparing two looks touches no more pixels than 256x256. Beside appearance it
tells a re-encoding from an edit: tones, the 32x32 colour picture, hardly move when a picture is only saved anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

HASH_WEIGHT, STRUCTURE_WEIGHT, COLOUR_WEIGHT = 0.40, 0.30, 0.30
MOST_DIFFERING_SHARE = 0.20
STRUCTURE_SIDE = 256
HISTOGRAM_BINS = 64
TONE_SIDE = 32
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""ITU-R BT.601."""
LEAST_CHROMA = 2.0
"""Levels. The least colourful of 500 colour photographs has 7.3; a grey picture saved as a colour JPEG keeps below 0.1."""

_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2


@dataclass(frozen=True, slots=True)
class Look:
    """What appearance is judged from: 256 bits, (256, 256) float32 grey levels 0..255, (3, 64) histogram shares.

    `tones` is (32, 32, 3) float32; `chroma` the mean distance of the colour channels from one another, in levels.
    """

    bits: NDArray[np.bool_]
    grey: NDArray[np.float32]
    histograms: NDArray[np.float32]
    tones: NDArray[np.float32]
    chroma: float

    @property
    def is_grey(self) -> bool:
        return self.chroma < LEAST_CHROMA


@dataclass(frozen=True, slots=True)
class Appearance:
    """The three terms, each 0..1, their weighted sum, and how far the tones lie apart.

    `tone_distance` is in levels (RMS); `tone_residual` what of it remains after the best affine map of the colours.
    `local_change` is the largest grey difference of any cell of the 32x32 grid, brightness and contrast allowed for.
    """

    hash: float
    structure: float
    colour: float
    tone_distance: float
    tone_residual: float
    local_change: float

    @property
    def combined(self) -> float:
        return HASH_WEIGHT * self.hash + STRUCTURE_WEIGHT * self.structure + COLOUR_WEIGHT * self.colour


def look(picture: NDArray[np.uint8]) -> Look:
    """Reduce an upright RGB picture (H, W, 3)."""
    picture = np.ascontiguousarray(picture)
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = _resize(grey, 17, 16).astype(np.int16)
    tones = _resize(picture, TONE_SIDE, TONE_SIDE).astype(np.float32)
    return Look(
        bits=(small[:, 1:] > small[:, :-1]).ravel(),
        grey=_resize(grey, STRUCTURE_SIDE, STRUCTURE_SIDE).astype(np.float32),
        histograms=_histograms(picture),
        tones=tones,
        chroma=float((tones.max(axis=2) - tones.min(axis=2)).mean()),
    )


def grey_square(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(256, 256): the grey levels of an upright RGB picture (H, W, 3), as a look has them."""
    return _resize(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY), STRUCTURE_SIDE, STRUCTURE_SIDE)


def glance(query: Look, reference: Look) -> tuple[float, float]:
    """The hash and colour terms alone, which cost a twentieth of the whole."""
    alike = hash_term(float(np.mean(query.bits != reference.bits)))
    return alike, colour_term(query.histograms, reference.histograms)


def hash_term(differing: float) -> float:
    """h, of the share of bits that differ."""
    return 1.0 - differing if differing <= MOST_DIFFERING_SHARE else 0.0


def structure_term(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """s, of two (256, 256) grey pictures."""
    return max(0.0, ssim(left, right))


def colour_term(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """c, of two (3, 64) histograms."""
    return max(0.0, _mean_correlation(left, right))


def compare(query: Look, reference: Look) -> Appearance:
    """Judge two looks; both must lie the same way up."""
    alike, colour = glance(query, reference)
    return Appearance(
        hash=alike,
        structure=structure_term(query.grey, reference.grey),
        colour=colour,
        tone_distance=rms(query.tones - reference.tones),
        tone_residual=rms(unexplained(query.tones, reference.tones)),
        local_change=float(np.abs(unexplained(_luma(query.tones), _luma(reference.tones))).max()),
    )


def ssim(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """Mean structural similarity of two grey pictures of one shape, levels 0..255; -1..1.

    The border of half a window, where the window would see padding, does not count.
    """
    mean_l, mean_r = _smooth(left), _smooth(right)
    means, squares = mean_l * mean_r, mean_l * mean_l + mean_r * mean_r
    covariance = _smooth(left * right) - means
    variances = _smooth(left * left + right * right) - squares
    alike = (2 * means + _C1) * (2 * covariance + _C2) / ((squares + _C1) * (variances + _C2))
    margin = _WINDOW // 2
    return float(alike[margin:-margin, margin:-margin].mean())


def unexplained(query: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the best affine map of the reference's levels (brightness, contrast, saturation, grey) leaves of the query's.

    Both are (..., channels); so is what remains, in levels.
    """
    channels = reference.shape[-1]
    cells = reference.reshape(-1, channels)
    there = np.hstack([cells, np.ones((len(cells), 1), np.float32)])
    here = query.reshape(-1, channels)
    levels, *_ = np.linalg.lstsq(there, here, rcond=None)
    return (there @ levels - here).reshape(query.shape)


def _luma(tones: NDArray[np.float32]) -> NDArray[np.float32]:
    """(h, w, 1)."""
    return (tones @ LUMA[:, None]).astype(np.float32)


def rms(levels: NDArray[np.float32]) -> float:
    """Root mean square; 0 of none."""
    return float(np.sqrt(np.mean(levels * levels))) if levels.size else 0.0


def _smooth(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (_WINDOW, _WINDOW), _SIGMA), dtype=np.float32)


def _resize(picture: cv2.typing.MatLike, width: int, height: int) -> NDArray[np.uint8]:
    shrinking = picture.shape[1] >= width and picture.shape[0] >= height
    method = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), dtype=np.uint8)


def _histograms(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    counts = [cv2.calcHist([picture], [channel], None, [HISTOGRAM_BINS], [0, 256]).ravel() for channel in range(3)]
    area = np.float32(picture.shape[0] * picture.shape[1])
    return np.divide(np.stack(counts), area, dtype=np.float32)


def _mean_correlation(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    a = left - left.mean(axis=1, keepdims=True)
    b = right - right.mean(axis=1, keepdims=True)
    # Histograms sum to 1 over 64 bins, so only an exactly even one has no spread; it correlates with nothing.
    scale = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    products = (a * b).sum(axis=1)
    return float(np.divide(products, scale, out=np.zeros_like(products), where=scale > 0).mean())
