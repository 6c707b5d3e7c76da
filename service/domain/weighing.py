"""One copy against another: every way in which one is ahead, with its weight and in words.

A lead is counted from the first of the two: positive where it is ahead. Small differences, which measuring alone makes,
count for nothing. What is not known of either of the two counts for neither, and is said.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from service.domain.direction import TRUE_TO_PIXELS, differ_in_size
from service.domain.edits import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.domain.pairs import Pair
    from service.domain.policy import Policy
    from service.domain.values import Assessed, Authenticity, Quality

DETAIL_NOISE = 0.12
"""Doublings of real detail that measuring alone makes: untouched pictures are read within 15 % (quality.json)."""
MOST_DOUBLINGS = 2.0
MORE = 0.2
"""Doublings of the Laplacian's variance, that more detail in as many pixels shows at the least."""
SHARPER = 0.2
"""Smaller differences in sharpness do not count: a save at JPEG 90 alone raises it by up to 0.105 on 500 photographs,
sharpening by 0.16 or less in three of four, while a blur of 2 pixels lowers the median from 0.88 to 0.04."""
SHARPENED = 1.08
"""Times the contrast, from which a sharper picture was made so if the other one is whole. Of 250 photographs of the fitting
half blurred, none that still reads as whole has lost as much contrast; of those sharpened by more than SHARPER half have
gained more."""
SAME_COMPRESSION = 0.004
FINEST_JPEG, FINEST = 0.95, 0.96
"""More is not told apart: nobody sees it, and a lossless file may hold what was saved often before."""
SAME_EXPOSURE, FULL_EXPOSURE = 0.004, 0.06
STEADY_NOISE, FULL_NOISE = 0.7, 10.0
"""Grey levels: what counts for nothing, and what counts in full."""
FRAMED = 0.015
"""The least share of a picture that makes a frame."""
MOST_BY_NOISE = 4.2
"""Times the variance that noise explains, from which something else came with it. Of photographs of the fitting half laid
under noise 90 % have less; of those blurred or enlarged back 1 % lose 4.4 times, half of them 20 times as much."""
EDGES = 0.05
"""Doublings of the Laplacian's variance, the least that what is laid on a picture adds."""
MOSTLY_FRAME = 0.3
"""Of what a picture shows more, the share that must be frame before it counts as framed."""
CALLED = 0.5
"""The risk from which a picture is called a screenshot, or generated."""
OF_NOISE, LEFT_BY_NOISE, HALF_SHARP = 20.0, 0.05, 200.0
"""As in `assess.overall` and `assess.sharpness`."""


class Lead(NamedTuple):
    """By how much the first picture is ahead, -1..1, and what is said of whoever is."""

    what: str
    """A field of the policy's weights."""
    weight: float
    text: str


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
        yield _exposure(one.quality, other.quality, policy)
        yield _frame(one, other, pair, policy)
        yield _called("screenshot", one.authenticity, other.authenticity, policy.weights.screenshot)
    yield _called("generated", one.authenticity, other.authenticity, policy.weights.generated)
    tells = may_tell_of_saves(one, other)
    yield _compression(one.quality, other.quality, policy, tells=tells)
    if tells:
        yield from _history(one.quality, other.quality, policy)
    yield _camera(one.quality, other.quality, policy)
    yield _format(one, other, policy)
    yield _bytes(one, other, pair, policy)


