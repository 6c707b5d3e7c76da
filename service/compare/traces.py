"""What was done to one of two pictures that show the same: the traces that edits leave, as numbers.

Measured where the map lays both together; `domain/edits.py` gives them their names. Everything is told of the query
seen from the reference: a blur means that the query is the softer one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from service.compare.covers import grey_of
from service.compare.geometry import carried, extent
from service.compare.surface import fine_detail
from service.domain.traces import Grid, Shape, Surroundings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.compare.proof import Proof

_FLAT = 2.5
"""Grey levels (standard deviation) below which an 8x8 cell shows nothing."""
_BLANK = 0.3
"""The same, below which it is of one level: a page of a program has many such cells, a sky few."""
_MARGIN = 0.01
"""Of the side: so much further out lies what is surely not the copy."""
_ROOM = 0.03
"""Of the side: what lies around the copy by less is the map's error."""
_LEAST_BORDERS = 32
_AS_LARGE = 1.06
"""By what factor a side may differ."""
_UPSIDE_DOWN = 135


def shape_of(proof: Proof, query: NDArray[np.uint8], reference: NDArray[np.uint8]) -> Shape:
    """The map at the middle of what is shared, taken apart."""
    here, there = extent(query), extent(reference)
    left, top, right, bottom = proof.region
    middle = carried(np.asarray(np.linalg.inv(proof.matrix)), np.array([[(left + right) / 2, (top + bottom) / 2]]))
    step = 1e-3
    around = middle + np.array([[0, 0], [step / here[0], 0], [0, step / here[1]]])
    shown = carried(proof.matrix, around) * there
    turn = np.stack([shown[1] - shown[0], shown[2] - shown[0]], axis=1) / step
    mirrored = bool(np.linalg.det(turn) < 0)
    if mirrored:
        turn = turn @ np.diag([-1.0, 1.0])
    angle, stretch, shear = min((_taken_apart(turn, upper=upper) for upper in (True, False)), key=_oddness)
    if mirrored and abs(angle) > _UPSIDE_DOWN:  # upside down in a mirror: nobody turned it, the mirror lay below
        angle -= float(np.copysign(180, angle))
    corners = np.array([[0.0, 0, 1], [1, 0, 1], [0, 1, 1], [1, 1, 1]])
    depths = corners @ proof.matrix[2] / (np.append(middle[0], 1) @ proof.matrix[2])
    return Shape(mirrored, angle, stretch, shear, float(depths.max() / max(depths.min(), 1e-3) - 1))


def _taken_apart(turn: NDArray[np.float64], *, upper: bool) -> tuple[float, float, float]:
    """Angle, stretch and shear of a 2x2 map that does not mirror: a turn after a triangular map."""
    flip = np.eye(2) if upper else np.array([[0.0, 1], [1, 0]])
    turned, triangle = np.linalg.qr(flip @ turn @ flip)
    signs = np.sign(np.diag(triangle))
    turned, triangle = flip @ (turned * signs) @ flip, triangle * signs[:, None]
    wide, tall = np.diag(triangle)
    # The query's angle is against the map's, which carries the query to the reference.
    angle = -np.degrees(np.arctan2(turned[1, 0], turned[0, 0]))
    return float(angle), float(max(wide / tall, tall / wide)), float(triangle[0, 1] / tall)


def _oddness(parts: tuple[float, float, float]) -> float:
    """Of the two ways to take a map apart the plainer one is meant: a turn by right angles is plain."""
    angle, _, shear = parts
    return abs((angle + 45) % 90 - 45) / 45 + abs(shear)


