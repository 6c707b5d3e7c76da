"""Two pictures in one frame as finely as the coarser of them shows it.

So a copy that was made smaller, or pasted small into a page, does not look softer for that alone. Nor does it look noisy
if it was made smaller without averaging: what averaging takes from the other picture is told as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from service.compare.cells import CELL, REACH
from service.compare.geometry import extent
from service.compare.warp import between_middles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.compare.cells import Cells
    from service.compare.proof import Proof

_AVERAGED = 1.25
"""Times as fine as the frame: such a picture is averaged to the frame's pixels before it is laid."""


_FINER = 1.1
"""Times as fine as the query, from which the reference shows what the query cannot."""


@dataclass(frozen=True, slots=True, eq=False)
class Even:
    """The grey levels of both in one frame, (h, w) each."""

    query: NDArray[np.uint8]
    reference: NDArray[np.uint8]
    averaged_out: float
    """Grey levels (RMS) of the reference that are too fine for the query: it may have them as grain."""


def evenly_laid(proof: Proof, query: NDArray[np.uint8], reference: NDArray[np.uint8]) -> Even:
    """Both in the proof's frame, as fine as the coarser is, and no finer than the frame."""
    query, reference = (np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), np.uint8) for one in (query, reference))
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
    finer = fineness[1] / fineness[0]
    lost = _averaged_out(reference, 1 / finer) * goal / fineness[0] if finer > _FINER else 0.0
    return Even(here, there, lost)


def _averaged_out(picture: NDArray[np.uint8], scale: float) -> float:
    """Grey levels (RMS) by which the picture's pixels differ from what it shows at that scale."""
    levels = picture.astype(np.float32)
    size = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    mean, square = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (levels, levels * levels))
    return float(np.maximum(np.asarray(square) - np.square(mean), 0).mean() ** 0.5)


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


def followed(query: NDArray[np.uint8], cells: Cells) -> NDArray[np.uint8]:
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
