"""Is there one map that carries a query onto a reference, and what of each does it cover?

Features that are each other's nearest are pairs. A pair is two spots with a size and an angle, so each proposes a map
by itself: moved, turned and scaled. Every proposal is tried on every pair (nothing is drawn by chance), the best ones
are refined by least squares to affine maps under tightening tolerances, and to a perspective one where that carries
more pairs. Unlike random sampling this finds the copy that shares a tenth of its features with its source.

Places are in units of the longer side of each picture, see `domain/keypoints.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.domain.keypoints import Keypoints

LEAST_PAIRS = 6
"""A map with fewer pairs says nothing: an affine one goes through any three, and of two strangers one in four has a map
for four pairs, one in four hundred for six."""
MOST_PAIRS = 200
PROPOSALS = 4
"""How many of the best proposals are refined."""
LOOSE = 0.10
"""Of the reference's longer side: one pair's own map is rough, and a stretched or sheared copy has no such map."""
TIGHT = (0.05, 0.03, 0.02)
"""Tolerances of the refined maps, one after another."""
SAME_SIZE, SAME_ANGLE = 0.7, 0.5
"""By how much (natural logarithm, radians) the sizes and angles of two pairs may disagree with a proposal."""
LEAST_SCALE, MOST_SCALE = 0.04, 25.0
MOST_STRETCH = 4.0
GRAIN = 200
"""Pairs whose spots lie in the same two-hundredth of a side are one witness, not two."""
PERSPECTIVE_PAIRS = 12
WORTH_IT = 0.85
"""A perspective map has two more numbers to fit with: its errors, each cut off at the tolerance (Torr and Zisserman,
"MLESAC", CVIU 2000), must be so much smaller."""
NO_DEPTH, LEAST_DEPTH = 1e-3, 0.1
"""What lies no deeper is behind the eye; a map that brings a spot so close is no view of a picture."""
MOST_SWOLLEN = 1.5
"""By how much in area a map that is only drawn to its spots may differ from the one that it was drawn from."""
NOTHING = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """`matrix` (3, 3) carries query places to reference places; `inliers` are distinct pairs that it carries."""

    matrix: NDArray[np.float64]
    inliers: int
    mirrored: bool


def align(query: Keypoints, mirrored: Keypoints, reference: Keypoints) -> Alignment | None:
    """The map that carries most; None where none carries `LEAST_PAIRS`. `mirrored` is the query's mirror image."""
    plain = _aligned(query, reference, LEAST_PAIRS, mirrored=False)
    return _aligned(mirrored, reference, plain.inliers + 1 if plain else LEAST_PAIRS, mirrored=True) or plain


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Spots that may belong together, row by row, with the logarithm of the scale and the angle between them."""

    query: NDArray[np.float32]
    reference: NDArray[np.float32]
    log_scales: NDArray[np.float32]
    angles: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.angles)


def _aligned(query: Keypoints, reference: Keypoints, least: int, *, mirrored: bool) -> Alignment | None:
    """The map that carries most pairs; None where none carries `least`."""
    pairs = _nearest(query, reference)
    inliers, matrix = 0, None
    if len(pairs) >= least:
        for first in _proposed(pairs):
            # Refining finds few pairs that did not speak for the proposal: what is far behind does not come first.
            if len(first) > inliers and (found := _refined(pairs, first)) is not None and found[0] > inliers:
                inliers, matrix = found
    if matrix is None or inliers < least:
        return None
    if mirrored:
        matrix = matrix @ np.array([[-1, 0, query.width], [0, 1, 0], [0, 0, 1]])
    return Alignment(matrix, inliers, mirrored)


def _nearest(query: Keypoints, reference: Keypoints) -> _Pairs:
    """Features that are each other's nearest; of too many the most alike."""
    if not len(query) or not len(reference):
        nothing = np.zeros(0, np.float32)
        return _Pairs(np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32), nothing, nothing)
    alike = query.codes.astype(np.float32) @ reference.codes.astype(np.float32).T
    there = alike.argmax(axis=1)
    best = alike[np.arange(len(query)), there]
    here = np.flatnonzero(best == alike.max(axis=0)[there])  # the largest of a column is sooner had than its place
    if len(here) > MOST_PAIRS:
        here = here[np.argsort(-best[here], kind="stable")[:MOST_PAIRS]]
    there = there[here]
    return _Pairs(
        query.places[here],
        reference.places[there],
        np.log(reference.sizes[there] / query.sizes[here]),
        reference.angles[there] - query.angles[here],
    )


