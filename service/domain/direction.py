"""Who was made from whom: by the traces of what was done, by size, and by what a file keeps of an earlier save.

What takes away or lays around was done to the copy, and what is gone does not come back. Of a picture that is covered in
part the query is taken for the copy: which of the two carries the cover is not measured. Where the edits tell nothing,
sizes do: a copy seldom has more pixels than its source, unless it was only enlarged. Where those are equal too, the
picture whose pixels lie on the blocks of an earlier JPEG, moved or mirrored since, is the later one. A mirror image that
kept no such trace could be the original as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.values import Direction, Edit, Relation

if TYPE_CHECKING:
    from service.domain.traces import Surface
    from service.domain.values import Assessed, PictureFacts

SAME_SIZE = 0.02
"""Two pictures whose pixel counts differ by less than this share count as equally large."""
ENLARGED = 1.1
"""Times more of its side than the other's is without detail: from which on a picture was enlarged, or blurred."""
MORE_DETAIL = 1.2
"""Times as many effective megapixels: from which on the larger one, enlarged or not, shows more than the smaller."""
RESAMPLED = 1.05
"""The same, of two that are equally large and differ in shape."""
SOFTENED = 0.95
"""Fine detail for each unit of the other's, below which the one that lies aslant or stretched is the copy: pixels that
were drawn anew are softer."""
CRUSHED, CRUSHED_MORE = 0.25, 2.0
"""Levels, and by what factor more than the other's, from which light that was cut off tells who had it first."""
FLATTENED, PALER, COLOURED = 0.85, 0.75, 6.0
"""Below which share of the other's contrast, or colour where there is any, a picture was drawn together."""
TRUE_TO_PIXELS = 85
"""Quality of a JPEG, 1..100, from which on it would still show an earlier save."""
WORSE_SAVED, BLOCKIER, LEAST = 10, 1.6, 0.02
"""By how much a JPEG's quality must be lower, and how many times plainer its blocks, for it to be the one that was saved
anew. What was saved better since keeps the blocks: of four photographs saved as JPEG 60 to 90 and then, mirrored or not, at
95 none has less than two thirds left."""
BLURRED = 1.5
"""Times more of its side without detail: so much of it no lens and no misreading explains."""

_LATER, _EARLIER = Direction.QUERY_FROM_REFERENCE, Direction.REFERENCE_FROM_QUERY
_TAKES_AWAY = frozenset(
    {Edit.CROPPED, Edit.GREYSCALE, Edit.BLURRED, Edit.PIXELATED, Edit.COMPRESSED, Edit.NOISY, Edit.OVERLAID}
)
_ADDS = frozenset({Edit.PADDED, Edit.COMPOSITED, Edit.SCREENSHOT})
_REDRAWN = frozenset({Edit.STRETCHED, Edit.PERSPECTIVE})


@dataclass(frozen=True, slots=True)
class Traces:
    """What was found between two pictures that tells who came first."""

    edits: tuple[Edit, ...]
    query_overlap: float
    reference_overlap: float
    surface: Surface
    reference_was_laid_into: bool = False
    """Whether what the query does not show of the reference was put around it."""


def direction_of_match(query: Assessed, reference: Assessed, relation: Relation, traces: Traces) -> Direction:
    """The first that tells: traces, sizes, pixels drawn anew, how both were saved."""
    for told in (
        direction_by_softness(query, reference, traces.edits),
        direction_by_traces(traces),
        direction_by_size(query, reference, relation),
        direction_by_shape(query, reference, traces.edits, traces.surface),
        direction_by_saving(query, reference),
    ):
        if told is not Direction.UNKNOWN:
            return told
    return Direction.UNKNOWN


def direction_by_softness(query: Assessed, reference: Assessed, edits: tuple[Edit, ...]) -> Direction:
    """Of two equally large ones the softer is no copy if it has detail to the last pixel: then the other was sharpened, or
    laid under noise.
    """
    here, there = query.quality.enlargement, reference.quality.enlargement
    if set(edits) & _TAKES_AWAY != {Edit.BLURRED} or differ_in_size(query.facts, reference.facts):
        return Direction.UNKNOWN
    if here is None or there is None or here >= ENLARGED * there or not keeps_detail(query):
        return Direction.UNKNOWN
    return _EARLIER


