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
COVERED, COVERED_CHANGED, COVERED_SHARPER, MUCH_COVERED = 0.006, 0.03, 0.1, 0.1
RECOLOURED, RECOLOURED_TOO, GLARING = 5.0, 20.0, 30.0
GREY, COLOURED = 2.0, 6.0
SOFTER, SOFTER_RESAMPLED, SOFTER_BENEATH, FAINT, SHARPER = 0.72, 0.65, 0.5, 0.3, 1.16
GRAINY, GRAIN_LEFT = 5.0, 1.9
TURNED_ASLANT = 20.0
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
    if surface.covered > _least_covered(surface):
        found.append(Edit.OVERLAID)
    resampled = bool({Edit.STRETCHED, Edit.PERSPECTIVE} & set(found))
    return (*found, *_surface_edits(surface, *grids, resampled=resampled))


def _least_covered(surface: Surface) -> float:
    """Where all of the picture was changed, single spots of it stand out without anything on them."""
    if surface.detail > SHARPER:
        return COVERED_SHARPER
    if surface.detail < FAINT:
        return 1.0
    return COVERED_CHANGED if surface.detail < SOFTER or surface.tone_distance > GLARING else COVERED


def _laid_into(around: Surroundings) -> Edit:
    """What lies around the copy; where nothing tells it from the copy, the reference is the part that was cut out."""
    if around.flat >= BORDER_FLAT or (around.sides == 1 and around.flat >= CAPTION_FLAT):
        return Edit.PADDED
    if around.seam < SEAM:
        return Edit.CROPPED
    return Edit.SCREENSHOT if around.blank >= PAGE_BLANK else Edit.COMPOSITED


def _shape_edits(shape: Shape) -> tuple[Edit, ...]:
    aslant = abs(shape.shear) > SHEARED or shape.aslant > ASLANT
    named = {
        Edit.FLIPPED: shape.mirrored,
        # Seen aslant, a picture is turned and stretched here and there: that is no edit of its own.
        Edit.ROTATED: abs(shape.angle) > (TURNED_ASLANT if aslant else TURNED_DEGREES),
        Edit.STRETCHED: shape.stretch > STRETCHED and not aslant,
        Edit.PERSPECTIVE: aslant,
    }
    return tuple(edit for edit, holds in named.items() if holds)


def _surface_edits(surface: Surface, query: Grid, reference: Grid, *, resampled: bool) -> tuple[Edit, ...]:
    stepped = query.steps - reference.steps > STEPPED
    blocky = query.blocks - reference.blocks > BLOCKY
    grey = surface.query_chroma < GREY and surface.reference_chroma > COLOURED
    sharper = surface.detail > SHARPER and not stepped
    softest = SOFTER_BENEATH if surface.covered > MUCH_COVERED else SOFTER_RESAMPLED if resampled else SOFTER
    softer = surface.detail < softest and not stepped and not blocky
    grainy = surface.grain > GRAINY and surface.tone_distance > GRAIN_LEFT and surface.detail >= SOFTER
    noisy = grainy and not (stepped or blocky or sharper)
    named = {
        Edit.GREYSCALE: grey,
        # Grain and sharpened edges are cut off at black and white, which moves the tones as well.
        Edit.RECOLOURED: not grey and surface.tone_distance > (RECOLOURED_TOO if noisy or sharper else RECOLOURED),
        Edit.PIXELATED: stepped,
        Edit.COMPRESSED: blocky and not stepped,
        Edit.BLURRED: softer,
        Edit.SHARPENED: sharper,
        Edit.NOISY: noisy,
    }
    return tuple(edit for edit, holds in named.items() if holds)


_TAKES_AWAY = frozenset(
    {Edit.CROPPED, Edit.GREYSCALE, Edit.BLURRED, Edit.PIXELATED, Edit.COMPRESSED, Edit.NOISY, Edit.OVERLAID}
)
_ADDS = frozenset({Edit.PADDED, Edit.COMPOSITED, Edit.SCREENSHOT})


CLIPPED, FLATTENED, PALER = 0.02, 0.85, 0.75
"""From which difference on, or below which factor, light and colour that are gone tell who had them first."""


def direction_by_traces(
    edits: tuple[Edit, ...], query_overlap: float, reference_overlap: float, surface: Surface
) -> Direction:
    """Who was made from whom, as far as the edits tell: what takes away or lays around was done to the query."""
    if _ADDS & set(edits):
        return Direction.QUERY_FROM_REFERENCE
    if query_overlap < reference_overlap:
        return Direction.UNKNOWN
    if _TAKES_AWAY & set(edits):
        return Direction.QUERY_FROM_REFERENCE
    return _direction_by_tones(surface) if {Edit.RECOLOURED, Edit.SHARPENED} & set(edits) else Direction.UNKNOWN


def _direction_by_tones(surface: Surface) -> Direction:
    """What is cut off at black and white does not come back, nor do levels and colours that were drawn together."""
    clipped = surface.query_clipped - surface.reference_clipped
    if abs(clipped) > CLIPPED:
        return Direction.QUERY_FROM_REFERENCE if clipped > 0 else Direction.REFERENCE_FROM_QUERY
    for query, reference, factor, least in (
        (surface.query_spread, surface.reference_spread, FLATTENED, 0.0),
        (surface.query_chroma, surface.reference_chroma, PALER, COLOURED),
    ):
        if max(query, reference) <= least:
            continue
        if query < factor * reference:
            return Direction.QUERY_FROM_REFERENCE
        if reference < factor * query:
            return Direction.REFERENCE_FROM_QUERY
    return Direction.UNKNOWN
