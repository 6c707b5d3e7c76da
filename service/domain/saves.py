"""What saving has left of each of two pictures, and what else their files say for the one or the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from service.domain.direction import TRUE_TO_PIXELS, differ_in_size
from service.domain.fineness import more_variance, times_the_contrast
from service.domain.lead import MOST_DOUBLINGS, Lead, beyond, lead, none, times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.domain.pairs import Pair
    from service.domain.policy import Policy
    from service.domain.values import Assessed, Quality

SAME_COMPRESSION = 0.004
FINEST_JPEG, FINEST = 0.95, 0.96
"""More is not told apart: nobody sees it, and a lossless file may hold what was saved often before."""
MISREAD = 2
"""By how much finer than it was an earlier save may read where pixels are kept losslessly."""
SHARPER_BY_A_SAVE, MORE_CONTRAST = 0.5, 0.04
"""Doublings of the Laplacian's variance, and of contrast, that a save as JPEG at 85 or better makes: 0.32 and 0.003 at most
of 250 photographs of the fitting half. Colours alone move contrast by more."""
STRETCHED = 0.1
"""By how many doublings contrast may miss the stretch that is read, because some levels were cut off."""
LOSSLESS = frozenset({"BMP", "PNG", "TIFF"})
"""Formats that keep every level; WebP, AVIF and HEIC may, and do not say so in what is read of them."""
HEAVIER = 1.02
"""A file must be this many times as large as the other, of the same format, for its bytes to count; but a JPEG saved anew at
its very quality shows by nothing else: of 12 photographs of the fitting half 11 lost a thousandth to a fiftieth."""


def leads_of_files(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> Iterator[Lead]:
    """Every lead that the files tell of."""
    tells = may_tell_of_saves(one, other)
    yield _compression(one.quality, other.quality, policy, tells=tells)
    if tells:
        yield from _history(one, other, policy)
    yield _camera(one.quality, other.quality, policy)
    yield _format(one, other, policy)
    yield _bytes(one, other, pair, policy)


def may_tell_of_saves(one: Assessed, other: Assessed) -> bool:
    """Whether an earlier save would show in both. That none shows says nothing of one that was scaled or saved coarsely:
    else an original that was saved twice would go for its own worse copy.
    """
    keeps = (
        each.facts.format in LOSSLESS or (each.quality.jpeg_quality or 0) >= TRUE_TO_PIXELS for each in (one, other)
    )
    return all(keeps) and not differ_in_size(one.facts, other.facts)


def left_by_saves(quality: Quality, *, earlier: bool = True) -> float | None:
    """What every save so far has left, 0..1: no picture has more than its worst one. `earlier`: than the last one too, which
    is not read to the step where light or contrast was changed since.
    """
    if quality.compression is None:
        return None
    finest = FINEST if quality.jpeg_quality is None else FINEST_JPEG
    before = quality.earlier_jpeg_quality if earlier and not quality.tones_changed else None
    return min(quality.compression, 1.0 if before is None else before / 100, finest)


def format_rank(one: Assessed, policy: Policy) -> int:
    last = len(policy.formats)
    if one.facts.format in LOSSLESS and one.quality.shows_an_earlier_save:
        return last
    return policy.formats.index(one.facts.format) if one.facts.format in policy.formats else last


def _compression(one: Quality, other: Quality, policy: Policy, *, tells: bool) -> Lead:
    here, there = (left_by_saves(each, earlier=tells) for each in (one, other))
    if here is None or there is None:
        return none("compression")
    text = f"lost less to compression ({max(here, there):.2f} against {min(here, there):.2f})"
    return lead("compression", policy.weights.compression, beyond(here - there, SAME_COMPRESSION), text)


def _history(one: Assessed, other: Assessed, policy: Policy) -> Iterator[Lead]:
    made = [was_made_from(one, other), was_made_from(other, one)]
    yield lead("saved_before", policy.weights.saved_before, made[1] - made[0], "is no JPEG that was saved anew")
    changed = [was_retouched(one.quality, other.quality), was_retouched(other.quality, one.quality)]
    text = "has the light and contrast that it was first saved with"
    yield lead("tones", policy.weights.tones, changed[1] - changed[0], text)


def was_made_from(one: Assessed, other: Assessed) -> bool:
    """Whether the first is the other one saved anew: what its pixels were before, the other one is, and they look alike.

    That one shows an earlier save and the other none is not enough: grain, blur, a curve and a coarse save hide it. But
    what is kept losslessly and was a JPEG was made from one that shows no such thing; and from one that does, if it is
    that one's save and was none that is coarser.
    """
    here, there = one.quality, other.quality
    before, now, earlier = here.earlier_jpeg_quality, there.jpeg_quality, there.earlier_jpeg_quality
    if one.facts.format not in LOSSLESS:
        return before is not None and before == now and not here.tones_changed and is_as_a_save_leaves(here, there)
    if not here.shows_an_earlier_save:
        return False
    if not there.shows_an_earlier_save:
        return now is None or before is None or before <= now + MISREAD or is_as_a_save_leaves(here, there)
    if before is None or now is None or earlier is None:
        return False
    return abs(before - now) <= MISREAD and earlier > now


def is_as_a_save_leaves(one: Quality, other: Quality) -> bool:
    """Whether the two differ in sharpness and contrast by no more than a save as JPEG makes."""
    more = more_variance(one, other)
    contrast = math.log2(times_the_contrast(one, other))
    return more is not None and abs(more) <= SHARPER_BY_A_SAVE and abs(contrast) <= MORE_CONTRAST


def was_retouched(one: Quality, other: Quality) -> bool:
    """Whether the contrast of the first was stretched since it was first saved, by just as much as sets it apart from the
    other one: then that is what it was made from. Many an original was retouched, too, before it was copied.
    """
    more, stretch = more_variance(one, other), one.tones_stretched
    if more is None or stretch is None or not one.tones_changed:
        return False
    contrast = math.log2(times_the_contrast(one, other))
    return abs(contrast - math.log2(stretch)) <= STRETCHED and abs(more - 2 * contrast) <= SHARPER_BY_A_SAVE


def _camera(one: Quality, other: Quality, policy: Policy) -> Lead:
    named = [bool(each.camera_named) for each in (one, other)]
    return lead("camera", policy.weights.camera, named[0] - named[1], "names the camera that took it")


def _format(one: Assessed, other: Assessed, policy: Policy) -> Lead:
    """The policy's rank of formats, but not of those that hold a lossy picture losslessly."""
    ranks = [format_rank(each, policy) for each in (one, other)]
    names = [each.facts.format for each in (one, other)]
    ahead, behind = names if ranks[0] < ranks[1] else names[::-1]
    share = (ranks[1] - ranks[0]) / max(len(policy.formats), 1)
    return lead("format", policy.weights.format, share, f"is {ahead} and not {behind}")


def _bytes(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> Lead:
    """Of one format more bytes mean less compression; of the same pixels they mean nothing that a picture needs."""
    doublings = math.log2(one.facts.bytes / other.facts.bytes)
    if pair.same_pixels:
        return lead("bytes", policy.weights.bytes, -doublings, "holds the same pixels in fewer bytes")
    same_quality = one.quality.jpeg_quality is not None and one.quality.jpeg_quality == other.quality.jpeg_quality
    if one.facts.format != other.facts.format or (abs(doublings) < math.log2(HEAVIER) and not same_quality):
        return none("bytes")
    return lead("bytes", policy.weights.bytes, doublings / MOST_DOUBLINGS, f"has {times(doublings)} the bytes")
