"""How the query's levels differ from the reference's where both show the same: light, colour, detail, grain, covers.

Both are laid in one frame as finely as the coarser of them shows it, so that a copy that was made smaller, or pasted
small into a page, does not look softer for that alone. Detail and grain are told against what the reference would look
like in the query's light: its grey levels sent through the curve that carries them to the query's.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from service.compare.appearance import LUMA, rms, unexplained
from service.compare.cells import CELL, LEAST_TEXTURE, REACH
from service.compare.clipping import crushed
from service.compare.geometry import extent
from service.compare.warp import between_middles
from service.domain.traces import Surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.compare.cells import Cells
    from service.compare.proof import Proof

SPOT = 4
"""Pixels of the frame: the side of the spots that changes and tones are told by."""
_HIDDEN = 25.0
"""Grey levels by which a spot must differ, and by four times what is usual, to count as covered."""
_SOFT = 0.75
"""Spots (sigma): how far tones are smoothed, so that neither edges nor grain count as tones."""
_FINE = 1.2
"""Pixels (sigma): what is finer counts as fine detail."""
_AVERAGED = 1.25
"""Times as fine as the frame: such a picture is averaged to the frame's pixels before it is laid."""
_TONES = 16
_TONE_STEP = 256 // _TONES
_PAPER = 16
"""Grey levels that count as one paper."""
_QUIETEST = 4
"""Of the cells a quarter, those with the least fine detail in the reference, tell whether grain lies everywhere."""
_DARK, _BRIGHT = 12.0, 243.0
"""Grey levels beyond which grain is cut off."""
_LEAST_CELLS = 8


