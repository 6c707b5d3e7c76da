"""Evidence to relation, relation and probability to verdict.

The order of proof: equal bytes, equal pixels, then a probability fitted on evidence. Only the first two are certain; a
picture with too little detail for the third can match by nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.values import Direction, Edit, OperatingPoint, Relation, VerdictKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.domain.values import PictureFacts

FEATURES = ("hash", "similarity", "h", "structure", "colour")
"""What the fitted model looks at, in order: 1 - phash distance / 128, cosine, and the three terms of appearance."""

EVEN_ODDS = 0.5


@dataclass(frozen=True, slots=True)
class VerdictModel:
    """P(query and reference come from one source picture) = logistic(intercept + weights . features)."""

    name: str
    intercept: float
    weights: tuple[float, ...]
    operating_points: dict[OperatingPoint, float]

    def probability(self, features: Sequence[float]) -> float:
        """0..1, both ends open: nothing but equal bytes or pixels is certain."""
        logit = self.intercept + sum(w * x for w, x in zip(self.weights, features, strict=True))
        return 1.0 / (1.0 + math.exp(-logit))


FITTED = VerdictModel(
    name="dct-logistic-1",
    # By training/fit_verdict.py on edited queries made from data/train (seed 20261120), candidates from 12,023 pictures.
    # By these weights alone the likeliest non-copy of the 3,000 fitted queries reaches 0.945, and `balanced` is the
    # least round number above it; `strict` leaves more room. With `settled` on top no non-copy is above 0.80. On the
    # 2,991 queries that were not fitted none is false at any point, and recall over 14 edits is 0.58, 0.64 and 0.68.
    intercept=-11.018,
    weights=(8.1282, 1.6966, 1.6205, 2.5071, 1.9735),
    operating_points={OperatingPoint.STRICT: 0.975, OperatingPoint.BALANCED: 0.95, OperatingPoint.LOOSE: 0.85},
)

SAME_TONES = 5.0
"""Levels (RMS over 32x32) within which two copies count as the same rendering: saved anew, or resized. 98 % of 250
photographs saved at JPEG 10 to 90 or scaled 0.3 to 1.5 lie within 4.0; 90 % of those with brightness, contrast or
saturation changed, cropped, or captioned lie beyond 5. Blur and noise in place are not seen by it."""

MOST_LOCAL_CHANGE = 15.0
"""Grey levels by which a cell of a 32x32 grid may differ once brightness and contrast are allowed for. Beyond, something
stands in one place that does not in the other: an overlay on a copy, or other content in the same template, and this
version cannot tell which. Of 250 photographs all saved at JPEG 10 to 90 stay below 6.3, all scaled 0.3 to 1.5 below
10.4, 98 % of those sharpened below 13, and 98 % of those with their contrast or brightness clipped do not; all 300
pairs of different invoices, forms, identity cards, chats and labels of one template (training/templates.py) lie above
15.8."""

CONTRADICTED = 0.80
"""The most that such a pair can reach: below every operating point, so its verdict is uncertain."""

RECOLOURED_TONES = 8.0
"""Levels that may remain once an affine map of the colours is allowed for: 90 % of brightness, contrast and saturation
changes lie within, 90 % of crops and captions beyond."""


def features(
    *, phash_distance: int, similarity: float, appearance: tuple[float, float, float]
) -> tuple[float, float, float, float, float]:
    """The numbers of `FEATURES`. `appearance` is (hash, structure, colour), each 0..1."""
    return (1.0 - phash_distance / 128.0, similarity, *appearance)


def could_be_copies(
    model: VerdictModel, *, phash_distance: int, similarity: float, glance: tuple[float, float] = (1.0, 1.0)
) -> bool:
    """Whether the best that a look may yet show would make two pictures likelier copies than not.

    `glance` is (hash, colour) of their appearance as far as it is known. An exact bound: nothing is lost by it.
    """
    alike, colour = glance
    best_case = features(phash_distance=phash_distance, similarity=similarity, appearance=(alike, 1.0, colour))
    return model.probability(best_case) >= EVEN_ODDS


def settled(probability: float, local_change: float) -> float:
    """The probability once contradicting evidence is heard: alike as a whole, and yet different in one place."""
    return min(probability, CONTRADICTED) if local_change > MOST_LOCAL_CHANGE else probability


def relation_of(*, tone_distance: float, local_change: float, edits: tuple[Edit, ...], probability: float) -> Relation:
    """Name what joins two pictures whose bytes and pixels differ."""
    if probability < EVEN_ODDS:
        return Relation.UNRELATED
    if not edits and tone_distance <= SAME_TONES and local_change <= MOST_LOCAL_CHANGE:
        return Relation.REENCODED
    return Relation.EDITED


SAME_SIZE = 0.02
"""Two pictures whose pixel counts differ by less than this share count as equally large."""


def direction_of(query: PictureFacts, reference: PictureFacts, relation: Relation) -> Direction:
    """Which was made from which, as far as sizes tell: a copy seldom has more pixels than its source."""
    if relation in (Relation.IDENTICAL, Relation.SAME_PIXELS):
        return Direction.SAME_DETAIL
    if relation is Relation.UNRELATED or not differ_in_size(query, reference):
        return Direction.UNKNOWN
    smaller = query.megapixels < reference.megapixels
    return Direction.QUERY_FROM_REFERENCE if smaller else Direction.REFERENCE_FROM_QUERY


def differ_in_size(left: PictureFacts, right: PictureFacts) -> bool:
    larger = max(left.megapixels, right.megapixels)
    return abs(left.megapixels - right.megapixels) > SAME_SIZE * larger


def decide(probability: float, point: OperatingPoint, model: VerdictModel) -> VerdictKind:
    """The verdict for the best match's probability, 0 when there is no match."""
    if probability >= model.operating_points[point]:
        return VerdictKind.DUPLICATE
    return VerdictKind.UNCERTAIN if probability >= EVEN_ODDS else VerdictKind.UNIQUE
