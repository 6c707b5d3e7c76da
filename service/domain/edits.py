"""Traces to the names that CONTRACT has for edits, and to who was made from whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.values import Direction, Edit

if TYPE_CHECKING:
    from service.domain.traces import Grid, Shape, Surface, Surroundings

WHOLE = 0.965
"""Overlap from which a picture counts as wholly shown: maps are good to about a hundredth of a side."""
TURNED_DEGREES = 1.5
STRETCHED = 1.06
SHEARED, ASLANT = 0.06, 0.06
BEYOND = 0.03
"""Share of the query around the copy from which it counts."""
BORDER_FLAT, CAPTION_FLAT, PAGE_BLANK = 0.95, 0.5, 0.4
"""Around a copy: a border shows nothing, a line of words on one side little else, a page of a program is mostly blank,
and another picture shows something everywhere."""
SEAM = 1.6
COVERED = 0.006
RECOLOURED = 5.0
GREY, COLOURED = 2.0, 6.0
SOFTER, SHARPER = 0.72, 1.18
GRAINY = 5.5
BLOCKY = 0.2
STEPPED = 0.25


def edits_of(
    shape: Shape,
    around: Surroundings,
    surface: Surface,
    grids: tuple[Grid, Grid],
    reference_overlap: float,
) -> tuple[Edit, ...]:
    """What was done to the query, or undone, to make it of the reference. `grids` are the query's and the reference's."""
    found = [*_shape_edits(shape)]
    if reference_overlap < WHOLE:
        found.append(Edit.CROPPED)
    if around.share > BEYOND:
        found.append(_laid_into(around))
    if surface.covered > COVERED:
        found.append(Edit.OVERLAID)
    return (*found, *_surface_edits(surface, *grids))


def _laid_into(around: Surroundings) -> Edit:
    """What lies around the copy; where nothing tells it from the copy, the reference is the part that was cut out."""
    if around.flat >= BORDER_FLAT or (around.sides == 1 and around.flat >= CAPTION_FLAT):
        return Edit.PADDED
    if around.seam < SEAM:
        return Edit.CROPPED
    return Edit.SCREENSHOT if around.blank >= PAGE_BLANK else Edit.COMPOSITED


def _shape_edits(shape: Shape) -> tuple[Edit, ...]:
    named = {
        Edit.FLIPPED: shape.mirrored,
        Edit.ROTATED: abs(shape.angle) > TURNED_DEGREES,
        Edit.STRETCHED: shape.stretch > STRETCHED,
        Edit.PERSPECTIVE: abs(shape.shear) > SHEARED or shape.aslant > ASLANT,
    }
    return tuple(edit for edit, holds in named.items() if holds)


def _surface_edits(surface: Surface, query: Grid, reference: Grid) -> tuple[Edit, ...]:
    stepped = query.steps - reference.steps > STEPPED
    blocky = query.blocks - reference.blocks > BLOCKY
    grey = surface.query_chroma < GREY and surface.reference_chroma > COLOURED
    sharper = surface.detail > SHARPER and not stepped
    named = {
        Edit.GREYSCALE: grey,
        Edit.RECOLOURED: not grey and surface.tone_distance > RECOLOURED,
        Edit.PIXELATED: stepped,
        Edit.COMPRESSED: blocky and not stepped,
        Edit.BLURRED: surface.detail < SOFTER and not stepped and not blocky,
        Edit.SHARPENED: sharper,
        Edit.NOISY: surface.grain > GRAINY and not (stepped or blocky or sharper) and surface.detail >= SOFTER,
    }
    return tuple(edit for edit, holds in named.items() if holds)


_TAKES_AWAY = frozenset(
    {Edit.CROPPED, Edit.GREYSCALE, Edit.BLURRED, Edit.PIXELATED, Edit.COMPRESSED, Edit.NOISY, Edit.OVERLAID}
)
_ADDS = frozenset({Edit.PADDED, Edit.COMPOSITED, Edit.SCREENSHOT})


def direction_by_traces(edits: tuple[Edit, ...], query_overlap: float, reference_overlap: float) -> Direction:
    """Who was made from whom, as far as the edits tell: what takes away or lays around was done to the query."""
    if _ADDS & set(edits):
        return Direction.QUERY_FROM_REFERENCE
    if _TAKES_AWAY & set(edits) and query_overlap >= reference_overlap:
        return Direction.QUERY_FROM_REFERENCE
    return Direction.UNKNOWN
