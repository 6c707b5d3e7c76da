"""What must be so before one copy goes for another's sake without a person's look, whatever else speaks for the other.

Weighing says who stays. But an enlargement by a tenth shows all that its original shows, in more pixels, and its detail
is read no more exactly than that; and a mark that says who made a picture is easily taken off. Where such a thing could
have led the weighing astray, somebody is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.direction import differ_in_size
from service.domain.values import Direction
from service.domain.weighing import CALLED, DETAIL_NOISE, doublings_of_detail
from service.domain.worth import ENLARGED

if TYPE_CHECKING:
    from service.domain.values import Assessed

SURELY_MORE = 0.5
"""Doublings of real detail by which one of another size surely holds more: untouched pictures are read within 0.2."""
FAR_LARGER = ENLARGED**2
"""Times the pixels from which an enlargement shows in the detail that is read, and has been weighed."""
OTHER_WAY = "the one that would stay seems to be made from the other"
NO_MORE_DETAIL = "their sizes differ, and the one that would stay does not surely hold more detail"
MARKED = "only one of the two is marked as generated, and such marks are easily lost"


def unsure(stays: Assessed, goes: Assessed) -> str | None:
    """Why a person must look before the second goes for the first one's sake, or None."""
    marked = [(each.authenticity.generated or 0.0) >= CALLED for each in (stays, goes)]
    if marked[0] != marked[1]:
        return MARKED
    known = None not in (stays.quality.effective_megapixels, goes.quality.effective_megapixels)
    if not known or not differ_in_size(stays.facts, goes.facts):
        return None
    more, pixels = doublings_of_detail(stays, goes), stays.facts.megapixels / goes.facts.megapixels
    if more > SURELY_MORE or pixels >= FAR_LARGER:
        return None
    # A larger one that is plainly enlarged goes for the one it may have been made from.
    is_enlarged = pixels < 1 and (goes.quality.enlargement or 1.0) >= ENLARGED
    return None if is_enlarged and more > -DETAIL_NOISE else NO_MORE_DETAIL


def is_other_way(direction: Direction, *, query_goes: bool) -> bool:
    """Whether the one that would stay was made from the one that would go, as far as a check tells."""
    return direction is (Direction.REFERENCE_FROM_QUERY if query_goes else Direction.QUERY_FROM_REFERENCE)
