"""What must be so before one copy goes for another's sake without anybody's look."""

import pytest

from service.domain.choosing import choose
from service.domain.lead import Lead
from service.domain.letting_go import (
    FADED,
    LOSSLESS_GOES,
    MARKED,
    NO_MORE_DETAIL,
    STRIPPED,
    UNKNOWN_LOSS,
    asks,
    is_other_way,
    lost_unseen,
    unsure,
)
from service.domain.policy import DEFAULT
from service.domain.values import Direction, Relation

ORIGINAL = {"width": 2000, "height": 1500, "effective_megapixels": 2.9, "enlargement": 1.0}


@pytest.mark.parametrize(
    ("stays", "goes", "why"),
    [
        ({}, {}, None),
        ({}, {"width": 1000, "height": 750, "effective_megapixels": 0.75}, None),
        ({}, {"width": 4000, "height": 3000, "effective_megapixels": 2.9, "enlargement": 2.0, "sharpness": 0.1}, None),
        # As sharp as the smaller one, it was not enlarged, whatever its lines read as.
        ({}, {"width": 4000, "height": 3000, "effective_megapixels": 2.9, "enlargement": 2.0}, NO_MORE_DETAIL),
        ({}, {"width": 4000, "height": 3000, "effective_megapixels": 1.4, "enlargement": 3.0}, NO_MORE_DETAIL),
        # Enlarged by a tenth and by a third: all that is there is there in both.
        ({"width": 2200, "height": 1650, "effective_megapixels": 3.4}, {}, NO_MORE_DETAIL),
        ({"width": 2660, "height": 1995, "effective_megapixels": 2.9, "enlargement": 1.3}, {}, NO_MORE_DETAIL),
        ({}, {"width": 2200, "height": 1650, "effective_megapixels": 3.4}, NO_MORE_DETAIL),
        # Far larger, and without the detail of its pixels: an enlargement by two may read as one by 1.4.
        ({}, {"width": 1000, "height": 750, "effective_megapixels": 2.4}, NO_MORE_DETAIL),
        (
            {"effective_megapixels": 1.5, "enlargement": 1.4},
            {"width": 1000, "height": 750, "effective_megapixels": 0.75},
            NO_MORE_DETAIL,
        ),
        # Or far softer than the smaller one, whatever is read of it.
        (
            {"sharpness": 0.2},
            {"width": 1000, "height": 750, "effective_megapixels": 0.75, "sharpness": 0.7},
            NO_MORE_DETAIL,
        ),
        ({"sharpness": 0.4}, {"width": 1000, "height": 750, "effective_megapixels": 0.75, "sharpness": 0.5}, None),
        # Too small to read the detail of either, or of one: more pixels may be an enlargement's.
        (
            {"width": 140, "height": 112, "effective_megapixels": None},
            {"width": 100, "height": 80, "effective_megapixels": None},
            NO_MORE_DETAIL,
        ),
        ({}, {"width": 100, "height": 75, "effective_megapixels": None}, NO_MORE_DETAIL),
        ({"effective_megapixels": None}, {"effective_megapixels": None}, None),
        ({"generated": None}, {"generated": 1.0}, MARKED),
        ({"generated": 1.0}, {"generated": 1.0}, None),
        # A coarse save of a quarter of the pixels is nobody's original.
        ({"compression": 0.95}, {"width": 1000, "height": 750, "effective_megapixels": 2.4, "compression": 0.3}, None),
        (
            {"compression": 0.95},
            {"width": 1000, "height": 750, "effective_megapixels": 2.4, "compression": 0.8},
            NO_MORE_DETAIL,
        ),
        ({"compression": None}, {"compression": 0.8}, UNKNOWN_LOSS),
        ({"compression": 0.8}, {"compression": None}, None),
        ({"metadata_kept": False}, {"metadata_kept": True}, STRIPPED),
        ({"metadata_kept": True}, {"metadata_kept": False}, None),
        ({"metadata_kept": None}, {"metadata_kept": True}, None),
    ],
)
def test_who_goes_is_surely_no_more_than_who_stays(a_picture, stays, goes, why):
    """Where detail or a mark could have led the weighing astray, somebody looks."""
    assert unsure(a_picture(**ORIGINAL | stays), a_picture(**ORIGINAL | goes)) == why


