"""Which of two pictures is framed: what lies around the other one and is no scene, but a border, a band or a page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from service.domain.direction import differ_in_size
from service.domain.edits import WHOLE

if TYPE_CHECKING:
    from service.domain.pairs import Pair
    from service.domain.values import Assessed

CALLED = 0.5
"""The risk from which a picture is called a screenshot, or generated."""
FRAMED = 0.015
"""The least share of a picture that makes a frame."""
MOSTLY_FRAME = 0.3
"""Of what a picture shows more, the share that must be frame before it counts as framed."""


def frame_lead(one: Assessed, other: Assessed, pair: Pair) -> float:
    """1 where the other is framed and this one is not, -1 where it is the other way round, else 0."""
    if pair.first_framed is not None or pair.second_framed is not None:
        return float(bool(pair.second_framed) - bool(pair.first_framed))
    return _margin_lead(one, other, pair)


def surrounded(one: Assessed, other: Assessed, pair: Pair) -> float:
    """As `frame_lead`, and for what speaks of a frame or a page without proving it: a margin that takes up much of what
    one shows more, or that it shows more and alone looks like a screenshot. That leads nobody, and is no scene either.
    """
    if framed := frame_lead(one, other, pair) or _margin_lead(one, other, pair):
        return framed
    here, there = ((each.authenticity.screenshot or 0.0) >= CALLED for each in (one, other))
    shown = pair.second_overlap if there else pair.first_overlap
    return float(there - here) if shown is not None and shown <= WHOLE else 0.0


def _margin_lead(one: Assessed, other: Assessed, pair: Pair) -> float:
    here, there = one.quality.margin, other.quality.margin
    if here is None or there is None or abs(there - here) < FRAMED:
        return 0.0
    margin, shown = (there, pair.second_overlap) if there > here else (here, pair.first_overlap)
    if shown is None:
        # Nobody has laid them on each other: a frame makes a picture larger, and a dark edge of its own does not.
        return math.copysign(1, there - here) if differ_in_size(one.facts, other.facts) else 0.0
    shows_more = shown <= WHOLE and margin >= MOSTLY_FRAME * (1 - shown)
    return math.copysign(1, there - here) if shows_more else 0.0