def surface_of(proof: Proof, query: NDArray[np.uint8], reference: NDArray[np.uint8]) -> Surface:
    """What differs where both show the same, each cell compared where it was found. Both pictures upright RGB."""
    here, there = _evenly_laid(proof, query, reference)
    here = _followed(here, proof.cells)
    height, width = here.shape[:2]
    there, seen = np.ascontiguousarray(there[:height, :width]), proof.laid.seen[:height, :width]
    grey_here, grey_there = (cv2.transform(one.astype(np.float32), LUMA[None]) for one in (here, there))
    grey_here, grey_there = (np.asarray(one, np.float32) for one in (grey_here, grey_there))
    expected = _in_the_light_of(grey_here, grey_there, seen)
    whole = _by_spots(seen.astype(np.float32)) == 1
    changes = _by_spots(np.asarray(cv2.absdiff(grey_here, expected), np.float32))
    typical = float(np.median(changes[whole])) if whole.any() else 0.0
    hidden = whole & (changes > max(_HIDDEN, 4 * typical))
    agreeing = _agreeing(proof.cells, grey_here, grey_there).repeat(CELL // SPOT, axis=0).repeat(CELL // SPOT, axis=1)
    near = cv2.dilate(hidden.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    same = whole & agreeing & ~near
    same = same if same.any() else whole
    tones_here, tones_there = (_tones(one)[same] for one in (here, there))
    pixels = same.repeat(SPOT, axis=0).repeat(SPOT, axis=1)
    detail, grain, evenness = fine_detail(grey_here, expected, pixels)
    tone_distance = rms(tones_here - tones_there)
    return Surface(
        tone_distance=tone_distance,
        tone_residual=rms(unexplained(tones_here, tones_there)) if len(tones_here) else 0.0,
        query_chroma=_chroma(here, pixels),
        reference_chroma=_chroma(there, pixels),
        query_crushed=crushed(here, there, pixels),
        reference_crushed=crushed(there, here, pixels),
        query_spread=_spread(grey_here, pixels),
        reference_spread=_spread(grey_there, pixels),
        detail=detail,
        grain=grain,
        evenness=evenness,
        covered=float(hidden.sum() / whole.sum()) if whole.any() else 0.0,
        worst=float(changes[whole].max()) if whole.any() else 0.0,
        paper=_paper(grey_there[pixels]),
    )


def _evenly_laid(
    proof: Proof, query: NDArray[np.uint8], reference: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Both in the proof's frame, as fine as the coarser is, and no finer than the frame."""
    to_reference = proof.laid.to_reference
    height, width = proof.laid.seen.shape
    onto = np.diag([*(1 / extent(reference)), 1.0]) @ to_reference
    back = np.linalg.inv(proof.matrix) @ onto
    maps = [
        np.asarray(np.diag([one.shape[1], one.shape[0], 1.0]) @ shares / shares[2, 2], np.float64)
        for one, shares in ((query, back), (reference, onto))
    ]
    fineness = [float(np.sqrt(abs(np.linalg.det(matrix[:2, :2])))) for matrix in maps]
    common = min(fineness)
    goal = 1.0 if common > _AVERAGED else common
    here, there = (
        _laid(picture, matrix, goal / fine if common > _AVERAGED or fine > _AVERAGED * goal else 1.0, (width, height))
        for picture, matrix, fine in zip((query, reference), maps, fineness, strict=True)
    )
    return here, there


def _laid(
    picture: NDArray[np.uint8], matrix: NDArray[np.float64], scale: float, size: tuple[int, int]
) -> NDArray[np.uint8]:
    """The picture, first averaged to `scale` of its size, as the frame's pixels see it."""
    width, height = picture.shape[1::-1]
    if scale < 1:
        smaller = (max(1, round(width * scale)), max(1, round(height * scale)))
        matrix = np.diag([smaller[0] / width, smaller[1] / height, 1.0]) @ matrix
        picture = np.asarray(cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    seen = cv2.warpPerspective(picture, between_middles(matrix), size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8)


def _followed(query: NDArray[np.uint8], cells: Cells) -> NDArray[np.uint8]:
    """The query with every cell taken from where it was found; those not found stay where the map puts them."""
    rows, columns = cells.alike.shape
    out = np.ascontiguousarray(query[: rows * CELL, : columns * CELL])
    steps = np.where(cells.found[..., None], np.round(cells.shifts), 0).astype(int)
    moved = np.argwhere(steps.any(axis=2))
    if not len(moved):
        return out
    padded = cv2.copyMakeBorder(query, REACH, REACH, REACH, REACH, cv2.BORDER_REPLICATE)
    out = out.copy()
    for row, column in moved:
        right, down = steps[row, column] + REACH + np.array([column, row]) * CELL
        here = np.s_[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
        out[here] = padded[down : down + CELL, right : right + CELL]
    return out


def _agreeing(cells: Cells, query: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(rows, columns): all cells but those that looked for themselves in vain, and those that show something in one
    picture and nothing in the other.
    """
    flat, bare = (_spreads(levels) < LEAST_TEXTURE for levels in (query, reference))
    lost = (np.isfinite(cells.alike) & ~cells.found) | (flat != bare)
    return np.asarray(~lost, bool)


def _spreads(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, columns): the standard deviation in each cell."""
    mean, square = _averaged(levels, CELL), _averaged(levels * levels, CELL)
    return np.sqrt(np.maximum(square - mean * mean, 0))


def _averaged(levels: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    rows, columns = levels.shape[0] // side, levels.shape[1] // side
    whole = levels[: rows * side, : columns * side]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _by_spots(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    return _averaged(levels, SPOT)


def _tones(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(rows, columns, 3): the levels of the spots, smoothed."""
    rows, columns = picture.shape[0] // SPOT, picture.shape[1] // SPOT
    small = cv2.resize(picture.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), _SOFT), np.float32)


def _in_the_light_of(
    query: NDArray[np.float32], reference: NDArray[np.float32], seen: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The reference's grey levels sent through the curve that makes them the query's.

    The curve is the median level of the query wherever the reference has a given one, so it follows every change of
    light, clipping too, and nothing that lies on a small part of the picture.
    """
    there, here = (one[::2, ::2][seen[::2, ::2]] for one in (reference, query))
    if not len(there):
        return reference
    tones = (there * np.float32(1 / _TONE_STEP)).astype(np.intp)
    order = np.argsort(tones, kind="stable")
    starts = np.searchsorted(tones[order], np.arange(_TONES + 1))
    middles, levels = [], []
    for first, end in pairwise(starts):
        if end > first:
            part = order[first:end]
            middles.append(float(there[part].mean()))
            levels.append(float(np.median(here[part])))
    curve = np.interp(np.arange(256), middles, levels).astype(np.float32)
    low = np.minimum(reference.astype(np.intp), 254)
    return np.asarray(curve[low] + (reference - low) * (curve[low + 1] - curve[low]), np.float32)


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
    light = _averaged(levels, CELL)
    inner = (_averaged(same.astype(np.float32), CELL) > 0.5) & (light > _DARK) & (light < _BRIGHT)  # noqa: PLR2004
    if inner.sum() < _LEAST_CELLS:
        return 0.0
    grain, quiet = _averaged(new, CELL)[inner], _averaged(fine * fine, CELL)[inner]
    quietest = np.argsort(quiet)[: len(quiet) // _QUIETEST]
    return float((grain[quietest].mean() / max(float(grain.mean()), 1e-6)) ** 0.5)


def _spread(levels: NDArray[np.float32], same: NDArray[np.bool_]) -> float:
    return float(levels[same].std()) if same.any() else 0.0


def _chroma(picture: NDArray[np.uint8], same: NDArray[np.bool_]) -> float:
    """Mean distance of the colour channels from one another, in levels."""
    red, green, blue = cv2.split(picture)
    apart = cv2.subtract(cv2.max(cv2.max(red, green), blue), cv2.min(cv2.min(red, green), blue))
    return float(np.asarray(apart)[same].mean()) if same.any() else 0.0


def _paper(levels: NDArray[np.float32]) -> float:
    """Share of one level, within a sixteenth."""
    if not len(levels):
        return 0.0
    counts = np.bincount((levels / 4).astype(int).clip(0, 63), minlength=64)
    return float(np.convolve(counts, np.ones(_PAPER // 4), "valid").max() / len(levels))
