"""What lies upon one of two pictures and not upon the other: spots that no change of light as a whole explains.

The curve that makes the reference's grey levels the query's follows every change of light, clipping too. What still
differs much, and much more than is usual, is something else altogether.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from service.compare.appearance import LUMA, rms, unexplained
from service.compare.cells import CELL, LEAST_TEXTURE
from service.compare.warp import averaged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.compare.cells import Cells

SPOT = 4
"""Pixels of the frame: the side of the spots that changes and tones are told by."""
_HIDDEN = 25.0
"""Grey levels by which a spot must differ, and by four times what is usual, to count as covered."""
_TONE = 8
_EQUAL = 0.1
"""Levels below which differences are none."""
_USUAL = 95
"""Percent of the spots."""
_BLUNT = 0.8
"""Pixels (sigma): edges that lie a little off, or were drawn more coarsely, cover nothing."""
_TONES = 16
_PAPER = 16
"""Grey levels that count as one paper."""


@dataclass(frozen=True, slots=True, eq=False)
class Covers:
    """What was found in one frame."""

    query: NDArray[np.float32]
    """(h, w): its grey levels."""
    expected: NDArray[np.float32]
    """(h, w): the reference's, in the query's light."""
    covered: float
    worst: float
    usual: float
    paper: float
    """As in `Surface`."""
    same: NDArray[np.bool_]
    """(rows, columns): the spots that both show, but for what is covered, and around it."""


def covers(
    query: NDArray[np.uint8], reference: NDArray[np.uint8], seen: NDArray[np.bool_], cells: Cells, *, blunted: bool
) -> Covers:
    """Of the grey levels (h, w) of two pictures in one frame, both sides multiples of a cell. `blunted`: see only what is
    no edge.
    """
    here, there = query.astype(np.float32), reference.astype(np.float32)
    expected = in_the_light_of(query, reference, seen)
    whole = by_spots(seen.astype(np.float32)) == 1
    compared = (_blunted(here), _blunted(expected)) if blunted else (here, expected)
    changes = by_spots(np.asarray(cv2.absdiff(*compared), np.float32))
    typical = float(np.median(changes[whole])) if whole.any() else 0.0
    hidden = whole & (changes > max(_HIDDEN, 4 * typical))
    agreeing = _agreeing(cells, here, there).repeat(CELL // SPOT, axis=0).repeat(CELL // SPOT, axis=1)
    near = cv2.dilate(hidden.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    same = whole & agreeing & ~near
    same = same if same.any() else whole
    return Covers(
        query=here,
        expected=expected,
        covered=float(hidden.sum() / whole.sum()) if whole.any() else 0.0,
        worst=float(changes[whole].max()) if whole.any() else 0.0,
        usual=float(np.percentile(changes[whole], _USUAL)) if whole.any() else 0.0,
        paper=_paper(reference[pixels_of(same)]),
        same=same,
    )


@dataclass(frozen=True, slots=True)
class Apart:
    """How two grey pictures of one size differ spot by spot, the change of light that explains most allowed for."""

    worst: float
    usual: float
    covered: float
    tone_distance: float
    tone_residual: float
    """As in `Surface`; tones are grey levels averaged over `_TONE` pixels."""


def spots_apart(left: NDArray[np.uint8], right: NDArray[np.uint8]) -> Apart:
    """Of two upright grey pictures (h, w), sides multiples of a spot. What is covered is told by the direction in which less
    is left to explain, for light that was cut off in one is; a spot by that in which it stands out more, for a tone that
    only a note has is explained by the note.
    """
    seen = np.ones(left.shape, np.bool_)
    here, there = (averaged(one.astype(np.float32), _TONE)[..., None] for one in (left, right))
    tones = rms(here - there), rms(unexplained(here, there))
    both = []
    for one, other in ((left, right), (right, left)):
        expected = in_the_light_of(one, other, seen)
        changes = by_spots(np.asarray(cv2.absdiff(one.astype(np.float32), expected), np.float32))
        usual = float(np.percentile(changes, _USUAL))
        both.append(Apart(float(changes.max()), usual, float((changes > _HIDDEN).mean()), *tones))
    return replace(max(both, key=times_the_usual), covered=min(apart.covered for apart in both))


def times_the_usual(differing: Covers | Apart) -> float:
    """By how much the worst spot stands out."""
    return differing.worst / max(differing.usual, _EQUAL)


def grey_of(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(h, w): its grey levels, not rounded."""
    return np.asarray(cv2.transform(picture.astype(np.float32), LUMA[None]), np.float32)


def pixels_of(spots: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of these spots."""
    return spots.repeat(SPOT, axis=0).repeat(SPOT, axis=1)


def _agreeing(cells: Cells, query: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(rows, columns): all cells but those that looked for themselves in vain, and those that show something in one
    picture and nothing in the other.
    """
    flat, bare = (_spreads(levels) < LEAST_TEXTURE for levels in (query, reference))
    lost = (np.isfinite(cells.alike) & ~cells.found) | (flat != bare)
    return np.asarray(~lost, bool)


def _spreads(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, columns): the standard deviation in each cell."""
    mean, square = averaged(levels, CELL), averaged(levels * levels, CELL)
    return np.sqrt(np.maximum(square - mean * mean, 0))


def by_spots(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    return averaged(levels, SPOT)


def _blunted(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(levels, (5, 5), _BLUNT), np.float32)


def in_the_light_of(
    query: NDArray[np.uint8], reference: NDArray[np.uint8], seen: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The reference's grey levels sent through the curve that makes them the query's.

    The curve is the median level of the query wherever the reference has a given one, so it follows every change of
    light, clipping too, and nothing that lies on a small part of the picture.
    """
    there, here = (one[::2, ::2][seen[::2, ::2]] for one in (reference, query))
    if not len(there):
        return reference.astype(np.float32)
    counts = np.bincount(there.astype(np.intp) * 256 + here, minlength=256 * 256).reshape(_TONES, -1, 256)
    by_level = counts.sum(axis=1)  # how often the query has each level, where the reference has the tone
    known = by_level.sum(axis=1)
    tones = known > 0
    middles = (counts.sum(axis=2) * np.arange(256).reshape(_TONES, -1)).sum(axis=1)[tones] / known[tones]
    medians = (2 * by_level.cumsum(axis=1) >= known[:, None]).argmax(axis=1)[tones]
    return np.asarray(cv2.LUT(reference, np.interp(np.arange(256), middles, medians).astype(np.float32)), np.float32)


def _paper(levels: NDArray[np.uint8]) -> float:
    """Share of one level, within a sixteenth."""
    if not len(levels):
        return 0.0
    counts = np.bincount(levels // 4, minlength=64)
    return float(np.convolve(counts, np.ones(_PAPER // 4), "valid").max() / len(levels))
