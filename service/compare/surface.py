"""How the query's levels differ from the reference's where both show the same: light, colour, detail and grain.

Both are seen as finely as the coarser of them shows it. Detail and grain are told against what the reference would look
like in the query's light: its grey levels sent through the curve that carries them to the query's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from service.compare.appearance import LUMA, rms, unexplained
from service.compare.cells import CELL
from service.compare.clipping import crushed
from service.compare.covers import SPOT, covers, pixels_of, times_the_usual
from service.compare.even import evenly_laid, followed
from service.compare.warp import averaged
from service.domain.traces import Surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.compare.proof import Proof

_SOFT = 0.75
"""Spots (sigma): how far tones are smoothed, so that neither edges nor grain count as tones."""
_TONED = 3.0
"""Levels by which tones must differ for it to be asked what was cut off."""
_FINE = 1.2
"""Pixels (sigma): what is finer counts as fine detail."""
_QUIETEST = 4
"""Of the cells a quarter, those with the least fine detail in the reference, tell whether grain lies everywhere."""
_DARK, _BRIGHT = 12.0, 243.0
"""Grey levels beyond which grain is cut off."""
_LEAST_CELLS = 8


def surface_of(proof: Proof, query: NDArray[np.uint8], reference: NDArray[np.uint8]) -> Surface:
    """What differs where both show the same, each cell compared where it was found. Both pictures upright RGB."""
    laid, cells = proof.laid, proof.cells
    height, width = (CELL * count for count in cells.alike.shape)
    seen = laid.seen[:height, :width]
    here, there = followed(laid.query, cells), np.ascontiguousarray(laid.reference[:height, :width])
    as_laid = covers(_grey(here), _grey(there), seen, cells, blunted=False)
    turned = covers(_grey(there), _grey(here), seen, cells, blunted=False)
    noted = max((as_laid, turned), key=times_the_usual)
    evenly = evenly_laid(proof, query, reference)
    even = covers(followed(evenly.query, cells), evenly.reference[:height, :width], seen, cells, blunted=True)
    tones_here, tones_there = (_tones(one)[even.same] for one in (here, there))
    pixels = pixels_of(even.same)
    detail, grain, evenness = fine_detail(even.query, even.expected, pixels)
    tone_distance = rms(tones_here - tones_there)
    toned = tone_distance > _TONED
    return Surface(
        tone_distance=tone_distance,
        tone_residual=rms(unexplained(tones_here, tones_there)) if len(tones_here) else 0.0,
        query_chroma=_chroma(here, pixels),
        reference_chroma=_chroma(there, pixels),
        query_crushed=crushed(here, there, pixels) if toned else 0.0,
        reference_crushed=crushed(there, here, pixels) if toned else 0.0,
        query_spread=_spread(tones_here),
        reference_spread=_spread(tones_there),
        detail=detail,
        grain=max(0.0, grain**2 - evenly.averaged_out**2) ** 0.5,
        evenness=evenness,
        laid_upon=even.covered,
        covered=as_laid.covered,
        worst=as_laid.worst,
        spot=noted.worst,
        usual=noted.usual,
        paper=as_laid.paper,
    )


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _tones(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(rows, columns, 3): the levels of the spots, smoothed."""
    rows, columns = picture.shape[0] // SPOT, picture.shape[1] // SPOT
    small = cv2.resize(picture.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), _SOFT), np.float32)


def fine_detail(
    query: NDArray[np.float32], expected: NDArray[np.float32], same: NDArray[np.bool_]
) -> tuple[float, float, float]:
    """The query's fine detail by what is expected; what of it is new, grain (RMS levels); and how evenly that lies."""
    if not same.any():
        return 1.0, 0.0, 0.0
    fine_here, fine_there = (one - np.asarray(cv2.GaussianBlur(one, (0, 0), _FINE)) for one in (query, expected))
    here, there = fine_here[same], fine_there[same]
    power = float(there @ there) / len(there)
    if power <= 0:
        return 1.0, rms(here), 1.0
    detail = float(here @ there) / len(there) / power
    new = np.square(fine_here - np.float32(detail) * fine_there)
    # Grain of the reference is unexplained as well, but leaves the query with less of it all, not with more.
    more = max(0.0, float(here @ here) / len(here) - power)
    return detail, min(float(new[same].mean()), more) ** 0.5, _evenness(new, fine_there, expected, same)


def _evenness(
    new: NDArray[np.float32], fine: NDArray[np.float32], levels: NDArray[np.float32], same: NDArray[np.bool_]
) -> float:
    """How strong grain is where the reference has least fine detail, against the mean of all: near 1 for noise, little
    where edges were sharpened or drawn coarsely.
    """
    light = averaged(levels, CELL)
    inner = (averaged(same.astype(np.float32), CELL) > 0.5) & (light > _DARK) & (light < _BRIGHT)  # noqa: PLR2004
    if inner.sum() < _LEAST_CELLS:
        return 0.0
    grain, quiet = averaged(new, CELL)[inner], averaged(fine * fine, CELL)[inner]
    quietest = np.argsort(quiet)[: len(quiet) // _QUIETEST]
    return float((grain[quietest].mean() / max(float(grain.mean()), 1e-6)) ** 0.5)


def _spread(tones: NDArray[np.float32]) -> float:
    """Of (n, 3) levels: the standard deviation of their grey ones."""
    return float((tones @ LUMA).std()) if len(tones) else 0.0


def _chroma(picture: NDArray[np.uint8], same: NDArray[np.bool_]) -> float:
    """Mean distance of the colour channels from one another, in levels."""
    red, green, blue = cv2.split(picture)
    apart = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    return float(np.asarray(apart)[same].mean()) if same.any() else 0.0
