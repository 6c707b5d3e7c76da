"""Do two pictures agree, cell by cell, once a map has laid one on the other?

Geometry alone is easily fooled: the corners of a chequered frame or the teeth of a cut-out match anywhere. So the part
that both pictures show is brought into one frame and cut into cells. Each cell of the query looks for itself in the
reference, a few pixels around where the map says it must be. A copy finds nearly all of them, and where it finds them
all lies on one map; a neighbouring frame of a film finds some, pulled about by parallax; what was laid on top of a copy
shows as cells that find nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from service.compare.geometry import carried, extent, fitted
from service.compare.warp import averaged, between_middles, inside, warped

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAME = 256
"""Pixels of the frame's longer side, where the pictures have as many."""
CELL = 16
REACH = 3
"""Pixels around its place that a cell is looked for in."""
LEAST_TEXTURE = 2.5
"""Grey levels (standard deviation) below which a cell shows nothing that could be found."""
FOUND = 0.75
"""Correlation from which a cell counts as found."""
LEAST_LOSS = 0.03
"""Of correlation: a cell that loses no more where the map puts it than where it is found lies in place."""
FAR = 0.01
"""Of correlation for each pixel: by so much more a cell must be found that far away. Along an edge it is found anywhere."""
_UNFOUND, _FLAT_WORTH = 1.5, 0.001
"""What a cell that is not found, and one that shows nothing, count against one that is found."""
LEAST_PART, MOST_ASTRAY = 0.75, 0.25
"""Share of a part's cells that must be found, and of the cells around it that may be."""
LEAST_CELLS = 6
ENOUGH_CELLS, ASTRAY = 12, 0.25
"""Where of so many cells in the coarse frame a smaller share lies in place, no fine one is looked at: of 231 edited copies
that geometry proves the least has 0.45, and of strangers with a map one in two lies below."""
MANY_INLIERS = 12
"""A map that carries so many features is looked at in the fine frame whatever the coarse one shows: under stripes, or
where the first map lies a pixel off, few cells of a copy are in place there."""
SOFT, SOFTER, MUCH_ROUGHER = 0.8, 2.0, 1.6
"""Widths of the smoothing, in pixels of the frame, and by what factor one picture must be rougher for the second."""
_COARSE = 1.2
_MIDDLE_GREY, _NOTHING = 128, 1e-3
HALF = 0.5
"""Of a pixel: its middle from its edge."""
LEAST_SHARED = 0.02
"""Of the reference's longer side: a smaller part has no room for a cell."""