def _proposed(pairs: _Pairs) -> list[NDArray[np.intp]]:
    """For each of the best proposals the pairs that speak for it."""
    here = pairs.query[:, 0] + 1j * pairs.query[:, 1]
    there = pairs.reference[:, 0] + 1j * pairs.reference[:, 1]
    scales = np.exp(pairs.log_scales)
    turns = (scales * np.exp(1j * pairs.angles)).astype(np.complex64)
    apart = np.abs(turns[:, None] * (here[None, :] - here[:, None]) - (there[None, :] - there[:, None]))
    sized = np.abs(pairs.log_scales[:, None] - pairs.log_scales[None, :]) < SAME_SIZE
    angled = np.cos(pairs.angles[:, None] - pairs.angles[None, :]) > np.cos(SAME_ANGLE)
    agree = (apart < LOOSE * _reach(scales)[:, None]) & sized & angled
    votes = agree.sum(axis=1)
    best = np.argsort(-votes, kind="stable")[: PROPOSALS * 4]
    chosen: list[NDArray[np.intp]] = []
    for row in best:
        if votes[row] < LEAST_PAIRS or len(chosen) == PROPOSALS:
            break
        # Neighbouring proposals differ by a pair or two: the next to try is one that a chosen one does not speak for.
        if not any(row in one for one in chosen):
            chosen.append(np.flatnonzero(agree[row]))
    return chosen


