"""What must be so before one copy goes for another's sake without a person's look, whatever else speaks for the other.

Weighing says who stays. But an enlargement by a tenth shows all that its original shows, in more pixels, and its detail
is read no more exactly than that; and a mark that says who made a picture is easily taken off. Where such a thing could
have led the weighing astray, somebody is asked. Whoever lets a copy go, a check or a policy that is tried, asks here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from service.domain.choosing import NEARLY_EQUAL, cancels_out, is_clear, sum_of
from service.domain.direction import differ_in_size
from service.domain.fineness import doublings_of_detail, megapixels_within_frame, more_variance
from service.domain.framing import CALLED
from service.domain.saves import LOSSLESS
from service.domain.values import Direction, Relation
from service.domain.weighing import DETAIL_NOISE
from service.domain.worth import ENLARGED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.domain.lead import Lead
    from service.domain.policy import Policy
    from service.domain.values import Assessed

SURELY_MORE = 0.5
"""Doublings of real detail by which one of another size surely holds more: untouched pictures are read within 0.2."""
HOLDS = 0.7
"""Of the doublings of pixels that a larger picture has, those of real detail that it must be read to have. Of 1,500 smaller
copies of 250 photographs (fitting half, by 0.3 to 0.8) 98.7 % leave their original that, and of 1,500 plain enlargements
(by 1.25 to 3, five filters, JPEG from 75 on or PNG) 6 % are read as if they had it: a coarse save hides what is missing."""
NO_SOFTER = 0.75
"""Doublings of the Laplacian's variance for each doubling of pixels by which such a picture may be softer than the smaller
one. With it 0.8 % of those enlargements are left, and 98.5 % of those copies."""
SOFTENED = 0.35
"""The same, by which an enlargement is softer at the least: 99.6 % of those 1,500 are, and of those copies' originals one in
seven; of 80 drawings scaled down by 0.7 none goes for its copy so, without it six."""
FAR_LARGER, COARSE, FINER = ENLARGED**2, 0.5, 0.3
"""Times the pixels, what a coarse save leaves at the most, and by how much more the other one's must."""
MUCH_SHARPER = 0.25
"""A smaller picture this much sharper than the larger: 99 % of 250 photographs scaled down to a half gain 0.21 or less,
99 % of those blurred by 1 pixel or more and enlarged by 5 % lose 0.35 or more, 90 % of those enlarged twice 0.34."""

CANCELS_OUT = "what speaks for one and for the other nearly cancels out"
OTHER_WAY = "the one that would stay seems to be made from the other"
NO_MORE_DETAIL = "their sizes differ, and the one that would stay does not surely hold more detail"
GREY, COLOURED = 0.02, 0.06
"""Colourfulness below which a picture is grey, and from which it is not."""
FADED = "the one that would stay is grey, and the one that would go has colours"
UNKNOWN_LOSS = "how much the one that would stay lost to compression is not known"
LOSSLESS_GOES = "nothing else speaks for the one that would stay, and the one that would go alone is lossless"
STRIPPED = "their pixels are the same, and only the one that would go still has its metadata"
MARKED = "only one of the two is marked as generated, and such marks are easily lost"


def asks(
    relation: Relation,
    stays: Assessed,
    goes: Assessed,
    found: Sequence[Lead],
    policy: Policy,
    *,
    came_later: bool = False,
) -> bool:
    """Whether a person must look before the second goes for the first one's sake, by the first one's leads over it.

    Who stays must not be behind, and if it `came_later` must be clearly ahead.
    """
    behind = sum_of(found) < 0 or (came_later and not is_clear(found, policy))
    if behind or relation not in policy.without_review:
        return True
    return bool(doubt(goes, stays) or undecided(relation, stays, goes, found, policy) or unsure(stays, goes))


def undecided(relation: Relation, stays: Assessed, goes: Assessed, found: Sequence[Lead], policy: Policy) -> str | None:
    """Why the first one's leads do not tell the two apart, and their equality lets the second not go either, or None."""
    if is_clear(found, policy):
        return CANCELS_OUT if sum_of(found) < 0 else None  # ahead of most, and yet not of this one
    lossless = relation is not Relation.SAME_PIXELS and _only_first_is_lossless(goes, stays)
    reasons = (
        (relation is Relation.EDITED, "one is an edit of the other, and which is the source cannot be told"),
        (cancels_out(found, policy), CANCELS_OUT),
        (abs(sum_of(found)) >= NEARLY_EQUAL, "one of them is ahead, but not by as much as the policy asks for"),
        (_only_first_loss_is_unknown(stays, goes), UNKNOWN_LOSS),
        (lossless, LOSSLESS_GOES),
    )
    return next((why for is_so, why in reasons if is_so), None)


