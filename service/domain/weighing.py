"""One copy against another: every way in which one is ahead, with its weight and in words.

A lead is counted from the first of the two: positive where it is ahead. Small differences, which measuring alone makes,
count for nothing. What is not known of either of the two counts for neither, and is said.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from service.domain.direction import differ_in_size
from service.domain.fineness import (
    SOFT,
    STEADY_NOISE,
    doublings_of_detail,
    hidden_doublings,
    is_borne_out,
    is_grain,
    is_larger,
    megapixels_within_frame,
    more_variance,
    real_megapixels,
    sharpness_without_noise,
    was_sharpened,
)
from service.domain.framing import CALLED, frame_lead, surrounded
from service.domain.lead import MOST_DOUBLINGS, Lead, beyond, lead, none, times
from service.domain.saves import leads_of_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.domain.pairs import Pair
    from service.domain.policy import Policy
    from service.domain.values import Assessed, Authenticity

DETAIL_NOISE = 0.12
"""Doublings of real detail that measuring alone makes: untouched pictures are read within 15 % (quality.json)."""
SHARPER = 0.25
"""Smaller differences in sharpness do not count: a save at JPEG 90 alone raises it by up to 0.105 on 500 photographs,
sharpening by 0.16 or less in three of four, while a blur of 2 pixels lowers the median from 0.88 to 0.04."""
AS_TAKEN = 0.2
"""Of the weight of sharpness, what one leads by beside a copy that was sharpened."""
SAME_EXPOSURE, FULL_EXPOSURE = 0.004, 0.06
WHITE, BELOW_WHITE = 251, 248
"""Grey levels from which lights are cut off at white, as a camera does, and below which they were darkened since. Of 750
recoloured copies of photographs of the fitting half 33 are told by it, and none is taken for the original."""
DARKENED = 0.5
"""Of the weight of exposure: not enough to be clear by itself, for a scan's paper may be grey and have been brightened."""
SAME_FRAME = 0.015
"""Share of a picture by which two frames differ for the sake of measuring alone."""
MOSTLY_WHITE = 0.6
"""Exposure below which a picture is mostly cut off."""
FULL_NOISE = 10.0
"""Grey levels that count in full."""
QUIET_FRAME = 0.1
"""Share of frame more, from which a picture is quiet because of that: noise is read where a fifth of it is smoother."""
EDGES = 0.05
"""Doublings of the Laplacian's variance, the least that what is laid on a picture adds."""


