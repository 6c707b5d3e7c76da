"""What saving has left of each of two pictures, and what else their files say for the one or the other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from service.domain.direction import TRUE_TO_PIXELS, differ_in_size
from service.domain.lead import MOST_DOUBLINGS, Lead, beyond, lead, none, times

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.domain.pairs import Pair
    from service.domain.policy import Policy
    from service.domain.values import Assessed, Quality

SAME_COMPRESSION = 0.004
FINEST_JPEG, FINEST = 0.95, 0.96
"""More is not told apart: nobody sees it, and a lossless file may hold what was saved often before."""
LOSSLESS = frozenset({"BMP", "PNG", "TIFF"})
"""Formats that keep every level; WebP, AVIF and HEIC may, and do not say so in what is read of them."""
HEAVIER = 1.02
"""A file must be this many times as large as the other, of the same format, for its bytes to count."""


def leads_of_files(one: Assessed, other: Assessed, pair: Pair, policy: Policy) -> Iterator[Lead]:
    """Every lead that the files tell of."""
    tells = may_tell_of_saves(one, other)
    yield _compression(one.quality, other.quality, policy, tells=tells)
    if tells:
        yield from _history(one.quality, other.quality, policy)
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
    """What every save so far has left, 0..1: no picture has more than its worst one. `earlier`: than the last one too."""
    if quality.compression is None:
        return None
    finest = FINEST if quality.jpeg_quality is None else FINEST_JPEG
    before = quality.earlier_jpeg_quality if earlier else None
    return min(quality.compression, 1.0 if before is None else before / 100, finest)


def format_rank(one: Assessed, policy: Policy) -> int:
    last = len(policy.formats)
    if one.quality.was_lossy or one.quality.earlier_jpeg_quality is not None:
        return last
    return policy.formats.index(one.facts.format) if one.facts.format in policy.formats else last


def _compression(one: Quality, other: Quality, policy: Policy, *, tells: bool) -> Lead:
    here, there = (left_by_saves(each, earlier=tells) for each in (one, other))
    if here is None or there is None:
        return none("compression")
    text = f"lost less to compression ({max(here, there):.2f} against {min(here, there):.2f})"
    return lead("compression", policy.weights.compression, beyond(here - there, SAME_COMPRESSION), text)


def _history(one: Quality, other: Quality, policy: Policy) -> Iterator[Lead]:
    before = [each.earlier_jpeg_quality is not None or bool(each.was_lossy) for each in (one, other)]
    text = "is no JPEG that was saved anew"
    yield lead("saved_before", policy.weights.saved_before, before[1] - before[0], text)
    changed = [bool(each.tones_changed) for each in (one, other)]
    text = "has the light and contrast that it was first saved with"
    yield lead("tones", policy.weights.tones, changed[1] - changed[0], text)


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
    if one.facts.format != other.facts.format or abs(doublings) < math.log2(HEAVIER):
        return none("bytes")
    return lead("bytes", policy.weights.bytes, doublings / MOST_DOUBLINGS, f"has {times(doublings)} the bytes")