def _detail(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> Lead:
    """Real detail within its frame; where it is not known of both, pixels, which are never fewer.

    Of two of one size who holds more detail is sharper as well, and by more than contrast makes; where it is not, a save
    has hidden the traces of an enlargement, and nobody leads. Nor does who has more grain, or words laid on it, and
    nothing else: both read as detail.
    """
    known = None not in (one.quality.effective_megapixels, other.quality.effective_megapixels)
    doublings = doublings_of_detail(one, other)
    ahead, behind = (one, other) if doublings > 0 else (other, one)
    if not differ_in_size(one.facts, other.facts) and known and not _is_sharper(ahead, behind):
        return Lead("detail", 0.0, "")
    if not differ_in_size(one.facts, other.facts) and (pair.overlaid or _is_grain(ahead.quality, behind.quality)):
        return Lead("detail", 0.0, "")
    share = _beyond(doublings, DETAIL_NOISE) / MOST_DOUBLINGS
    word = "real detail" if known else "pixels"
    return _lead("detail", MOST_DOUBLINGS * policy.weights.detail, share, f"has {_times(doublings)} the {word}")


def doublings_of_detail(one: Assessed, other: Assessed) -> float:
    """By how many doublings the first holds more real detail within its frame; of pixels where that is not known."""
    return math.log2(real_megapixels(one) / real_megapixels(other))


def _is_sharper(one: Assessed, other: Assessed) -> bool:
    """Beyond what more contrast does: it stretches every difference alike."""
    here, there = one.quality.sharpness, other.quality.sharpness
    if here is None or there is None:
        return True
    stretched = 2 * math.log2(max(_times_the_contrast(one.quality, other.quality), 1.0))
    return _doublings_of_variance(here) - _doublings_of_variance(there) - stretched > MORE


def _times_the_contrast(one: Quality, other: Quality) -> float:
    if not one.contrast or not other.contrast:
        return 1.0
    return one.contrast / other.contrast


def _was_sharpened(sharper: Quality, other: Quality) -> bool:
    """Whether the sharper of two was made so: the other one is not blurred, and every edge of the first stands higher."""
    whole = other.enlargement is not None and other.enlargement <= 1
    return whole and _times_the_contrast(sharper, other) >= SHARPENED


def _is_grain(loud: Quality, quiet: Quality) -> bool:
    """Whether what the first has more than the second is noise: white noise of n levels adds 20 n squared to the
    Laplacian's variance, and where texture differs far more comes with it.
    """
    if loud.noise is None or quiet.noise is None or loud.noise - quiet.noise <= STEADY_NOISE:
        return False
    if loud.sharpness is None or quiet.sharpness is None:
        return True
    more = _variance(loud.sharpness) - _variance(quiet.sharpness)
    return more <= MOST_BY_NOISE * OF_NOISE * (loud.noise**2 - quiet.noise**2)


def real_megapixels(one: Assessed) -> float:
    megapixels = one.quality.effective_megapixels or one.facts.megapixels
    return max(megapixels * (1 - (one.quality.margin or 0.0)), 1e-9)


def _shows_more(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> Lead:
    """What lies around the other picture, and is no frame."""
    if pair.first_overlap is None or pair.second_overlap is None or _frame_lead(one, other, pair):
        return Lead("shows_more", 0.0, "")
    shown = [
        min(1.0, max(overlap, 0.01) / (1 - (each.quality.margin or 0.0)))
        for overlap, each in ((pair.first_overlap, one), (pair.second_overlap, other))
    ]
    doublings = math.log2(shown[1] / shown[0])
    return _lead("shows_more", policy.weights.shows_more, _beyond(doublings, 0.08), "shows more of the scene")


def _sharpness(one: Assessed, other: Assessed, policy: Policy) -> Lead:
    """Of two of one size: a smaller rendering is sharper for each pixel without holding more. Grain is left out, and so is
    what sharpening makes, which is no gain.
    """
    here, there = one.quality.sharpness, other.quality.sharpness
    if _is_grain(one.quality, other.quality) or _is_grain(other.quality, one.quality):
        here, there = sharpness_without_noise(one.quality), sharpness_without_noise(other.quality)
    if here is None or there is None or differ_in_size(one.facts, other.facts):
        return Lead("sharpness", 0.0, "")
    if _was_sharpened(*((one.quality, other.quality) if here > there else (other.quality, one.quality))):
        return Lead("sharpness", 0.0, "")
    text = f"is sharper ({max(here, there):.2f} against {min(here, there):.2f})"
    return _lead("sharpness", policy.weights.sharpness, _beyond(here - there, SHARPER), text)


def sharpness_without_noise(quality: Quality) -> float | None:
    """The sharpness that is not the noise's."""
    if quality.sharpness is None or quality.noise is None:
        return quality.sharpness
    variance = _variance(quality.sharpness)
    left = max(variance - OF_NOISE * quality.noise**2, LEFT_BY_NOISE * variance)
    return left / (left + HALF_SHARP)


def _noise(one: Assessed, other: Assessed, policy: Policy) -> Lead:
    """Grain that one has and the other has not. What was blurred, scaled or saved coarsely has less of everything."""
    here, there = one.quality.noise, other.quality.noise
    if here is None or there is None:
        return Lead("noise", 0.0, "")
    loud, quiet = (one, other) if here > there else (other, one)
    share = _beyond(there - here, STEADY_NOISE) / FULL_NOISE if _is_grain(loud.quality, quiet.quality) else 0.0
    text = f"is less noisy ({min(here, there):.0f} levels against {max(here, there):.0f})"
    return _lead("noise", policy.weights.noise, share, text)


def _variance(sharpness: float) -> float:
    return HALF_SHARP * sharpness / max(1 - sharpness, 1e-9)


def _exposure(one: Quality, other: Quality, policy: Policy) -> Lead:
    """Sharpening and stretching cut levels off at black and white."""
    if one.exposure is None or other.exposure is None:
        return Lead("exposure", 0.0, "")
    share = _beyond(one.exposure - other.exposure, SAME_EXPOSURE) / FULL_EXPOSURE
    return _lead("exposure", policy.weights.exposure, share, "has fewer levels cut off at black and white")


def _overlay(one: Assessed, other: Assessed, policy: Policy) -> Lead:
    """Words and stamps have edges: of two that differ in a single place the sharper one has it laid on."""
    here, there = one.quality.sharpness, other.quality.sharpness
    if here is None or there is None or differ_in_size(one.facts, other.facts):
        return Lead("overlay", 0.0, "")
    more = _doublings_of_variance(there) - _doublings_of_variance(here)
    sign = 0.0 if abs(more) < EDGES else math.copysign(1, more)
    return _lead("overlay", policy.weights.overlay, sign, "has nothing laid over it")


def _doublings_of_variance(sharpness: float) -> float:
    return math.log2(max(sharpness, 1e-3) / max(1 - sharpness, 1e-3))


def _frame(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> Lead:
    sign = _frame_lead(one, other, pair)
    text = f"has no frame around it ({max(one.quality.margin or 0, other.quality.margin or 0):.0%} of the other)"
    return _lead("frame", policy.weights.frame, sign, text)


def _frame_lead(one: Assessed, other: Assessed, pair: Pair) -> float:
    """1 where the other is framed and this one is not, -1 where it is the other way round, else 0."""
    if pair.first_framed is not None or pair.second_framed is not None:
        return float(bool(pair.second_framed) - bool(pair.first_framed))
    here, there = one.quality.margin, other.quality.margin
    if here is None or there is None or abs(there - here) < FRAMED:
        return 0.0
    margin, shown = (there, pair.second_overlap) if there > here else (here, pair.first_overlap)
    if shown is None:
        # Nobody has laid them on each other: a frame makes a picture larger, and a dark edge of its own does not.
        return math.copysign(1, there - here) if differ_in_size(one.facts, other.facts) else 0.0
    shows_more = shown <= WHOLE and margin >= MOSTLY_FRAME * (1 - shown)
    return math.copysign(1, there - here) if shows_more else 0.0


def _called(what: str, one: Authenticity, other: Authenticity, weight: float) -> Lead:
    risks = [getattr(each, what) for each in (one, other)]
    if risks[0] is None and risks[1] is None:
        return Lead(what, 0.0, "")
    called = [risk is not None and risk >= CALLED for risk in risks]
    words = {"screenshot": "does not look like a screenshot", "generated": "is not marked as generated"}
    return _lead(what, weight, called[1] - called[0], words[what])


LOSSLESS = frozenset({"BMP", "PNG", "TIFF"})
"""Formats that keep every level; WebP, AVIF and HEIC may, and do not say so in what is read of them."""


def may_tell_of_saves(one: Assessed, other: Assessed) -> bool:
    """Whether an earlier save would show in both. That none shows says nothing of one that was scaled or saved coarsely:
    else an original that was saved twice would go for its own worse copy.
    """
    keeps = (
        each.facts.format in LOSSLESS or (each.quality.jpeg_quality or 0) >= TRUE_TO_PIXELS for each in (one, other)
    )
    return all(keeps) and not differ_in_size(one.facts, other.facts)


def _compression(one: Quality, other: Quality, policy: Policy, *, tells: bool) -> Lead:
    here, there = (left_by_saves(each, earlier=tells) for each in (one, other))
    if here is None or there is None:
        return Lead("compression", 0.0, "")
    text = f"lost less to compression ({max(here, there):.2f} against {min(here, there):.2f})"
    return _lead("compression", policy.weights.compression, _beyond(here - there, SAME_COMPRESSION), text)


def left_by_saves(quality: Quality, *, earlier: bool = True) -> float | None:
    """What every save so far has left, 0..1: no picture has more than its worst one. `earlier`: than the last one too."""
    if quality.compression is None:
        return None
    finest = FINEST if quality.jpeg_quality is None else FINEST_JPEG
    before = quality.earlier_jpeg_quality if earlier else None
    return min(quality.compression, 1.0 if before is None else before / 100, finest)


def _history(one: Quality, other: Quality, policy: Policy) -> Iterator[Lead]:
    before = [each.earlier_jpeg_quality is not None or bool(each.was_lossy) for each in (one, other)]
    text = "is no JPEG that was saved anew"
    yield _lead("saved_before", policy.weights.saved_before, before[1] - before[0], text)
    changed = [bool(each.tones_changed) for each in (one, other)]
    text = "has the light and contrast that it was first saved with"
    yield _lead("tones", policy.weights.tones, changed[1] - changed[0], text)


def _camera(one: Quality, other: Quality, policy: Policy) -> Lead:
    named = [bool(each.camera_named) for each in (one, other)]
    return _lead("camera", policy.weights.camera, named[0] - named[1], "names the camera that took it")


def _format(one: Assessed, other: Assessed, policy: Policy) -> Lead:
    """The policy's rank of formats, but not of those that hold a lossy picture losslessly."""
    ranks = [format_rank(each, policy) for each in (one, other)]
    names = [each.facts.format for each in (one, other)]
    ahead, behind = names if ranks[0] < ranks[1] else names[::-1]
    share = (ranks[1] - ranks[0]) / max(len(policy.formats), 1)
    return _lead("format", policy.weights.format, share, f"is {ahead} and not {behind}")


def format_rank(one: Assessed, policy: Policy) -> int:
    last = len(policy.formats)
    if one.quality.was_lossy or one.quality.earlier_jpeg_quality is not None:
        return last
    return policy.formats.index(one.facts.format) if one.facts.format in policy.formats else last


def _bytes(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> Lead:
    """Of one format more bytes mean less compression; of the same pixels they mean nothing that a picture needs."""
    doublings = math.log2(one.facts.bytes / other.facts.bytes)
    if pair.same_pixels:
        return _lead("bytes", policy.weights.bytes, -doublings, "holds the same pixels in fewer bytes")
    if one.facts.format != other.facts.format or abs(doublings) < math.log2(HEAVIER):
        return Lead("bytes", 0.0, "")
    return _lead("bytes", policy.weights.bytes, doublings / MOST_DOUBLINGS, f"has {_times(doublings)} the bytes")


HEAVIER = 1.02
"""A file must be this many times as large as the other, of the same format, for its bytes to count."""


def _lead(what: str, weight: float, share: float, text: str) -> Lead:
    return Lead(what, weight * max(-1.0, min(1.0, share)), text)


def _beyond(difference: float, steady: float) -> float:
    """The difference less what counts for nothing."""
    return math.copysign(max(0.0, abs(difference) - steady), difference)


def _times(doublings: float) -> str:
    return f"{2 ** abs(doublings):.1f} times"