def leads(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> list[Lead]:
    """Every lead of `one` over `other` that counts, weightiest first."""
    found = [lead for lead in _all(one, other, pair, policy) if lead.weight]
    return sorted(found, key=lambda lead: (-abs(lead.weight), lead.what))


def unknown(one: Assessed, other: Assessed) -> list[str]:
    """What could not be compared because it is not known of one of the two, in words."""
    names = {
        "effective_megapixels": "real detail",
        "compression": "compression",
        "sharpness": "sharpness",
        "noise": "noise",
    }
    return [word for name, word in names.items() if None in (getattr(one.quality, name), getattr(other.quality, name))]


def _all(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> Iterator[Lead]:
    if not pair.same_pixels:
        yield _detail(one, other, pair, policy)
        yield _shows_more(one, other, pair, policy)
        yield _overlay(one, other, policy) if pair.overlaid else _sharpness(one, other, policy)
        yield _noise(one, other, policy)
        yield _exposure(one, other, pair, policy)
        yield _frame(one, other, pair, policy)
        yield _called("screenshot", one.authenticity, other.authenticity, policy.weights.screenshot)
    yield _called("generated", one.authenticity, other.authenticity, policy.weights.generated)
    yield from leads_of_files(one, other, pair, policy)


def _detail(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> Lead:
    """Real detail within its frame; where it is not known of both, pixels, which are never fewer.

    Who holds more in no more pixels is sharper as well; where it is not, a save has hidden the traces of an enlargement, or
    the other is soft by its lens, and nobody leads. Nor does who has more grain in as many pixels, words laid on it or
    edges that were sharpened, and nothing else: all of that reads as detail.
    """
    known = None not in (one.quality.effective_megapixels, other.quality.effective_megapixels)
    doublings = _doublings(one, other, pair) if known else doublings_of_detail(one, other)
    ahead, behind = (one, other) if doublings > 0 else (other, one)
    if known and not is_larger(ahead, behind) and not is_borne_out(ahead, behind):
        return none("detail")
    if not differ_in_size(one.facts, other.facts) and (
        pair.overlaid or is_grain(ahead.quality, behind.quality) or was_sharpened(ahead, behind)
    ):
        return none("detail")
    share = beyond(doublings, DETAIL_NOISE) / MOST_DOUBLINGS
    word = "real detail" if known else "pixels"
    return lead("detail", MOST_DOUBLINGS * policy.weights.detail, share, f"has {times(doublings)} the {word}")


def _doublings(one: Assessed, other: Assessed, pair: Pair) -> float:
    """Of detail, less what a coarse save hides of an enlargement. What lies around a framed picture is sharp whatever it
    shows, so beside one without a frame it holds more only if it shows that one in more pixels than it has.
    """
    framed = surrounded(one, other, pair)
    if framed < 0:
        return -_doublings(other, one, pair.turned())
    doublings = doublings_of_detail(one, other)
    if framed > 0:
        shown = min(1.0, (pair.second_overlap or 1.0) / (1 - (other.quality.margin or 0.0)))
        pixels = math.log2(megapixels_within_frame(one) / (shown * real_megapixels(other)))
        return max(doublings, min(0.0, pixels))
    if is_larger(one, other):
        return doublings - hidden_doublings(one, other)
    return doublings + hidden_doublings(other, one) if is_larger(other, one) else doublings


def _shows_more(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> Lead:
    """What lies around the other picture, and is no frame."""
    if pair.first_overlap is None or pair.second_overlap is None or surrounded(one, other, pair):
        return none("shows_more")
    shown = [
        min(1.0, max(overlap, 0.01) / (1 - (each.quality.margin or 0.0)))
        for overlap, each in ((pair.first_overlap, one), (pair.second_overlap, other))
    ]
    doublings = math.log2(shown[1] / shown[0])
    return lead("shows_more", policy.weights.shows_more, beyond(doublings, 0.08), "shows more of the scene")


def _sharpness(one: Assessed, other: Assessed, policy: Policy) -> Lead:
    """Of two of one size: a smaller rendering is sharper for each pixel without holding more. Grain is left out; what was
    sharpened is behind.
    """
    here, there = one.quality.sharpness, other.quality.sharpness
    if is_grain(one.quality, other.quality) or is_grain(other.quality, one.quality):
        here, there = sharpness_without_noise(one.quality), sharpness_without_noise(other.quality)
    if here is None or there is None or differ_in_size(one.facts, other.facts):
        return none("sharpness")
    if was_sharpened(*((one, other) if here > there else (other, one))):
        return lead("sharpness", policy.weights.sharpness, math.copysign(AS_TAKEN, there - here), "was not sharpened")
    text = f"is sharper ({max(here, there):.2f} against {min(here, there):.2f})"
    return lead("sharpness", policy.weights.sharpness, beyond(here - there, SHARPER), text)


def _noise(one: Assessed, other: Assessed, policy: Policy) -> Lead:
    """Grain that one has and the other has not. What was blurred, scaled or saved coarsely has less of everything, and a
    frame has none.
    """
    here, there = one.quality.noise, other.quality.noise
    if here is None or there is None:
        return none("noise")
    loud, quiet = (one, other) if here > there else (other, one)
    framed = (quiet.quality.margin or 0.0) - (loud.quality.margin or 0.0) >= QUIET_FRAME
    soft = (quiet.quality.enlargement or 1.0) >= SOFT * (loud.quality.enlargement or 1.0)
    counts = is_grain(loud.quality, quiet.quality) and not framed and not soft
    share = beyond(there - here, STEADY_NOISE) / FULL_NOISE if counts else 0.0
    text = f"is less noisy ({min(here, there):.0f} levels against {max(here, there):.0f})"
    return lead("noise", policy.weights.noise, share, text)


def _exposure(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> Lead:
    """Sharpening and stretching cut levels off at black and white; darkening moves what was cut off away from white."""
    here, there = one.quality.exposure, other.quality.exposure
    if here is None or there is None:
        return none("exposure")
    for sign, white, dark in ((1, one, other), (-1, other, one)):
        if (level := _darkened_to(white, dark, pair)) is not None:
            text = f"cuts its lights off at white and not at {level}"
            return lead("exposure", policy.weights.exposure, sign * DARKENED, text)
    share = beyond(here - there, SAME_EXPOSURE) / FULL_EXPOSURE
    return lead("exposure", policy.weights.exposure, share, "has fewer levels cut off at black and white")


def _darkened_to(white: Assessed, dark: Assessed, pair: Pair) -> int | None:
    """The level at which the second's lights are cut off, if that is below white and the first's are cut off at white.

    A page or a backdrop may be of one light grey and have been brightened: nothing is told of what is mostly cut off, nor
    where a frame or words may be what is white.
    """
    first, second = white.quality.lights_cut_at, dark.quality.lights_cut_at
    framed = abs((white.quality.margin or 0.0) - (dark.quality.margin or 0.0)) > SAME_FRAME
    if first is None or second is None or framed or pair.overlaid or (white.quality.exposure or 0.0) < MOSTLY_WHITE:
        return None
    return second if second < BELOW_WHITE and first >= WHITE else None


def _overlay(one: Assessed, other: Assessed, policy: Policy) -> Lead:
    """Words and stamps have edges: of two that differ in a single place the sharper one has it laid on."""
    more = more_variance(other.quality, one.quality)
    if more is None or differ_in_size(one.facts, other.facts):
        return none("overlay")
    sign = 0.0 if abs(more) < EDGES else math.copysign(1, more)
    return lead("overlay", policy.weights.overlay, sign, "has nothing laid over it")


def _frame(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> Lead:
    sign = frame_lead(one, other, pair)
    text = f"has no frame around it ({max(one.quality.margin or 0, other.quality.margin or 0):.0%} of the other)"
    return lead("frame", policy.weights.frame, sign, text)


def _called(what: str, one: Authenticity, other: Authenticity, weight: float) -> Lead:
    risks = [getattr(each, what) for each in (one, other)]
    if risks[0] is None and risks[1] is None:
        return none(what)
    called = [risk is not None and risk >= CALLED for risk in risks]
    words = {"screenshot": "does not look like a screenshot", "generated": "is not marked as generated"}
    return lead(what, weight, called[1] - called[0], words[what])