def _reach(scales: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """A picture shown small in the reference is allowed smaller errors, one shown larger not much larger ones."""
    return np.asarray(np.clip(scales, 0.3, 1.5))


def _refined(pairs: _Pairs, first: NDArray[np.intp]) -> tuple[int, NDArray[np.float64]] | None:
    """Distinct inliers and map of a proposal once it is fitted to them; None where it falls apart."""
    inliers = first
    scale, angle = _median(pairs.log_scales[first]), pairs.angles[first[0]]
    credible = np.abs(pairs.log_scales - scale) < SAME_SIZE
    credible &= np.cos(pairs.angles - angle) > np.cos(1.5 * SAME_ANGLE)
    matrix = np.eye(3)
    for tolerance in TIGHT:
        matrix = _affine(pairs.query[inliers], pairs.reference[inliers])
        size = float(np.sqrt(abs(_area(matrix))))
        if not LEAST_SCALE < size < MOST_SCALE:
            return None
        near = tolerance * float(_reach(np.asarray(size)))
        inliers = _within(pairs, matrix, near, credible)
        if len(inliers) < LEAST_PAIRS:
            return None
    # Of the longest and the shortest stretch, a and b, the squares sum to this over a b: a / b + b / a.
    if (matrix[:2, :2] ** 2).sum() > (MOST_STRETCH + 1 / MOST_STRETCH) * abs(_area(matrix)):
        return None
    if len(inliers) >= PERSPECTIVE_PAIRS:
        matrix, inliers = _seen_aslant(pairs, matrix, inliers, near, credible)
    count = _distinct(pairs.query[inliers], pairs.reference[inliers])
    return (count, matrix) if count >= LEAST_PAIRS else None


def _seen_aslant(
    pairs: _Pairs, matrix: NDArray[np.float64], inliers: NDArray[np.intp], near: float, credible: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """A perspective map where it fits better than the affine one."""
    wider = _within(pairs, matrix, 2 * near, credible)
    aslant = matrix
    for _ in range(2):
        tried = _perspective(pairs.query[wider], pairs.reference[wider])
        if tried is None:
            return matrix, inliers
        aslant, wider = tried, _within(pairs, tried, near, credible)
        if len(wider) < PERSPECTIVE_PAIRS:
            return matrix, inliers
    costs = [np.minimum(_errors(pairs, tried)[credible], near) for tried in (aslant, matrix)]
    return (aslant, wider) if np.sum(costs[0] ** 2) < WORTH_IT * np.sum(costs[1] ** 2) else (matrix, inliers)


def _within(pairs: _Pairs, matrix: NDArray[np.float64], near: float, credible: NDArray[np.bool_]) -> NDArray[np.intp]:
    return np.flatnonzero((_errors(pairs, matrix) < near) & credible)


def _errors(pairs: _Pairs, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return _lengths(carried(matrix, pairs.query) - pairs.reference)


def _lengths(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,): of (n, 2) steps; `numpy.linalg.norm` takes three times as long for so few numbers."""
    x, y = steps.T
    return np.asarray(np.sqrt(x * x + y * y), np.float64)


def _median(numbers: NDArray[Any]) -> float:
    """Of few numbers; `numpy.median` takes ten times as long."""
    middle = len(numbers) // 2
    ordered = np.sort(numbers)
    return float(ordered[middle] if len(numbers) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


def extent(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(2,): width and height in units of the longer side."""
    height, width = picture.shape[:2]
    return np.asarray(np.array([width, height]) / max(height, width), np.float64)


def carried(matrix: NDArray[np.float64], places: NDArray[Any]) -> NDArray[np.float64]:
    """Where the map carries (n, 2) places. What would lie behind the eye is carried far away."""
    if not _is_aslant(matrix) and matrix[2, 2] == 1:  # most maps are: a third of the work
        flat: NDArray[np.float64] = places @ matrix[:2, :2].T + matrix[:2, 2]
        return flat
    moved = places @ matrix[:, :2].T + matrix[:, 2]
    depth = moved[:, 2:]
    shown: NDArray[np.float64] = moved[:, :2] / np.maximum(depth, NO_DEPTH)
    return shown


def fitted(here: NDArray[np.float32], there: NDArray[np.float32], first: NDArray[np.float64]) -> NDArray[np.float64]:
    """A map through spots that are known to belong together: of the kind of the first, which says where to begin."""
    kept = np.ones(len(here), bool)
    matrix = first
    for _ in range(3):
        if kept.sum() < LEAST_PAIRS:
            return first
        aslant = (
            _perspective(here[kept], there[kept]) if _is_aslant(first) and kept.sum() >= PERSPECTIVE_PAIRS else None
        )
        matrix = _affine(here[kept], there[kept]) if aslant is None else aslant
        apart = _lengths(carried(matrix, here) - there)
        kept = apart <= max(3 * _median(apart[kept]), 1e-3)
    # Spots of one row fix no map: what swells or flattens the picture was not fitted to it.
    swollen = abs(_area(matrix) / _area(first))
    return matrix if 1 / MOST_SWOLLEN < swollen < MOST_SWOLLEN else first


def _is_aslant(matrix: NDArray[np.float64]) -> bool:
    return bool(max(abs(matrix[2, 0]), abs(matrix[2, 1])) > NOTHING)


def _affine(here: NDArray[np.float32], there: NDArray[np.float32]) -> NDArray[np.float64]:
    """By least squares about the middles, which leaves two numbers to divide by; of spots on one line, the smallest."""
    share = np.full(len(here), 1 / len(here))
    middle, other = share @ here, share @ there
    from_middle, from_other = here - middle, there - other
    spread, shared = from_middle.T @ from_middle, from_middle.T @ from_other
    area = _area(spread)
    if area > NOTHING * np.trace(spread) ** 2:
        (wide, both), (_, tall) = spread.tolist()
        turned = np.array([[tall, -both], [-both, wide]]) @ shared / area
    else:
        turned = np.linalg.pinv(spread) @ shared
    matrix = np.eye(3)
    matrix[:2, :2] = turned.T
    matrix[:2, 2] = other - middle @ turned
    return matrix


def _area(matrix: NDArray[np.float64]) -> float:
    """What a unit square becomes: the determinant of the upper left."""
    return float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])


def _perspective(here: NDArray[np.float32], there: NDArray[np.float32]) -> NDArray[np.float64] | None:
    """By the direct linear transform; spots are centred and scaled first (Hartley, "In defense of the eight-point
    algorithm", TPAMI 1997). None where the map turns the plane inside out.
    """
    first, second = _centring(here), _centring(there)
    a, b = carried(first, here), carried(second, there)
    one, zero = np.ones(len(a)), np.zeros((len(a), 3))
    known = np.column_stack([a, one])
    rows = np.vstack(
        [
            np.hstack([known, zero, -b[:, :1] * known]),
            np.hstack([zero, known, -b[:, 1:] * known]),
        ]
    )
    *_, directions = np.linalg.svd(rows, full_matrices=False)
    matrix = np.linalg.inv(second) @ directions[-1].reshape(3, 3) @ first
    if abs(matrix[2, 2]) < NOTHING:
        return None
    matrix = matrix / matrix[2, 2]
    depths = here @ matrix[2, :2] + 1
    return matrix if depths.min() > LEAST_DEPTH else None


def _centring(places: NDArray[np.float32]) -> NDArray[np.float64]:
    middle = places.mean(axis=0, dtype=np.float64)
    scale = 1.4142 / max(float(np.linalg.norm(places - middle, axis=1).mean()), NOTHING)
    return np.array([[scale, 0, -scale * middle[0]], [0, scale, -scale * middle[1]], [0, 0, 1]])


def _distinct(here: NDArray[np.float32], there: NDArray[np.float32]) -> int:
    """Witnesses: spots that are close together in either picture count once."""
    cells = [np.round(places * GRAIN).astype(np.int64) @ np.array([1, 1 << 20]) for places in (here, there)]
    return min(len(np.unique(one)) for one in cells)