@pytest.mark.parametrize("query_goes", [True, False])
def test_what_was_made_from_the_other_does_not_outlive_it_unseen(query_goes):
    """As far as a check tells who was made from whom."""
    against = Direction.REFERENCE_FROM_QUERY if query_goes else Direction.QUERY_FROM_REFERENCE
    assert is_other_way(against, query_goes=query_goes)
    assert not any(is_other_way(one, query_goes=query_goes) for one in Direction if one is not against)


@pytest.mark.parametrize(
    ("stays", "goes", "relation", "must_ask"),
    [
        ({}, {"compression": 0.5}, Relation.REENCODED, False),
        ({}, {"compression": 0.5}, Relation.EDITED, True),
        ({"compression": 0.5}, {}, Relation.REENCODED, True),
        ({}, {}, Relation.REENCODED, False),
        ({}, {"kind": "PNG"}, Relation.REENCODED, True),
        ({"kind": "PNG"}, {}, Relation.SAME_PIXELS, False),
        ({"compression": None}, {}, Relation.REENCODED, True),
        ({}, {"animated": True}, Relation.REENCODED, True),
    ],
)
def test_who_may_go_unseen_is_one_question_for_all(a_picture, stays, goes, relation, must_ask):
    """By the leads, by the relation, by what cannot be compared."""
    plain = ORIGINAL | {"compression": 0.9}
    one, other = a_picture(**plain | stays), a_picture(**plain | goes)
    choice = choose([one, other], {}, DEFAULT)
    leads = choice.leads[1] if choice.keeper == 0 else [lead._replace(weight=-lead.weight) for lead in choice.leads[0]]
    assert asks(relation, one, other, leads, DEFAULT) is must_ask


def test_who_came_later_needs_a_clear_lead(a_picture):
    """Else nothing speaks for it but that it is newer."""
    one, other = a_picture(**ORIGINAL), a_picture(**ORIGINAL)
    assert not asks(Relation.REENCODED, one, other, (), DEFAULT)
    assert asks(Relation.REENCODED, one, other, (), DEFAULT, came_later=True)


@pytest.mark.parametrize(
    ("stays", "goes", "why"),
    [
        ({}, {}, None),
        ({"compression": None, "kind": "WEBP"}, {"compression": 0.6}, UNKNOWN_LOSS),
        ({"compression": 0.6}, {"compression": None, "kind": "WEBP"}, None),
        ({"compression": None}, {"compression": None}, None),
        ({}, {"kind": "PNG"}, LOSSLESS_GOES),
        ({"colourfulness": 0.0}, {"colourfulness": 0.3}, FADED),
        ({"colourfulness": 0.3}, {"colourfulness": 0.0}, None),
        ({"colourfulness": 0.0}, {"colourfulness": 0.01}, None),
    ],
)
def test_what_two_pictures_alone_do_not_tell_is_asked(a_picture, stays, goes, why):
    """Nothing says here whether one is an edit of the other, so what could be lost is looked for."""
    plain = ORIGINAL | {"compression": 0.9}
    assert lost_unseen(a_picture(**plain | stays), a_picture(**plain | goes), (), DEFAULT) == why


def test_a_clear_lead_outweighs_a_loss_that_is_not_known(a_picture):
    """Four times the pixels in WebP stay for the sake of nobody's JPEG; colours are no matter of leads."""
    plain = ORIGINAL | {"compression": 0.9}
    ahead = (Lead("detail", 1.0, "has 4.00 times the real detail"),)
    webp, small = a_picture(**plain | {"compression": None}), a_picture(**plain)
    assert lost_unseen(webp, small, ahead, DEFAULT) is None
    grey, coloured = a_picture(**plain, colourfulness=0.0), a_picture(**plain, colourfulness=0.3)
    assert lost_unseen(grey, coloured, ahead, DEFAULT) == FADED