_STEPS = np.arange(-REACH, REACH + 1)
_FARNESS = (FAR * np.hypot(_STEPS[:, None], _STEPS)).astype(np.float32).reshape(-1, 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """Both pictures in one frame: the box around what of the reference the query shows."""

    query: NDArray[np.uint8]
    """(h, w, 3), the query as the map carries it."""
    reference: NDArray[np.uint8]
    seen: NDArray[np.bool_]
    """(h, w): where both have pixels."""
    to_reference: NDArray[np.float64]
    """(3, 3): from a frame's pixel to the reference's place."""


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """What each cell found. `alike` is (rows, columns), -1..1, NaN where there is nothing to look for."""

    alike: NDArray[np.float32]
    shifts: NDArray[np.float32]
    """(rows, columns, 2): x and y, in pixels of the frame, from where the map says to where the query shows the cell."""
    scores: NDArray[np.float32]
    """(2 REACH + 1, 2 REACH + 1, rows, columns): the correlation at every shift, down and right."""

    @property
    def compared(self) -> int:
        return int(np.isfinite(self.alike).sum())

    @property
    def found(self) -> NDArray[np.bool_]:
        return np.nan_to_num(self.alike, nan=-1.0) >= FOUND

    @property
    def agreement(self) -> float:
        """Share of the cells that were found, 0..1; 0 where too few can be compared."""
        return float(self.found.sum() / self.compared) if self.compared >= LEAST_CELLS else 0.0


def lay(
    query: NDArray[np.uint8], reference: NDArray[np.uint8], matrix: NDArray[np.float64], frame: int = FRAME
) -> Laid | None:
    """Bring both into the reference's frame; None where they share next to nothing. `matrix` carries query places."""
    here, there = _pixels_of(query), _pixels_of(reference)
    corners = _corners(query) @ np.linalg.inv(here)[:2, :2].T
    shown = carried(matrix, corners)
    low, high = (np.clip(end, 0, extent(reference)) for end in (shown.min(axis=0), shown.max(axis=0)))
    if (high - low).min() < LEAST_SHARED:
        return None
    # No finer than the coarser of the two shows it.
    query_pixels = max(query.shape[:2]) / np.sqrt(abs(np.linalg.det(matrix[:2, :2])))
    finest = min(max(reference.shape[:2]), query_pixels)
    scale = min(frame / (high - low).max(), float(finest))
    width, height = (max(CELL, round(float(side) * scale)) for side in high - low)
    to_reference = np.array([[1 / scale, 0, low[0]], [0, 1 / scale, low[1]], [0, 0, 1]], np.float64)
    from_reference = between_middles(there @ to_reference)
    from_query = between_middles(here @ np.linalg.inv(matrix) @ to_reference)
    return Laid(
        query=warped(query, from_query, (width, height)),
        reference=warped(reference, from_reference, (width, height)),
        seen=inside(query, from_query, (width, height)) & inside(reference, from_reference, (width, height)),
        to_reference=to_reference,
    )


Part = tuple[int, int, int, int]
"""Of a grid of cells: first row, end row, first column, end column."""


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """A map once it is drawn to where the cells were found. `steady` is (rows, columns): found, and just in place."""

    matrix: NDArray[np.float64]
    laid: Laid
    cells: Cells
    steady: NDArray[np.bool_]
    drawn: NDArray[np.float64]
    """(3, 3): from a pixel of the frame to where its query, laid by the map as it was before, shows it."""
    given_up: bool = False
    """Whether so little lay in place in the coarse frame that no finer one was looked at."""

    @property
    def in_place(self) -> float:
        """Share of the cells that are steady, 0..1; 0 where too few can be compared."""
        return float(self.steady.sum() / self.cells.compared) if self.cells.compared >= LEAST_CELLS else 0.0

    def within(self, part: Part) -> Settled:
        """As if no more than that part were shared."""
        top, bottom, left, right = part
        kept = np.zeros(self.cells.alike.shape, bool)
        kept[top:bottom, left:right] = True
        seen = np.zeros_like(self.laid.seen)
        box = (slice(top * CELL, bottom * CELL), slice(left * CELL, right * CELL))
        seen[box] = self.laid.seen[box]
        alike = np.where(kept, self.cells.alike, np.nan).astype(np.float32)
        cells = replace(self.cells, alike=alike)
        return replace(self, laid=replace(self.laid, seen=seen), cells=cells, steady=self.steady & kept)


def shown_part(cells: Cells) -> Part | None:
    """The rectangle of cells outside which next to nothing is found; None where nearly all or too little is inside.

    A copy that was cut before it was pasted shows no more of the reference, and the map runs on beneath what is around.
    """
    compared = np.isfinite(cells.alike)
    worth = np.where(compared, np.where(cells.found, 1.0, -_UNFOUND), _FLAT_WORTH)
    rows, columns = worth.shape
    sums = np.zeros((rows + 1, columns + 1))
    sums[1:, 1:] = worth.cumsum(axis=0).cumsum(axis=1)
    within = sums[:, None, :, None] - sums[None, :, :, None] - sums[:, None, None, :] + sums[None, :, None, :]
    within[~np.tri(rows + 1, k=-1, dtype=bool)] = -np.inf  # an end before its beginning
    within[:, :, ~np.tri(columns + 1, k=-1, dtype=bool)] = -np.inf
    bottom, top, right, left = np.unravel_index(within.argmax(), within.shape)
    part = (int(top), int(bottom), int(left), int(right))
    inner = np.zeros_like(compared)
    inner[part[0] : part[1], part[2] : part[3]] = True
    found, outside = cells.found & inner, compared & ~inner
    if found.sum() < LEAST_PART * max(1, (compared & inner).sum()) or found.sum() < 2 * LEAST_CELLS:
        return None
    astray = cells.found & outside
    return part if outside.sum() and astray.sum() <= MOST_ASTRAY * outside.sum() else None


def settle(
    query: NDArray[np.uint8], reference: NDArray[np.uint8], matrix: NDArray[np.float64], inliers: int
) -> Settled | None:
    """Look for the cells in a coarse frame, draw the map to where they were found, and look again in a fine one."""
    coarse = lay(query, reference, matrix, FRAME // 2)
    if coarse is None:
        return None
    rough = _settled(matrix, coarse)
    if inliers < MANY_INLIERS and rough.cells.compared >= ENOUGH_CELLS and rough.in_place < ASTRAY:
        return replace(rough, given_up=True)
    laid = lay(query, reference, rough.matrix)
    return None if laid is None else _settled(rough.matrix, laid)


def _settled(matrix: NDArray[np.float64], laid: Laid) -> Settled:
    cells = compare_cells(laid)
    drawn, off = _drawn(matrix, laid, cells)
    # Not by how far off they are found: on an edge or in the grain a cell finds itself anywhere.
    there = _at(cells.scores, cells.shifts - off)
    steady = cells.found & (there >= cells.alike - LEAST_LOSS)
    frame = laid.to_reference
    return Settled(drawn, laid, cells, steady, np.linalg.inv(frame) @ matrix @ np.linalg.inv(drawn) @ frame)


def _at(scores: NDArray[np.float32], shifts: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, columns): the correlation at shifts between whole pixels."""
    side = 2 * REACH + 1
    places = np.clip(shifts + REACH, 0, side - 1)
    whole = np.minimum(places.astype(np.intp), side - 2)
    right, down = np.moveaxis(places - whole, -1, 0)
    x, y = np.moveaxis(whole, -1, 0)
    rows, columns = np.indices(x.shape)
    upper, lower = (
        (1 - right) * scores[y + step, x, rows, columns] + right * scores[y + step, x + 1, rows, columns]
        for step in (0, 1)
    )
    return np.asarray((1 - down) * upper + down * lower, np.float32)


def _drawn(matrix: NDArray[np.float64], laid: Laid, cells: Cells) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """A map of the same kind through the places where cells were found; and how far off it each lies, in pixels of the
    frame, (rows, columns, 2).
    """
    found = cells.found
    off = np.zeros_like(cells.shifts)
    if found.sum() < LEAST_CELLS:
        return matrix, off
    middles = centres(cells)[found]
    there = carried(laid.to_reference, middles).astype(np.float32)
    met = carried(laid.to_reference, (middles + cells.shifts[found]).astype(np.float32)).astype(np.float32)
    here = carried(np.asarray(np.linalg.inv(matrix)), met).astype(np.float32)
    drawn = fitted(here, there, matrix)
    off[found] = (carried(drawn, here) - there) / laid.to_reference[0, 0]
    return drawn, off


def compare_cells(laid: Laid) -> Cells:
    """Look for every cell."""
    query, reference = _greys(laid)
    rows, columns = query.shape[0] // CELL, query.shape[1] // CELL
    height, width = rows * CELL, columns * CELL
    whole = averaged(laid.seen[:height, :width].astype(np.float32), CELL) == 1
    reference = reference[:height, :width]
    middle = averaged(reference, CELL)
    power = averaged(reference * reference, CELL) - middle * middle
    padded = np.pad(query, REACH, mode="edge")
    side = 2 * REACH + 1
    mean, square = (_shifted(levels, side, rows, columns) for levels in (padded, padded * padded))
    other = square - mean * mean
    textured = np.minimum(power, other[REACH, REACH]) >= LEAST_TEXTURE**2
    scores = np.empty((side, side, rows, columns), np.float32)
    across = np.lib.stride_tricks.sliding_window_view(padded[:, : width + 2 * REACH], width, axis=1).swapaxes(0, 1)
    products = np.empty((side, height, width), np.float32)
    for y in range(side):
        np.multiply(across[:, y : y + height], reference, out=products)
        # One below the other, so that they are averaged at a stroke.
        scores[y] = averaged(products.reshape(-1, width), CELL).reshape(side, rows, columns)
    scores -= mean * middle
    scores /= np.sqrt(np.maximum(other * power, _NOTHING))
    flat = scores.reshape(side * side, rows, columns)
    best = (flat - _FARNESS).argmax(axis=0)
    alike = np.take_along_axis(flat, best[None], 0)[0]
    shifts = np.stack([_between(scores, best, 1), _between(scores, best, 0)], axis=-1)
    return Cells(np.where(whole & textured, alike, np.nan).astype(np.float32), shifts, scores)


def _shifted(levels: NDArray[np.float32], side: int, rows: int, columns: int) -> NDArray[np.float32]:
    """(side, side, rows, columns): the mean over each cell at every shift."""
    # Of a cell that begins at any pixel, so that no shift needs its own.
    means = np.asarray(cv2.boxFilter(levels, -1, (CELL, CELL), anchor=(0, 0)), np.float32)
    down, right = means.strides
    shape = (side, side, rows, columns)
    return np.lib.stride_tricks.as_strided(means, shape, (down, right, CELL * down, CELL * right), writeable=False)


def centres(cells: Cells) -> NDArray[np.float32]:
    """(rows, columns, 2): x and y of the cells' middles, in pixels of the frame."""
    rows, columns = cells.alike.shape
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    return ((np.stack([x, y], axis=-1) + 0.5) * CELL).astype(np.float32)


def _pixels_of(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(3, 3): from places to pixels."""
    longest = max(picture.shape[:2])
    return np.diag([longest, longest, 1.0])


def _corners(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    height, width = picture.shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)


def _greys(laid: Laid) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Query and reference as levels about the middle of the scale, lightly smoothed, so that a shift of part of a pixel
    costs little. Where one is much rougher than the other, by noise or sharpening, both are softened: what is fine in
    them has nothing in common. Two exposures of a scene are equally rough.
    """
    query, reference = (
        cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) - _MIDDLE_GREY
        for picture in (laid.query, laid.reference)
    )
    rough = [_roughness(levels, laid.seen) for levels in (query, reference)]
    width = SOFTER if max(rough) > MUCH_ROUGHER * min(rough) else SOFT
    size = 2 * round(1.9 * width) + 1
    query, reference = (
        np.asarray(cv2.GaussianBlur(one, (size, size), width), np.float32) for one in (query, reference)
    )
    return query, reference


def _roughness(levels: NDArray[np.float32], seen: NDArray[np.bool_]) -> float:
    """How much of what varies is fine, as a share of what is not."""
    soft = np.asarray(cv2.GaussianBlur(levels, (0, 0), _COARSE))
    fine = levels - soft
    return float(fine[seen].std() / max(float(soft[seen].std()), 1.0)) if seen.any() else 0.0


def _between(scores: NDArray[np.float32], best: NDArray[np.intp], axis: int) -> NDArray[np.float32]:
    """The best shift along an axis, between pixels: the top of the parabola through it and its neighbours."""
    side = 2 * REACH + 1
    y, x = np.divmod(best, side)
    at = (y, x)[axis == 1]
    rows, columns = np.indices(best.shape)

    def score(step: int) -> NDArray[np.float32]:
        down, right = (0, step) if axis == 1 else (step, 0)
        there = scores[np.clip(y + down, 0, side - 1), np.clip(x + right, 0, side - 1), rows, columns]
        return np.asarray(there, np.float32)

    before, top, after = score(-1), score(0), score(1)
    bend = before - 2 * top + after
    inner = (at > 0) & (at < side - 1) & (bend < 0)
    step = np.divide(before - after, 2 * bend, out=np.zeros_like(bend), where=inner)
    return np.asarray(at - REACH + step.clip(-HALF, HALF), np.float32)
