"""The traces that edits leave, as numbers: what `compare/traces.py` measures and `edits.py` names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shape:
    """How the query lies on the reference."""

    mirrored: bool
    angle: float
    """Degrees, -180..180, clockwise."""
    stretch: float
    """Width against height, as a factor of 1 or more."""
    shear: float
    aslant: float
    """By how much one corner of the query is nearer than another, as a share; 0 for a map without perspective."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What of the query lies beyond the reference."""

    share: float
    flat: float
    """Share of its 8x8 cells that show nothing, 0..1; 1 where there are none."""
    blank: float
    """Share of its cells that are of one level to the eye and to the ruler, as pages of programs are."""
    sides: int
    """On how many sides of the copy they lie, 0..4."""
    seam: float
    """By what factor the levels jump more where the reference ends than just within it; 0 where that cannot be seen."""


@dataclass(frozen=True, slots=True)
class Surface:
    """How the query's levels differ from the reference's where both show the same, light as a whole allowed for where
    detail, grain and what is covered are told.
    """

    tone_distance: float
    """Levels (RMS), smoothed."""
    tone_residual: float
    """What of it is left after the best affine map of the colours."""
    query_chroma: float
    reference_chroma: float
    query_crushed: float
    reference_crushed: float
    """Levels (RMS over all) that are cut off at black and white in the one and still vary in the other."""
    query_spread: float
    reference_spread: float
    """Levels (standard deviation)."""
    detail: float
    """The query's fine detail for each unit of the reference's: 1 is equal, less is softer."""
    grain: float
    """Levels (RMS) of fine detail that the reference does not have."""
    evenness: float
    """Grain where the reference has least detail, for each unit of it everywhere: near 1 is noise, little is edges."""
    laid_upon: float
    """Share of the spots that show something else altogether, 0..1, seen as finely as the coarser shows them."""
    covered: float
    """The same in the proof's frame, where one may be the finer."""
    worst: float
    """Levels by which the spot there that changed most differs."""
    spot: float
    usual: float
    """Levels by which the worst spot differs, and by which nineteen of twenty differ less, with either one in the other's
    light, where the spot stands out more.
    """
    paper: float
    """Share of one level, within a sixteenth, where both agree: a page has much of it, a photograph little."""


@dataclass(frozen=True, slots=True)
class Grid:
    """What a picture's own pixels tell of how it was saved or coarsened."""

    blocks: float
    """By how much more the levels change at the borders of JPEG's 8x8 blocks, as a share; near 0 without."""
    steps: float
    """Share of the borders between pixels at which next to nothing changes, 0..1: coarse pixels have many."""