def surroundings_of(matrix: NDArray[np.float64], query: NDArray[np.uint8]) -> Surroundings:
    """What lies around the copy in the query, whose shares `matrix` carries to the reference's."""
    rows, columns = (side // 8 for side in query.shape[:2])
    if not rows or not columns:
        return Surroundings(0.0, 1.0, 1.0, 0, 0.0)
    height, width = 4 * rows, 4 * columns  # every other pixel of every other row tells where the copy is
    x, y = np.meshgrid((2 * np.arange(width) + 1) / query.shape[1], (2 * np.arange(height) + 1) / query.shape[0])
    shown = carried(matrix, np.stack([x.ravel(), y.ravel()], axis=1).astype(np.float32))
    outside = (shown < -_MARGIN) | (shown > 1 + _MARGIN)
    beyond = (outside[:, 0] | outside[:, 1]).reshape(height, width)
    inner = np.argwhere(~beyond) / [height, width]
    room = np.concatenate([inner.min(axis=0), 1 - inner.max(axis=0)]) if len(inner) else np.ones(4)
    share, sides, seam = float(beyond.mean()), int((room > _ROOM).sum()), _seam(matrix, query)
    whole = beyond.reshape(rows, 4, columns, 4).all(axis=(1, 3))
    if not whole.any():
        return Surroundings(share, 1.0, 1.0, sides, seam)
    levels = grey_of(query)[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).swapaxes(1, 2)
    spread = np.asarray(levels[whole].std(axis=(1, 2)))
    return Surroundings(share, float(np.mean(spread < _FLAT)), float(np.mean(spread < _BLANK)), sides, seam)


def _seam(matrix: NDArray[np.float64], query: NDArray[np.uint8]) -> float:
    """How much more the query's levels jump where the reference ends than just within it."""
    height, width = query.shape[:2]
    line, step = np.linspace(0.05, 0.95, 60), 0.012
    rows = []
    for depth in (-step, step, 3 * step):
        near, far = np.full_like(line, depth), np.full_like(line, 1 - depth)
        edges = [(line, near), (line, far), (near, line), (far, line)]
        rows.append(np.concatenate([np.stack(edge, axis=1) for edge in edges]))
    places = [carried(np.asarray(np.linalg.inv(matrix)), row) * [width, height] for row in rows]
    within = np.all([((p >= 0) & (p <= [width - 1, height - 1])).all(axis=1) for p in places], axis=0)
    if within.sum() < _LEAST_BORDERS:
        return 0.0
    levels = query.astype(np.float32)
    outer, inner, deeper = (levels[p[within][:, 1].astype(int), p[within][:, 0].astype(int)] for p in places)
    across = float(np.median(np.abs(outer - inner).mean(axis=1)))
    return across / (float(np.median(np.abs(inner - deeper).mean(axis=1))) + 2.0)


def copy_in(proof: Proof, query: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The part of the query that shows the reference: what lies around it was saved and coarsened otherwise."""
    height, width = query.shape[:2]
    left, top, right, bottom = proof.region
    corners = np.array([[left, top], [right, top], [left, bottom], [right, bottom]])
    shown = carried(np.asarray(np.linalg.inv(proof.matrix)), corners).clip(0, 1) * [width, height]
    (left, top), (right, bottom) = np.round(shown.min(axis=0)).astype(int), np.round(shown.max(axis=0)).astype(int)
    return query[top:bottom, left:right] if min(right - left, bottom - top) > 1 else query


def detail_of(query: NDArray[np.uint8], reference: NDArray[np.uint8]) -> float:
    """The query's fine detail for each unit of the reference's, of two that show the same from edge to edge, at the
    reference's own size: softness that no frame of 256 pixels would show. 1 where they differ in size: what was resized is
    softer for that.
    """
    height, width = reference.shape[:2]
    sides = query.shape[0] / height, query.shape[1] / width
    if not 1 / _AS_LARGE < min(sides) <= max(sides) < _AS_LARGE:
        return 1.0
    laid = np.asarray(cv2.resize(query, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    return fine_detail(grey_of(laid), grey_of(reference), np.ones((height, width), bool))[0]


def grid_of(picture: NDArray[np.uint8]) -> Grid:
    """Of one picture at its own size."""
    levels = grey_of(picture)
    across = np.abs(np.diff(levels, axis=1)).mean(axis=0)
    down = np.abs(np.diff(levels, axis=0)).mean(axis=1)
    return Grid(blocks=min(_blocks(across), _blocks(down)), steps=min(_steps(across), _steps(down)))


def _blocks(changes: NDArray[np.float32]) -> float:
    """How much more the levels change at every eighth border than at the others."""
    count = len(changes) // 8 * 8
    if count < _LEAST_BORDERS:
        return 0.0
    by_place = changes[:count].reshape(-1, 8).mean(axis=0)
    strongest = int(by_place.argmax())
    others = np.delete(by_place, strongest)
    return float(by_place[strongest] / max(float(others.mean()), 1e-3) - 1)


def _steps(changes: NDArray[np.float32]) -> float:
    """Share of the borders at which next to nothing changes, against what changes at the others."""
    return float(np.mean(changes < 0.3 * changes.mean())) if len(changes) else 0.0
