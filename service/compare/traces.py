"""What was done to one of two pictures that show the same: the traces that edits leave, as numbers.

Measured where the map lays both together; `domain/edits.py` gives them their names. Everything is told of the query
seen from the reference: a blur means that the query is the softer one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from service.compare.appearance import LUMA, rms, unexplained
from service.compare.cells import CELL, LEAST_TEXTURE, REACH
from service.compare.geometry import carried, extent
from service.domain.traces import Grid, Shape, Surface, Surroundings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.compare.cells import Cells, Laid
    from service.compare.proof import Proof

SPOT = 4
"""Pixels of the frame: the side of the spots that changes are told by."""
_FLAT = 2.5
"""Grey levels (standard deviation) below which an 8x8 cell shows nothing."""
_BLANK = 0.8
_ROOM = 0.03
"""Of the side: what lies around the copy by less is the map's error."""
_PAPER = 16
"""Grey levels that count as one paper."""
_LEAST_BORDERS = 32
_HIDDEN = 25.0
"""Grey levels by which a spot must differ, and by four times what is usual, to count as covered."""
_SOFT = 3
_AS_LARGE = 1.06
"""By what factor a side may differ."""
_BLACK, _WHITE = 1.5, 253.5
_TONES = 16
_TONE_STEP = 256 / _TONES
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


def surroundings_of(proof: Proof, query: NDArray[np.uint8]) -> Surroundings:
    """What lies around the copy in the query."""
    height, width = query.shape[:2]
    x, y = np.meshgrid((np.arange(width) + 0.5) / width, (np.arange(height) + 0.5) / height)
    shown = carried(proof.matrix, np.stack([x.ravel(), y.ravel()], axis=1)).reshape(height, width, 2)
    margin = 0.01
    beyond = np.asarray(((shown < -margin) | (shown > 1 + margin)).any(axis=2), bool)
    seam = _seam(proof, query)
    inner = np.argwhere(~beyond) / [height, width]
    room = np.concatenate([inner.min(axis=0), 1 - inner.max(axis=0)]) if len(inner) else np.ones(4)
    sides = int((room > _ROOM).sum())
    rows, columns = height // 8, width // 8
    whole = beyond[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8).all(axis=(1, 3))
    if not whole.any():
        return Surroundings(float(beyond.mean()), 1.0, 1.0, sides, seam)
    levels = (query @ LUMA)[: rows * 8, : columns * 8].reshape(rows, 8, columns, 8)
    spread = np.asarray(levels.std(axis=(1, 3)))[whole]
    flat, blank = float(np.mean(spread < _FLAT)), float(np.mean(spread < _BLANK))
    return Surroundings(float(beyond.mean()), flat, blank, sides, seam)


def _seam(proof: Proof, query: NDArray[np.uint8]) -> float:
    """How much more the query's levels jump where the reference ends than just within it."""
    height, width = query.shape[:2]
    line, step = np.linspace(0.05, 0.95, 60), 0.012
    rows = []
    for depth in (-step, step, 3 * step):
        near, far = np.full_like(line, depth), np.full_like(line, 1 - depth)
        edges = [(line, near), (line, far), (near, line), (far, line)]
        rows.append(np.concatenate([np.stack(edge, axis=1) for edge in edges]))
    places = [carried(np.asarray(np.linalg.inv(proof.matrix)), row) * [width, height] for row in rows]
    within = np.all([((p >= 0) & (p <= [width - 1, height - 1])).all(axis=1) for p in places], axis=0)
    if within.sum() < _LEAST_BORDERS:
        return 0.0
    levels = query.astype(np.float32)
    outer, inner, deeper = (levels[p[within][:, 1].astype(int), p[within][:, 0].astype(int)] for p in places)
    across = float(np.median(np.abs(outer - inner).mean(axis=1)))
    return across / (float(np.median(np.abs(inner - deeper).mean(axis=1))) + 2.0)


def surface_of(laid: Laid, cells: Cells) -> Surface:
    """What differs where both show the same, each cell compared where it was found."""
    query = _followed(laid, cells)
    height, width = query.shape[:2]
    reference = laid.reference[:height, :width].astype(np.float32)
    seen = laid.seen[:height, :width]
    changes, whole = _spots(np.abs(_matched(query @ LUMA, reference @ LUMA, seen)), seen)
    typical = float(np.median(changes[whole])) if whole.any() else 0.0
    hidden = whole & (changes > max(_HIDDEN, 4 * typical))
    same = seen & _agreeing(cells, query @ LUMA, reference @ LUMA) & ~_around(hidden, seen)
    same = same if same.any() else seen
    soft_query, soft_reference = (
        np.asarray(cv2.GaussianBlur(one, (0, 0), _SOFT), np.float32)[same] for one in (query, reference)
    )
    detail, grain = _fine(query @ LUMA, reference @ LUMA, same)
    return Surface(
        tone_distance=rms(soft_query - soft_reference),
        tone_residual=rms(unexplained(soft_query, soft_reference)),
        query_chroma=_chroma(query[same]),
        reference_chroma=_chroma(reference[same]),
        query_clipped=_clipped(query[same]),
        reference_clipped=_clipped(reference[same]),
        query_spread=float((query @ LUMA)[same].std()),
        reference_spread=float((reference @ LUMA)[same].std()),
        detail=detail,
        grain=grain,
        covered=float(hidden.sum() / whole.sum()) if whole.any() else 0.0,
        worst=float(changes[whole].max()) if whole.any() else 0.0,
        paper=_paper((reference @ LUMA)[same]),
    )


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
    detail, _ = _fine(laid @ LUMA, reference @ LUMA, np.ones((height, width), bool))
    return detail