def direction_by_traces(traces: Traces) -> Direction:
    """As far as the edits tell: what takes away or lays around was done to the query, or laid around the reference."""
    edits = set(traces.edits)
    if _ADDS & edits:
        return _LATER
    if traces.reference_was_laid_into:
        return _EARLIER
    if traces.query_overlap < traces.reference_overlap:
        return Direction.UNKNOWN
    if _TAKES_AWAY & edits:
        return _LATER
    return _direction_by_tones(traces.surface) if Edit.RECOLOURED in edits else Direction.UNKNOWN


def _direction_by_tones(surface: Surface) -> Direction:
    """What is cut off at black and white does not come back, nor do levels and colours that were drawn together."""
    query, reference = surface.query_crushed, surface.reference_crushed
    if max(query, reference) >= CRUSHED and max(query, reference) >= CRUSHED_MORE * min(query, reference):
        return _LATER if query > reference else _EARLIER
    for here, there, factor, least in (
        (surface.query_spread, surface.reference_spread, FLATTENED, 0.0),
        (surface.query_chroma, surface.reference_chroma, PALER, COLOURED),
    ):
        if max(here, there) <= least:
            continue
        if here < factor * there:
            return _LATER
        if there < factor * here:
            return _EARLIER
    return Direction.UNKNOWN


def direction_of(query: PictureFacts, reference: PictureFacts, relation: Relation) -> Direction:
    """As far as sizes tell: a copy seldom has more pixels than its source."""
    if relation in (Relation.IDENTICAL, Relation.SAME_PIXELS):
        return Direction.SAME_DETAIL
    if relation is Relation.UNRELATED or not differ_in_size(query, reference):
        return Direction.UNKNOWN
    return _LATER if query.megapixels < reference.megapixels else _EARLIER


def direction_by_size(query: Assessed, reference: Assessed, relation: Relation) -> Direction:
    """As `direction_of`; but where the larger one was only enlarged, it is the copy."""
    told = direction_of(query.facts, reference.facts, relation)
    if told not in (_LATER, _EARLIER):
        return told
    smaller, larger = sorted((query, reference), key=lambda one: one.facts.megapixels)
    grown, kept = larger.quality.enlargement, smaller.quality.enlargement
    if grown is None or kept is None or grown < ENLARGED * kept:
        return told
    if larger.facts.megapixels / grown**2 > MORE_DETAIL * smaller.facts.megapixels / kept**2:
        return told
    return _LATER if larger is query else _EARLIER


def direction_by_shape(query: Assessed, reference: Assessed, edits: tuple[Edit, ...], surface: Surface) -> Direction:
    """Of two equally large ones that lie otherwise, or of which one is sharper: whose pixels were drawn anew."""
    here, there = (one.quality.enlargement or 1.0 for one in (query, reference))
    if Edit.SHARPENED in edits:
        # The reference may as well be the blurred one: then its spectrum ends early.
        return _EARLIER if there > BLURRED * here else _LATER
    if not _REDRAWN & set(edits):
        return Direction.UNKNOWN
    if max(here, there) > RESAMPLED * min(here, there):
        return _LATER if here > there else _EARLIER
    if surface.detail < SOFTENED:
        return _LATER
    return _EARLIER if surface.detail > 1 / SOFTENED else Direction.UNKNOWN


def direction_by_saving(query: Assessed, reference: Assessed) -> Direction:
    """By the blocks of JPEGs: plainer in a worse save, and out of place in what was moved or mirrored since."""
    here, there = query.quality.moved_grid, reference.quality.moved_grid
    if here and there is False and keeps_detail(reference):
        return _LATER
    if there and here is False and keeps_detail(query):
        return _EARLIER
    # Blocks that were moved may be those of the other file, however well they were saved since.
    if _was_saved_worse(query, reference) and not there:
        return _LATER
    return _EARLIER if _was_saved_worse(reference, query) and not here else Direction.UNKNOWN


def _was_saved_worse(one: Assessed, other: Assessed) -> bool:
    here, there = one.quality, other.quality
    if here.jpeg_quality is None or there.jpeg_quality is None or here.blocking is None or there.blocking is None:
        return False
    return here.jpeg_quality <= there.jpeg_quality - WORSE_SAVED and here.blocking > BLOCKIER * (there.blocking + LEAST)


def keeps_detail(one: Assessed) -> bool:
    """Whether the file keeps its pixels so well that they would show an earlier save, and are not soft by saving."""
    quality = one.quality.jpeg_quality
    return quality is None or quality >= TRUE_TO_PIXELS


def differ_in_size(left: PictureFacts, right: PictureFacts) -> bool:
    """By more than `SAME_SIZE`."""
    larger = max(left.megapixels, right.megapixels)
    return abs(left.megapixels - right.megapixels) > SAME_SIZE * larger