def lost_unseen(stays: Assessed, goes: Assessed, found: Sequence[Lead], policy: Policy) -> str | None:
    """What may be lost with the second, whose pixels are others, though the first one's leads do not say so, or None.

    Asked where nothing but the two pictures is known, and not how one came of the other.
    """
    colours = [one.quality.colourfulness for one in (stays, goes)]
    if colours[0] is not None and colours[1] is not None and colours[0] < GREY and colours[1] >= COLOURED:
        return FADED
    if is_clear(found, policy):
        return None
    if _only_first_loss_is_unknown(stays, goes):
        return UNKNOWN_LOSS
    return LOSSLESS_GOES if _only_first_is_lossless(goes, stays) else None


def doubt(one: Assessed, other: Assessed) -> str | None:
    """Why numbers must not decide between these two, or None."""
    if one.facts.animated or other.facts.animated:
        return "only the first frames of an animation were compared"
    if one.facts.unseen != other.facts.unseen:
        return "one of the two holds transparency or a depth that the compared pixels do not show"
    if None not in (one.quality.effective_megapixels, other.quality.effective_megapixels):
        return None
    smaller, larger = sorted((one, other), key=lambda assessed: assessed.facts.megapixels)
    if differ_in_size(smaller.facts, larger.facts) and _sharpness_lead(smaller, larger) >= MUCH_SHARPER:
        return "the larger picture is far less sharp: it may have been blurred or enlarged"
    return None


def _only_first_loss_is_unknown(one: Assessed, other: Assessed) -> bool:
    return one.quality.compression is None and other.quality.compression is not None


def _only_first_is_lossless(one: Assessed, other: Assessed) -> bool:
    return one.facts.format in LOSSLESS and not one.quality.shows_an_earlier_save and other.facts.format not in LOSSLESS


def _sharpness_lead(left: Assessed, right: Assessed) -> float:
    if left.quality.sharpness is None or right.quality.sharpness is None:
        return 0.0
    return left.quality.sharpness - right.quality.sharpness


def unsure(stays: Assessed, goes: Assessed) -> str | None:
    """Why a person must look before the second goes for the first one's sake, or None."""
    marked = [(each.authenticity.generated or 0.0) >= CALLED for each in (stays, goes)]
    if marked[0] != marked[1]:
        return MARKED
    same_pixels = stays.facts.pixel_hash == goes.facts.pixel_hash
    if same_pixels and goes.quality.metadata_kept and stays.quality.metadata_kept is False:
        return STRIPPED
    if not differ_in_size(stays.facts, goes.facts):
        return UNKNOWN_LOSS if _only_first_loss_is_unknown(stays, goes) else None
    if None in (stays.quality.effective_megapixels, goes.quality.effective_megapixels):
        return NO_MORE_DETAIL
    more = doublings_of_detail(stays, goes)
    if stays.facts.megapixels > goes.facts.megapixels:
        surely = more > SURELY_MORE and _holds_its_pixels(stays, goes, more)
        return None if surely or _is_coarse_beside(goes, stays) else NO_MORE_DETAIL
    # A larger one that is plainly enlarged goes for the one it may have been made from.
    is_enlarged = (goes.quality.enlargement or 1.0) >= ENLARGED and more > -DETAIL_NOISE
    return None if (more > SURELY_MORE or is_enlarged) and _is_softened(goes, stays) else NO_MORE_DETAIL


def _is_softened(larger: Assessed, smaller: Assessed) -> bool:
    """Whether the larger of two is as much softer as enlarging makes it: lines of a drawing, too, may read as a trace."""
    softer = more_variance(smaller.quality, larger.quality)
    return softer is not None and softer >= SOFTENED * _doublings_of_pixels(larger, smaller)


def _is_coarse_beside(smaller: Assessed, larger: Assessed) -> bool:
    """Whether the smaller is a coarse save of far fewer pixels: enlarged and saved finely or not, it is no loss."""
    here, there = smaller.quality.compression, larger.quality.compression
    far_fewer = larger.facts.megapixels >= FAR_LARGER * smaller.facts.megapixels
    return far_fewer and here is not None and there is not None and here <= COARSE and there - here >= FINER


def _holds_its_pixels(larger: Assessed, smaller: Assessed, more: float) -> bool:
    """Whether the larger of two shows as much more as its pixels could: else it may be an enlargement that is read as less
    of one than it is.
    """
    pixels = _doublings_of_pixels(larger, smaller)
    softer = more_variance(smaller.quality, larger.quality) or 0.0
    return more >= HOLDS * pixels and softer <= NO_SOFTER * pixels


def _doublings_of_pixels(larger: Assessed, smaller: Assessed) -> float:
    return math.log2(megapixels_within_frame(larger) / megapixels_within_frame(smaller))


def is_other_way(direction: Direction, *, query_goes: bool) -> bool:
    """Whether the one that would stay was made from the one that would go, as far as a check tells."""
    return direction is (Direction.REFERENCE_FROM_QUERY if query_goes else Direction.QUERY_FROM_REFERENCE)
