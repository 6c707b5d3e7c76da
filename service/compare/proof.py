"""Two pictures to the proof that one shows part of the other: the map between them and what speaks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from service.compare.cells import CELL, LEAST_CELLS, settle, shown_part
from service.compare.fine import AT_ODDS, fine_of
from service.compare.geometry import align, carried, extent
from service.domain.dihedral import POSES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.compare.cells import Cells, Laid
    from service.compare.fine import Fine
    from service.domain.keypoints import Keypoints
    from service.domain.values import Region

MOST_SHOWN = MOST_FOUND = 0.9
"""Share of the query that is shown, and of the cells that are found, from which on no part is looked for."""
_GRID = 64
_HAIR = 0.004


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A picture as geometry sees it. `working` is (h, w, 3) uint8; `mirrored` are the features of its mirror image."""

    working: NDArray[np.uint8]
    keypoints: Keypoints
    mirrored: Keypoints


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """What was found when a query was laid on a reference."""

    inliers: int
    """Distinct pairs of features that the map carries onto each other."""
    agreement: float
    """Share of the cells that found themselves, 0..1."""
    compared: int
    """How many cells had anything to look for."""
    in_place: float
    """Share of the compared cells that lie where the map says, 0..1."""
    fine: Fine
    """How far what is fine agrees."""
    matrix: NDArray[np.float64]
    """(3, 3): query shares to reference shares."""
    query_overlap: float
    """Share of the query that lies within the reference, 0..1."""
    reference_overlap: float
    """Share of the reference that the query shows, 0..1."""
    region: Region
    """The box around that part of the reference."""
    laid: Laid
    cells: Cells

    @property
    def steady(self) -> int:
        """How many cells lie where the map says."""
        return round(self.in_place * self.compared)


def prove(query: Sample, reference: Sample) -> Proof | None:
    """None where no map carries enough features, or what it lays together is too small to compare."""
    alignment = align(query.keypoints, query.mirrored, reference.keypoints)
    if alignment is None:
        return None
    return proved(query.working, reference.working, alignment.matrix, alignment.inliers)


def proved(
    query: NDArray[np.uint8], reference: NDArray[np.uint8], matrix: NDArray[np.float64], inliers: int
) -> Proof | None:
    """The proof of a map of places; None where what it lays together is too small to compare."""
    settled = settle(query, reference, matrix, inliers)
    if settled is None or settled.cells.compared < LEAST_CELLS:
        return None
    here, there = extent(query), extent(reference)
    shares = np.diag([1 / there[0], 1 / there[1], 1]) @ settled.matrix @ np.diag([here[0], here[1], 1])
    shares = _plainest(np.asarray(shares / shares[2, 2], np.float64))
    shown = _covered(shares)
    known = _covered(np.asarray(np.linalg.inv(shares), np.float64))
    # Where both lie upon each other as wholes, what differs inside is no cut: another picture on the same page, say.
    if shown.mean() < MOST_SHOWN and settled.cells.agreement < MOST_FOUND and (part := shown_part(settled.cells)):
        settled = settled.within(part)
        top, bottom, left, right = (CELL * side for side in part)
        low, high = carried(settled.laid.to_reference, np.array([[left, top], [right, bottom]], np.float64)) / there
        known &= ((low <= _SHARES) & (high >= _SHARES)).all(axis=1)
        onto = carried(shares, _SHARES)
        shown &= ((onto >= low) & (onto <= high)).all(axis=1)
    inside = _SHARES[known]
    if not len(inside):
        return None
    (left, top), (right, bottom) = inside.min(axis=0) - 0.5 / _GRID, inside.max(axis=0) + 0.5 / _GRID
    return Proof(
        inliers=inliers,
        agreement=settled.cells.agreement,
        compared=settled.cells.compared,
        in_place=settled.in_place,
        fine=AT_ODDS if settled.given_up else fine_of(settled.laid, settled.drawn),
        matrix=shares,
        query_overlap=float(shown.mean()),
        reference_overlap=float(known.mean()),
        region=(float(left), float(top), float(right), float(bottom)),
        laid=settled.laid,
        cells=settled.cells,
    )


def _plainest(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where a map is, within its own error, one of the eight poses, it is that one."""
    for pose in POSES:
        exact = np.array(pose.transform)
        if np.abs(shares - exact).max() < _HAIR:
            return exact
    return shares


_LINE = (np.arange(_GRID) + 0.5) / _GRID
_SHARES = np.stack(np.meshgrid(_LINE, _LINE), axis=-1).reshape(-1, 2).astype(np.float32)
"""(4096, 2): an even grid over a picture."""


def _covered(matrix: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which points of the grid a map of shares carries into the other picture; a hair's breadth outside counts."""
    x, y = carried(matrix, _SHARES).T
    return np.asarray((x > -_HAIR) & (x < 1 + _HAIR) & (y > -_HAIR) & (y < 1 + _HAIR), bool)
