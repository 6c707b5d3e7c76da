"""Traces to the names that CONTRACT has for edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.direction import differ_in_size, keeps_detail
from service.domain.values import Edit

if TYPE_CHECKING:
    from service.domain.traces import Grid, Shape, Surface, Surroundings
    from service.domain.values import Assessed

WHOLE = 0.965
"""Overlap from which a picture counts as wholly shown: maps are good to about a hundredth of a side."""
TURNED_DEGREES = 1.5
STRETCHED = 1.06
SHEARED, ASLANT = 0.06, 0.06
BEYOND = 0.03
"""Share of the query around the copy from which it counts."""
BORDER_FLAT, CAPTION_FLAT, PAGE_BLANK = 0.95, 0.45, 0.35
"""Around a copy: a border shows nothing, a line of words on one side little else, a page of a program is mostly blank,
and another picture shows something everywhere."""
SEAM = 1.6
COVERED, COVERED_CHANGED, COVERED_SHARPER, MUCH_COVERED = 0.006, 0.03, 0.1, 0.1
SPOT_CHANGED, BY_FAR = 15.0, 4.0
"""Grey levels by which one spot of 4 pixels must differ, and times as much as nineteen in twenty do, for something to
have been laid there. Of 540 copies of 60 photographs (fitting half) saved by JPEG or WebP from 10 on and scaled by 0.3
to 2 four have as much; of those with a note of 12 pixels' height five in six, of 20 and more nearly all."""
SPOT_STANDS_OUT, BY_FARTHER = 8.0, 8.0
"""The same where next to nothing differs elsewhere: saves and scaling reach 5.2 times at the most in 40 photographs, and
6.6 times in squares of 256 pixels."""
TINTED, TINTED_BY = 1.0, 0.5
"""Levels (RMS) from which a change of tones counts as somebody's when an affine map of the colours leaves no more than
this share of it. Saves leave 0.54 and more; with a twentieth more light, contrast or a seventh more colour nearly all
are told."""
KEEPS_DETAIL, DETAIL_KEPT = 0.85, 1.06
"""What is left by saving of a picture whose fine detail is all there, and times the detail that saves above it move it by
at the most: 1.03 in 80 photographs (fitting half). A median of 3 pixels takes 1.07 to 1.4 times as much."""
RECOLOURED, GLARING = 5.0, 20.0
UNEXPLAINED = 0.75
"""Share of a change of tones that an affine map of the colours may leave: more of it lies upon the picture, or is what
coarse saving, blur and grain do at edges."""
RECOLOURED_TOO, OF_GRAIN = 20.0, 1.6
"""Levels, and times the grain, that tones must differ by where grain and sharpened edges are cut off at black and white,
or pixels that changed places draw them together."""
GREY, COLOURED = 2.0, 6.0
SOFTER, SOFTER_RESAMPLED, SOFTER_BENEATH, FAINT, SHARPER = 0.68, 0.55, 0.5, 0.3, 1.2
GRAINY, MUCH_GRAIN, EVEN = 5.0, 8.0, 0.78
LESS_DETAIL = 1.8
"""Times more of its side that is without detail."""
TURNED_ASLANT = 20.0
BLOCKY = 0.2
STEPPED, STEPPED_TOO = 0.25, 0.45
"""The second where blocks show: next to nothing changes within those of the coarsest JPEGs either."""


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
        found.append(laid_into(around))
    if surface.laid_upon > _least_covered(surface):
        found.append(Edit.OVERLAID)
    resampled = bool({Edit.STRETCHED, Edit.PERSPECTIVE} & set(found))
    # Cut on one side and within the other on another, it is cropped once.
    return tuple(dict.fromkeys(found)) + _surface_edits(surface, *grids, resampled=resampled)


def _least_covered(surface: Surface) -> float:
    """Where all of the picture was changed, single spots of it stand out without anything on them."""
    if surface.detail > SHARPER:
        return COVERED_SHARPER
    if surface.detail < FAINT:
        return 1.0
    return COVERED_CHANGED if surface.detail < SOFTER or surface.tone_distance > GLARING else COVERED


