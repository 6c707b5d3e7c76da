"""How good a picture is by itself, where no two were compared yet: an order in which to try who may stay."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from service.domain.fineness import real_megapixels, sharpness_without_noise
from service.domain.framing import CALLED, FRAMED
from service.domain.saves import format_rank, left_by_saves
from service.domain.weighing import FULL_NOISE

if TYPE_CHECKING:
    from service.domain.policy import Policy
    from service.domain.values import Assessed

ENOUGH = 0.5
"""Sharpness of which more counts for nothing where a picture is judged alone: sharpening gives that, too."""
ENLARGED = 1.5
"""Times a side is longer than its detail needs, from which that counts: less is hidden by a save, and told by a pair."""
UNKNOWN_COMPRESSION = 0.9
"""What is taken to be left where a format does not say."""


def worth(one: Assessed, policy: Policy) -> float:
    """How good a picture is by itself, in the same weights: an order for many, of which no two were compared yet.

    Only what stands beside it says which of two is the copy, so a worth is a beginning, and leads are the end.
    """
    quality, weights = one.quality, policy.weights
    sharp, left = sharpness_without_noise(quality), left_by_saves(quality)
    called = [risk is not None and risk >= CALLED for risk in (one.authenticity.screenshot, one.authenticity.generated)]
    return math.fsum(
        (
            weights.detail * math.log2(_megapixels(one)),
            weights.compression * (UNKNOWN_COMPRESSION if left is None else left),
            weights.sharpness * (ENOUGH if sharp is None else min(sharp, ENOUGH)),
            -weights.noise * min(quality.noise or 0.0, FULL_NOISE) / FULL_NOISE / 2,
            -weights.saved_before * quality.shows_an_earlier_save,
            -weights.tones * bool(quality.tones_changed),
            -weights.frame * ((quality.margin or 0.0) >= FRAMED),
            -weights.screenshot * called[0],
            -weights.generated * called[1],
            weights.camera * bool(quality.camera_named),
            -weights.format * format_rank(one, policy) / max(len(policy.formats), 1),
            # More bytes say something where nothing else tells of compression; elsewhere they are only more bytes.
            weights.bytes * math.log2(one.facts.bytes) / 40 * (1 if left is None else -1),
        )
    )


def _megapixels(one: Assessed) -> float:
    enlarged = (one.quality.enlargement or 1.0) >= ENLARGED
    return real_megapixels(one) if enlarged else one.facts.megapixels * (1 - (one.quality.margin or 0.0))
