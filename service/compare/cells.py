"""Do two pictures agree, cell by cell, once a map has laid one on the other?

Geometry alone is easily fooled: the corners of a chequered frame or the teeth of a cut-out match anywhere. So the part
that both pictures show is brought into one frame and cut into cells. Each cell of the query looks for itself in the
reference, a few pixels around where the map says it must be. A copy finds nearly all of them, and where it finds them
all lies on one map; a neighbouring frame of a film finds some, pulled about by parallax; what was laid on top of a copy
shows as cells that find nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from service.compare.geometry import carried, extent, fitted

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
LEAST_CELLS = 6
MOST_ALIASED = 1.5
"""By how much a picture may be shrunk without averaging it first."""
HALF = 0.5
"""Of a pixel: its middle from its edge."""
LEAST_SHARED = 0.02
"""Of the reference's longer side: a smaller part has no room for a cell."""


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
    from_reference = _between_middles(there @ to_reference)
    from_query = _between_middles(here @ np.linalg.inv(matrix) @ to_reference)
    return Laid(
        query=_warped(query, from_query, (width, height)),
        reference=_warped(reference, from_reference, (width, height)),
        seen=_inside(query, from_query, (width, height)) & _inside(reference, from_reference, (width, height)),
        to_reference=to_reference,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Settled:
    """A map once it is drawn to where the cells were found. `pull` is how far off it they still are (root mean square,
    in shares of the frame's longer side; infinite where too few were found).
    """

    matrix: NDArray[np.float64]
    laid: Laid
    cells: Cells
    pull: float


def settle(query: NDArray[np.uint8], reference: NDArray[np.uint8], matrix: NDArray[np.float64]) -> Settled | None:
    """Look for the cells in a coarse frame, draw the map to where they were found, and look again in a fine one."""
    coarse = lay(query, reference, matrix, FRAME // 2)
    if coarse is None:
        return None
    matrix, _ = _drawn(matrix, coarse, compare_cells(coarse))
    laid = lay(query, reference, matrix)
    if laid is None:
        return None
    cells = compare_cells(laid)
    matrix, pull = _drawn(matrix, laid, cells)
    return Settled(matrix, laid, cells, pull)


def _drawn(matrix: NDArray[np.float64], laid: Laid, cells: Cells) -> tuple[NDArray[np.float64], float]:
    """A map of the same kind through the places where cells were found, and how far off it they lie."""
    found = cells.found
    if found.sum() < LEAST_CELLS:
        return matrix, float("inf")
    middles = centres(cells)[found]
    there = carried(laid.to_reference, middles).astype(np.float32)
    met = carried(laid.to_reference, (middles + cells.shifts[found]).astype(np.float32)).astype(np.float32)
    here = carried(np.asarray(np.linalg.inv(matrix)), met).astype(np.float32)
    drawn = fitted(here, there, matrix)
    side = max(laid.seen.shape) * float(laid.to_reference[0, 0])
    apart = np.linalg.norm(carried(drawn, here) - there, axis=1)
    return drawn, float(np.sqrt(np.mean(apart**2))) / side


def compare_cells(laid: Laid) -> Cells:
    """Look for every cell."""
    query, reference = (_grey(picture) for picture in (laid.query, laid.reference))
    rows, columns = query.shape[0] // CELL, query.shape[1] // CELL
    height, width = rows * CELL, columns * CELL
    whole = laid.seen[:height, :width].reshape(rows, CELL, columns, CELL).all(axis=(1, 3))
    there = _blocks(reference[:height, :width])
    there = there - there.mean(axis=-1, keepdims=True)
    power = (there**2).sum(axis=-1)
    padded = np.pad(query, REACH, mode="edge")
    side = 2 * REACH + 1
    scores = np.full((side, side, rows, columns), -1.0, np.float32)
    textured = np.zeros((rows, columns), bool)
    for y in range(side):
        for x in range(side):
            here = _blocks(padded[y : y + height, x : x + width])
            here = here - here.mean(axis=-1, keepdims=True)
            other = (here**2).sum(axis=-1)
            scores[y, x] = (here * there).sum(axis=-1) / np.sqrt(np.maximum(other * power, 1e-6))
            if x == y == REACH:
                textured = np.minimum(power, other) >= CELL * CELL * LEAST_TEXTURE**2
    flat = scores.reshape(side * side, rows, columns)
    best = flat.argmax(axis=0)
    alike = np.take_along_axis(flat, best[None], 0)[0]
    shifts = np.stack([_between(scores, best, 1), _between(scores, best, 0)], axis=-1)
    return Cells(np.where(whole & textured, alike, np.nan).astype(np.float32), shifts)


def centres(cells: Cells) -> NDArray[np.float32]:
    """(rows, columns, 2): x and y of the cells' middles, in pixels of the frame."""
    rows, columns = cells.alike.shape
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    return ((np.stack([x, y], axis=-1) + 0.5) * CELL).astype(np.float32)


def _pixels_of(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(3, 3): from places to pixels."""
    longest = max(picture.shape[:2])
    return np.diag([longest, longest, 1.0])


def _between_middles(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """A map between edges of pixels as one between their middles, which is what pictures are numbered by."""
    half = np.array([[1, 0, HALF], [0, 1, HALF], [0, 0, 1]])
    return np.asarray(np.linalg.inv(half) @ matrix @ half, np.float64)


def _corners(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    height, width = picture.shape[:2]
    return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)


def _warped(picture: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture seen through a map from the frame's pixels to its own; shrunk pictures are averaged first."""
    shrink = float(np.sqrt(abs(np.linalg.det(matrix[:2, :2]))))
    if shrink > MOST_ALIASED:
        height, width = picture.shape[:2]
        smaller = (max(1, round(width / shrink)), max(1, round(height / shrink)))
        matrix = _between_middles(np.diag([smaller[0] / width, smaller[1] / height, 1.0])) @ matrix
        picture = np.asarray(cv2.resize(picture, smaller, interpolation=cv2.INTER_AREA), np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpPerspective(picture, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8)


def _inside(picture: NDArray[np.uint8], matrix: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Where the map stays within the picture."""
    x, y = np.meshgrid(np.arange(size[0], dtype=np.float32), np.arange(size[1], dtype=np.float32))
    shown = carried(matrix, np.stack([x.ravel(), y.ravel()], axis=1)).reshape(size[1], size[0], 2)
    height, width = picture.shape[:2]
    within = (shown > -HALF) & (shown < np.array([width, height]) - HALF)
    return np.asarray(within.all(axis=2), bool)


def _grey(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Lightly smoothed, so that a shift of part of a pixel costs little."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.GaussianBlur(grey, (3, 3), 0.8), np.float32)


def _blocks(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, columns, CELL * CELL)."""
    rows, columns = picture.shape[0] // CELL, picture.shape[1] // CELL
    return picture.reshape(rows, CELL, columns, CELL).swapaxes(1, 2).reshape(rows, columns, -1)


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
