"""Evidence to relation, relation and probability to verdict.

The order of proof: equal bytes, equal pixels, then a probability fitted on evidence. Only the first two are certain; a
picture with too little detail for the third can match by nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.values import OperatingPoint, Relation, VerdictKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.domain.values import Edit

FRAME_FEATURES = ("hash", "h", "colour")
"""What is looked at without geometry, in order: 1 - phash distance / 128, and two terms of appearance. The third, SSIM, and
the descriptor's similarity made the held-out pairs no clearer."""
GEOMETRY_FEATURES = ("tenth", "fifth", "steady", "shown")
"""And with it: how much the worst tenth and the worst fifth of the fine detail agree, log2(1 + cells in place) / 8, and
log2 of the share of the reference that is shown / 6, of a hundredth at the least. How many features the map carries, the
shares of cells found and in place, and what whole frames say made the held-out pairs no clearer beside these."""
LEAST_SHOWN = 0.01

LEAST_INLIERS = 6
"""From here on a map is heard. Of 7,992 pairs of look-alikes 1 in 14 reaches it."""

EVEN_ODDS = 0.5
LEAST_TOLD = 0.02
"""What is less likely, and no sibling, is no match: a dozen such stand near every picture of a kind."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What was found between a query and a reference. Without geometry all but the first two are as they stand here."""

    phash_distance: int
    """Of the closest pose."""
    glance: tuple[float, float] = (0.0, 0.0)
    """The hash and colour terms of appearance, each 0..1."""
    inliers: int = 0
    tenth: float = 0.0
    fifth: float = 0.0
    """Correlations, -1..1, below which so much of the fine detail lies."""
    steady: int = 0
    """Cells found just where the map says."""
    shown: float = 0.0
    """Share of the reference, 0..1."""


@dataclass(frozen=True, slots=True)
class Logistic:
    """P = logistic(intercept + weights . features)."""

    intercept: float
    weights: tuple[float, ...]

    def probability(self, features: Sequence[float]) -> float:
        """0..1, both ends open: nothing but equal bytes or pixels is certain."""
        logit = self.intercept + sum(w * x for w, x in zip(self.weights, features, strict=True))
        return 1.0 / (1.0 + math.exp(-logit))


@dataclass(frozen=True, slots=True)
class VerdictModel:
    """P(query and reference come from one source picture): by geometry where there is a map, by whole frames elsewhere."""

    name: str
    frames: Logistic
    geometry: Logistic
    operating_points: dict[OperatingPoint, float]

    def probability(self, signals: Signals) -> float:
        """0..1, both ends open."""
        if signals.inliers < LEAST_INLIERS:
            return self.frames.probability(frame_features(signals))
        return self.geometry.probability(geometry_features(signals))