def grid_of(picture: NDArray[np.uint8]) -> Grid:
    """Of one picture at its own size."""
    levels = picture @ LUMA
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


def _followed(laid: Laid, cells: Cells) -> NDArray[np.float32]:
    """The query with every cell taken from where it was found; those not found stay where the map puts them."""
    rows, columns = cells.alike.shape
    padded = np.pad(laid.query, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge").astype(np.float32)
    out = np.empty((rows * CELL, columns * CELL, 3), np.float32)
    steps = np.where(cells.found[..., None], np.round(cells.shifts), 0).astype(int) + REACH
    for row in range(rows):
        for column in range(columns):
            right, down = steps[row, column] + np.array([column * CELL, row * CELL])
            here = np.s_[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
            out[here] = padded[down : down + CELL, right : right + CELL]
    return out


def _agreeing(cells: Cells, query: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The pixels of all cells but those that looked for themselves in vain, and those that show something in one picture
    and nothing in the other.
    """
    flat, bare = (_spreads(levels) < LEAST_TEXTURE for levels in (query, reference))
    lost = (np.isfinite(cells.alike) & ~cells.found) | (flat != bare)
    return np.asarray(~lost.repeat(CELL, axis=0).repeat(CELL, axis=1), bool)


def _spreads(levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """(rows, columns): the standard deviation in each cell."""
    rows, columns = levels.shape[0] // CELL, levels.shape[1] // CELL
    cells = levels[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL)
    return np.asarray(cells.std(axis=(1, 3)), np.float32)


def _matched(
    query: NDArray[np.float32], reference: NDArray[np.float32], seen: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """The query's grey levels less what their curve makes of the reference's; 0 where not seen.

    The curve is the median level of the query wherever the reference has a given one, so it follows every change of
    light, clipping too, and nothing that lies on a small part of the picture.
    """
    known = (reference / _TONE_STEP).astype(int).clip(0, _TONES - 1)
    middles, levels = [], []
    for tone in np.unique(known[seen]):
        there = seen & (known == tone)
        middles.append(float(reference[there].mean()))
        levels.append(float(np.median(query[there])))
    if not middles:
        return np.zeros_like(query)
    return np.where(seen, query - np.interp(reference, middles, levels), 0).astype(np.float32)


def _spots(changed: NDArray[np.float32], seen: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(rows, columns): the mean change of each spot, and which are seen whole."""
    rows, columns = changed.shape[0] // SPOT, changed.shape[1] // SPOT
    shape = (rows, SPOT, columns, SPOT)
    means = changed[: rows * SPOT, : columns * SPOT].reshape(shape).mean(axis=(1, 3))
    whole = seen[: rows * SPOT, : columns * SPOT].reshape(shape).all(axis=(1, 3))
    return np.asarray(means, np.float32), np.asarray(whole, bool)


def _around(spots: NDArray[np.bool_], seen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The pixels of these spots, and those whose surroundings they shine into when all is softened."""
    near = cv2.dilate(spots.astype(np.uint8), np.ones((7, 7), np.uint8))
    height, width = seen.shape
    wide = cv2.resize(near, (near.shape[1] * SPOT, near.shape[0] * SPOT), interpolation=cv2.INTER_NEAREST)
    edges = ((0, height - wide.shape[0]), (0, width - wide.shape[1]))
    return np.pad(np.asarray(wide, bool), edges)


def _fine(query: NDArray[np.float32], reference: NDArray[np.float32], seen: NDArray[np.bool_]) -> tuple[float, float]:
    """The query's fine detail by the reference's, contrast allowed for; and what of it is new, grain (RMS levels)."""
    if not seen.any():
        return 1.0, 0.0
    fine_query, fine_reference = (p - np.asarray(cv2.GaussianBlur(p, (0, 0), 1.2)) for p in (query, reference))
    here, there = fine_query[seen], fine_reference[seen]
    power = float((there * there).mean())
    if power <= 0:
        return 1.0, rms(here)
    carried_over = float((here * there).mean()) / power
    contrast = max(float(query[seen].std()), 1.0) / max(float(reference[seen].std()), 1.0)
    # Grain of the reference is unexplained as well, but leaves the query with less of it all, not with more.
    more = max(0.0, float((here * here).mean()) - contrast**2 * power)
    return carried_over / contrast, min(rms(here - carried_over * there), more**0.5)


def _chroma(levels: NDArray[np.float32]) -> float:
    """Mean distance of the colour channels from one another, in levels."""
    return float((levels.max(axis=1) - levels.min(axis=1)).mean()) if len(levels) else 0.0


def _clipped(levels: NDArray[np.float32]) -> float:
    """Share of the pixels that have nothing darker or nothing lighter in some channel."""
    return float(((levels < _BLACK) | (levels > _WHITE)).any(axis=1).mean()) if len(levels) else 0.0


def _paper(levels: NDArray[np.float32]) -> float:
    if not len(levels):
        return 0.0
    counts = np.bincount((levels / 4).astype(int).clip(0, 63), minlength=64)
    return float(np.convolve(counts, np.ones(_PAPER // 4), "valid").max() / len(levels))