def is_only_saved_anew(surface: Surface) -> bool:
    """Whether nothing in the levels says that more was done than to save it anew: nothing small laid on it, and no light or
    colour changed, too little though it be to be named.
    """
    tinted = is_tinted(surface.tone_distance, surface.tone_residual)
    noted = stands_out(surface.spot, surface.usual, SPOT_CHANGED, BY_FAR)
    return surface.covered <= COVERED and not (noted or tinted)


def stands_out(spot: float, usual: float, least: float, by_far: float) -> bool:
    """Whether the worst spot differs by so many levels and so many times what is usual, or stands out where next to nothing
    differs elsewhere.
    """
    return spot > max(least, by_far * usual) or spot > max(SPOT_STANDS_OUT, BY_FARTHER * usual)


def is_tinted(tone_distance: float, tone_residual: float) -> bool:
    """Whether light, contrast or colour were changed, by levels (RMS) before and after the best affine map of them."""
    return tone_distance > TINTED and tone_residual < TINTED_BY * tone_distance


def was_filtered(surface: Surface, query: Assessed, reference: Assessed) -> bool:
    """Whether one of two of one size lacks fine detail of the other that neither's saving took, too little to be named."""
    kept = [one.quality.compression for one in (query, reference)]
    if differ_in_size(query.facts, reference.facts) or any(left is None or left < KEEPS_DETAIL for left in kept):
        return False
    return not 1 / DETAIL_KEPT < surface.detail < DETAIL_KEPT


def laid_into(around: Surroundings) -> Edit:
    """What lies around the copy; where nothing tells it from the copy, the reference is the part that was cut out."""
    if around.flat >= BORDER_FLAT or (around.sides == 1 and around.flat >= CAPTION_FLAT):
        return Edit.PADDED
    if around.seam < SEAM:
        return Edit.CROPPED
    return Edit.SCREENSHOT if around.blank >= PAGE_BLANK else Edit.COMPOSITED


def was_laid_into(around: Surroundings) -> bool:
    """Whether what lies around was surely put there: it begins where the copy ends, as no sky or wall does."""
    return around.share > BEYOND and around.seam >= SEAM and laid_into(around) is not Edit.CROPPED


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
    blocky = query.blocks - reference.blocks > BLOCKY
    stepped = query.steps - reference.steps > (STEPPED_TOO if blocky else STEPPED)
    grey = surface.query_chroma < GREY and surface.reference_chroma > COLOURED
    sharper = surface.detail > SHARPER and not stepped
    grainy = surface.grain > (GRAINY if surface.detail >= SOFTER else MUCH_GRAIN) and surface.evenness > EVEN
    noisy = grainy and not (stepped or blocky or sharper)
    softest = SOFTER_BENEATH if surface.laid_upon > MUCH_COVERED else SOFTER_RESAMPLED if resampled else SOFTER
    softer = surface.detail < softest and not (stepped or blocky or noisy)
    least = max(RECOLOURED_TOO, OF_GRAIN * surface.grain) if noisy or sharper else RECOLOURED
    explained = surface.tone_residual < UNEXPLAINED * surface.tone_distance
    named = {
        Edit.GREYSCALE: grey,
        Edit.RECOLOURED: not grey and explained and surface.tone_distance > least,
        Edit.PIXELATED: stepped,
        Edit.COMPRESSED: blocky and not stepped,
        Edit.BLURRED: softer,
        Edit.SHARPENED: sharper,
        Edit.NOISY: noisy,
    }
    return tuple(edit for edit, holds in named.items() if holds)


def blurred_in_full(query: Assessed, reference: Assessed, edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """The edits, and `blurred` where both are equally large and one holds much less detail: softness that no small frame
    would show. A picture of coarse pixels, one stretched along a side, and a coarse JPEG hold less for that.
    """
    here, there = query.quality.enlargement, reference.quality.enlargement
    told = _SOFT_FOR_THAT & set(edits) or differ_in_size(query.facts, reference.facts)
    if told or not keeps_detail(query) or here is None or there is None or here < LESS_DETAIL * there:
        return edits
    return (*edits, Edit.BLURRED)


_SOFT_FOR_THAT = frozenset(
    {Edit.BLURRED, Edit.PIXELATED, Edit.STRETCHED, Edit.PERSPECTIVE, Edit.CROPPED, Edit.COMPOSITED, Edit.OVERLAID}
)