FITTED = VerdictModel(
    name="sift-logistic-2",
    # By training/verdict/fit.py (seed 20261121): 1,000 edited queries made from data/train, each beside its original, its
    # eight nearest strangers by the network and up to two strangers in the same page or overlay; 200 made-up neighbouring
    # exposures; 625 pairs of documents of one template. Of 10,811 pairs half the queries were fitted: 5,406 pairs, of which
    # 683 have a map and no contradiction. On the other half, no contradiction heard, the likeliest of 287 such non-copies
    # reaches 0.787; 82 % of 385 copies reach 0.95 (log loss 0.117). Maps came from features at 256 pixels then, which come
    # into it no further. How it does on 3,000 strangers and 2,500 copies is in benchmarks/results/accuracy.json.
    # The frames' weights are those of the first fit (6,974 pairs, another first stage): the new ones, -9.7842 and 9.274,
    # 2.355, 3.752, find no copy more on the fitting half, but call another 20 of 139 neighbouring frames of films uncertain.
    frames=Logistic(-8.5667, (9.4156, 1.6331, 1.8391)),
    geometry=Logistic(-2.9449, (2.3882, 4.4868, 5.2968, 6.0215)),
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

SAVED_ANEW = 6.3
"""What JPEG at 10 to 90 leaves below in every cell of 250 photographs: so little is no sibling's difference. Of 9,687
fitted and held-out non-copies none has all its cells within it."""
SURELY_SAVED_ANEW = 0.995
"""The least probability of what the whole frames call likely, once every cell lies within that."""

CONTRADICTED = 0.80
"""The most that such a pair can reach: below every operating point, so its verdict is uncertain."""

RECOLOURED_TONES = 8.0
"""Levels that may remain once an affine map of the colours is allowed for: 90 % of brightness, contrast and saturation
changes lie within, 90 % of crops and captions beyond."""


def frame_features(signals: Signals) -> tuple[float, ...]:
    """The numbers of `FRAME_FEATURES`."""
    return (1.0 - signals.phash_distance / 128.0, *signals.glance)


def geometry_features(signals: Signals) -> tuple[float, ...]:
    """The numbers of `GEOMETRY_FEATURES`."""
    return (
        signals.tenth,
        signals.fifth,
        math.log2(1 + signals.steady) / 8,
        math.log2(max(signals.shown, LEAST_SHOWN)) / 6,
    )


def could_be_copies(model: VerdictModel, phash_distance: int) -> bool:
    """Whether the best that a glance may yet show would make two pictures likelier copies than not, without geometry.

    An exact bound: nothing is lost by it.
    """
    return model.probability(Signals(phash_distance, (1.0, 1.0))) >= EVEN_ODDS


def settled(probability: float, local_change: float) -> float:
    """The probability once contradicting evidence is heard: alike as a whole, and yet different in one place."""
    return min(probability, CONTRADICTED) if local_change > MOST_LOCAL_CHANGE else probability


LEAST_AGREEMENT = 0.5
"""From here on a map lays one picture on the other well enough to compare them spot by spot."""

PAGE_PAPER = 0.44
"""Share of one level from which a picture counts as a page: 6 % of 250 photographs have as much, and nine tenths of the
made documents 0.6 or more."""
MOST_PAGE_CHANGE = 18.0
"""Grey levels by which a spot of a page may differ once all cells lie where they were found. Of 370 pairs of different
documents of one template that geometry speaks of all are held back; of 178 copies of pictures with so much paper, edited
up to three times, three quarters are."""


def is_registered(inliers: int, agreement: float, alike: float) -> bool:
    """Whether geometry may speak for itself; otherwise the whole frames do. What lies all over a copy leaves few of its
    cells to be found, and yet they may make it likely.
    """
    return inliers >= LEAST_INLIERS and (agreement >= LEAST_AGREEMENT or alike >= EVEN_ODDS)


MOST_COVERED = 0.30
"""Share of what both show that may be something else altogether: 3 % of the copies that were covered have more, and 6 %
of 393 pairs of different pictures in one page or under one overlay. With their paper 89 % of those are left to a person,
and of the others one reaches `balanced`."""


def differs_as_a_page(probability: float, paper: float, worst: float, covered: float) -> float:
    """The probability once it is heard that one spot of a page shows something else: another document of one template,
    or a copy with a stamp on it, and nobody but a person can tell which. What covers part of a photograph is an overlay,
    unless it covers so much that the rest may be the page.
    """
    page = paper >= PAGE_PAPER and worst > MOST_PAGE_CHANGE
    return min(probability, CONTRADICTED) if page or covered > MOST_COVERED else probability


LEAST_IN_PLACE, LEAST_HEARD = 0.55, 0.4
"""Share of the cells in place, and of the blocks that have anything fine in them. Of 150 edited copies none lies below both;
of 24 pairs of blurred photographs under the same lines of text nine of the ten likely ones do."""


def agrees_in_part_alone(probability: float, in_place: float, heard: float) -> float:
    """The probability once it is heard that next to nothing but what agrees has anything fine in it, the words that lie on
    two blurred pictures, say, and that most of the rest is not in place.
    """
    return min(probability, CONTRADICTED) if in_place < LEAST_IN_PLACE and heard < LEAST_HEARD else probability


SCENE_INLIERS, SCENE_AGREEMENT = 8, 0.35
"""From here on two pictures show one scene, even where the cells lie too far off one map for a copy."""


def is_sibling(probability: float, inliers: int, agreement: float) -> bool:
    """The same scene, and another exposure of it."""
    return probability < EVEN_ODDS and inliers >= SCENE_INLIERS and agreement >= SCENE_AGREEMENT


def relation_of(*, tone_distance: float, local_change: float, edits: tuple[Edit, ...], probability: float) -> Relation:
    """Name what joins two pictures whose bytes and pixels differ."""
    if probability < EVEN_ODDS:
        return Relation.UNRELATED
    if not edits and tone_distance <= SAME_TONES and local_change <= MOST_LOCAL_CHANGE:
        return Relation.REENCODED
    return Relation.EDITED


def decide(probability: float, point: OperatingPoint, model: VerdictModel) -> VerdictKind:
    """The verdict for the best match's probability, 0 when there is no match."""
    if probability >= model.operating_points[point]:
        return VerdictKind.DUPLICATE
    return VerdictKind.UNCERTAIN if probability >= EVEN_ODDS else VerdictKind.UNIQUE
