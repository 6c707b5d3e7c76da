"""A lead: by how much one of two pictures is ahead in something, and what is said of whoever is."""

from __future__ import annotations

import math
from typing import NamedTuple

MOST_DOUBLINGS = 2.0
"""Where a thing is counted in doublings, how many make a full lead."""


class Lead(NamedTuple):
    """By how much the first picture is ahead, -1..1, and what is said of whoever is."""

    what: str
    """A field of the policy's weights."""
    weight: float
    text: str


def lead(what: str, weight: float, share: float, text: str) -> Lead:
    """One that counts for a share of its weight, -1..1; more is cut off."""
    return Lead(what, weight * max(-1.0, min(1.0, share)), text)


def none(what: str) -> Lead:
    """Nobody is ahead, or nobody knows."""
    return Lead(what, 0.0, "")


def beyond(difference: float, steady: float) -> float:
    """The difference less what counts for nothing."""
    return math.copysign(max(0.0, abs(difference) - steady), difference)


def times(doublings: float) -> str:
    """In words."""
    return f"{2 ** abs(doublings):.1f} times"
