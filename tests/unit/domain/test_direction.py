"""Who was made from whom: by traces, by size, by what was drawn anew, by how both were saved."""

from dataclasses import replace

import pytest

from service.domain.direction import (
    SAME_SIZE,
    Traces,
    differ_in_size,
    direction_by_saving,
    direction_by_shape,
    direction_by_size,
    direction_by_softness,
    direction_by_traces,
    direction_of,
    direction_of_match,
)
from service.domain.traces import Surface
from service.domain.values import Direction, Edit, Relation

LATER, EARLIER, UNKNOWN = Direction.QUERY_FROM_REFERENCE, Direction.REFERENCE_FROM_QUERY, Direction.UNKNOWN


def tones(**differing):
    """Surfaces that are alike but for what is named."""
    alike = dict.fromkeys(Surface.__dataclass_fields__, 0.0) | {"query_spread": 50.0, "reference_spread": 50.0}
    return Surface(**alike | {"query_chroma": 40.0, "reference_chroma": 40.0, "detail": 1.0} | differing)


@pytest.fixture
def judged(a_picture):
    """A picture of which these numbers were read."""

    def judge(width=1000, height=800, **quality):
        made = a_picture(width, height)
        return replace(made, quality=replace(made.quality, **quality))

    return judge


@pytest.mark.parametrize(
    ("edits", "query_overlap", "reference_overlap", "direction"),
    [
        ((Edit.CROPPED,), 1.0, 0.5, LATER),
        ((Edit.COMPOSITED,), 0.3, 1.0, LATER),
        ((Edit.CROPPED,), 0.5, 1.0, UNKNOWN),
        ((Edit.FLIPPED,), 1.0, 1.0, UNKNOWN),
        ((), 1.0, 1.0, UNKNOWN),
    ],
)
def test_what_takes_away_or_lies_around_was_done_to_the_query(edits, query_overlap, reference_overlap, direction):
    """A mirror tells nothing of who came first."""
    assert direction_by_traces(Traces(edits, query_overlap, reference_overlap, tones())) is direction


@pytest.mark.parametrize(
    ("differing", "direction"),
    [
        ({"query_crushed": 3.0}, LATER),
        ({"reference_crushed": 3.0}, EARLIER),
        ({"query_crushed": 3.0, "query_spread": 80.0}, LATER),
        ({"query_crushed": 3.0, "reference_crushed": 2.0}, UNKNOWN),
        ({"query_spread": 30.0}, LATER),
        ({"reference_spread": 30.0}, EARLIER),
        ({"query_chroma": 20.0}, LATER),
        ({"reference_chroma": 20.0}, EARLIER),
        ({"query_chroma": 0.02, "reference_chroma": 0.05}, UNKNOWN),
        ({}, UNKNOWN),
    ],
)
def test_light_and_colour_that_are_gone_tell_who_had_them_first(differing, direction):
    """What is cut off weighs most; and it says nothing of a mirror image."""
    assert direction_by_traces(Traces((Edit.RECOLOURED,), 1.0, 1.0, tones(**differing))) is direction
    assert direction_by_traces(Traces((Edit.FLIPPED,), 1.0, 1.0, tones(**differing))) is UNKNOWN


@pytest.mark.parametrize("relation", [Relation.IDENTICAL, Relation.SAME_PIXELS])
def test_equal_pixels_have_the_same_detail(a_picture, relation):
    """There is no direction between a thing and itself."""
    facts = a_picture().facts
    assert direction_of(facts, facts, relation) is Direction.SAME_DETAIL


@pytest.mark.parametrize("relation", [Relation.REENCODED, Relation.EDITED])
def test_the_smaller_copy_comes_from_the_larger(a_picture, relation):
    """A copy seldom has more pixels than its source."""
    small, large = a_picture(500, 400).facts, a_picture(1000, 800).facts
    assert direction_of(small, large, relation) is LATER
    assert direction_of(large, small, relation) is EARLIER


@pytest.mark.parametrize(
    ("of_the_large", "of_the_small", "direction"),
    [
        (1.9, 1.0, LATER),
        (1.9, 1.9, EARLIER),
        (1.0, 1.0, EARLIER),
        (None, 1.0, EARLIER),
    ],
)
def test_an_enlarged_copy_comes_from_the_smaller_one(a_picture, of_the_large, of_the_small, direction):
    """Told by its detail; where both are soft, or nobody looked, by size alone."""
    large, small = (
        replace(made, quality=replace(made.quality, enlargement=enlargement))
        for made, enlargement in ((a_picture(1000, 800), of_the_large), (a_picture(500, 400), of_the_small))
    )
    assert direction_by_size(large, small, Relation.EDITED) is direction


def test_copies_of_one_size_have_no_known_direction(a_picture):
    """A little cropped or rounded away counts as one size."""
    assert direction_of(a_picture(1000, 800).facts, a_picture(990, 800).facts, Relation.EDITED) is UNKNOWN


def test_strangers_have_no_direction_whatever_their_sizes(a_picture):
    """Nothing was made from anything."""
    assert direction_of(a_picture(10, 10).facts, a_picture(999, 999).facts, Relation.UNRELATED) is UNKNOWN


def test_sizes_differ_beyond_the_tolerance_only(a_picture):
    """And the order of asking does not matter."""
    border = 1000 * (1 - SAME_SIZE)
    whole, within, beyond = (a_picture(width, 1).facts for width in (1000, round(border + 1), round(border - 1)))
    assert not differ_in_size(whole, within)
    assert not differ_in_size(within, whole)
    assert differ_in_size(whole, beyond)
    assert differ_in_size(beyond, whole)


@pytest.mark.parametrize(("of_the_large", "of_the_small", "direction"), [(3.0, 1.4, LATER), (1.4, 1.0, EARLIER)])
def test_a_larger_one_that_shows_more_is_the_source_however_soft(judged, of_the_large, of_the_small, direction):
    """Enlarged 1.5 times it shows no more than the small one does; a little soft at twice its size it does."""
    side = 1.5 if direction is LATER else 2
    large = judged(int(500 * side), int(400 * side), enlargement=of_the_large)
    small = judged(500, 400, enlargement=of_the_small)
    assert direction_by_size(large, small, Relation.EDITED) is direction


@pytest.mark.parametrize("edit", [Edit.STRETCHED, Edit.PERSPECTIVE])
def test_what_was_drawn_anew_is_the_copy(judged, edit):
    """By the trace that enlarging leaves, or because it is softer; a mirror image is neither."""
    plain, enlarged = judged(enlargement=1.0), judged(enlargement=1.2)
    assert direction_by_shape(enlarged, plain, (edit,), tones()) is LATER
    assert direction_by_shape(plain, enlarged, (edit,), tones()) is EARLIER
    assert direction_by_shape(plain, plain, (edit,), tones(detail=0.8)) is LATER
    assert direction_by_shape(plain, plain, (edit,), tones(detail=1.2)) is EARLIER
    assert direction_by_shape(plain, plain, (edit,), tones()) is UNKNOWN
    assert direction_by_shape(plain, plain, (Edit.FLIPPED,), tones(detail=0.8)) is UNKNOWN


def test_the_sharper_one_is_the_copy_unless_the_other_was_blurred(judged):
    """A blurred one's spectrum ends early, as an enlarged one's does."""
    plain, blurred = judged(enlargement=1.0), judged(enlargement=2.0)
    assert direction_by_shape(plain, plain, (Edit.SHARPENED,), tones(detail=1.5)) is LATER
    assert direction_by_shape(plain, blurred, (Edit.SHARPENED,), tones(detail=1.5)) is EARLIER


def test_what_was_moved_off_its_blocks_is_the_copy(judged):
    """Unless both were, or the other file is too coarse to show it, or nobody looked."""
    moved, still = judged(moved_grid=True, jpeg_quality=95), judged(moved_grid=False, jpeg_quality=95)
    assert direction_by_saving(moved, still) is LATER
    assert direction_by_saving(still, moved) is EARLIER
    assert direction_by_saving(moved, moved) is UNKNOWN
    assert direction_by_saving(moved, judged(moved_grid=False, jpeg_quality=60)) is UNKNOWN
    assert direction_by_saving(moved, judged()) is UNKNOWN


@pytest.mark.parametrize(("quality", "blocking", "direction"), [(40, 0.2, LATER), (40, 0.05, UNKNOWN)])
def test_the_worse_save_whose_blocks_show_is_the_copy(judged, quality, blocking, direction):
    """Without its blocks in the pixels, who knows; and the same the other way round."""
    worse, better = judged(jpeg_quality=quality, blocking=blocking), judged(jpeg_quality=90, blocking=0.05)
    assert direction_by_saving(worse, better) is direction
    assert direction_by_saving(better, worse) is (EARLIER if direction is LATER else UNKNOWN)


def test_traces_are_heard_before_sizes_and_sizes_before_saving(judged):
    """The first that tells is believed."""
    query, reference = judged(500, 400, moved_grid=False), judged(moved_grid=True)
    told = [
        direction_of_match(query, reference, Relation.EDITED, Traces(edits, 1.0, 1.0, tones(reference_crushed=3.0)))
        for edits in ((Edit.RECOLOURED,), ())
    ]
    assert told == [EARLIER, LATER]
    assert (
        direction_of_match(judged(moved_grid=False), reference, Relation.EDITED, Traces((), 1.0, 1.0, tones()))
        is EARLIER
    )


def test_moved_blocks_may_be_those_of_the_worse_save(judged):
    """Mirrored and saved well, a coarse JPEG keeps its blocks, out of place."""
    worse, better = judged(jpeg_quality=60, blocking=0.2), judged(jpeg_quality=95, blocking=0.05, moved_grid=True)
    assert direction_by_saving(worse, better) is UNKNOWN
    assert direction_by_saving(better, worse) is UNKNOWN


def test_what_was_laid_around_the_reference_was_done_to_it():
    """So the query is no crop of it, but what lies within."""
    cut, laid = (Traces((Edit.CROPPED,), 1.0, 0.5, tones(), around) for around in (False, True))
    assert direction_by_traces(cut) is LATER
    assert direction_by_traces(laid) is EARLIER


def test_the_softer_one_is_no_copy_if_it_has_detail_to_the_last_pixel(judged):
    """The other was sharpened, then; a blurred one, or a coarse JPEG, is softer by itself, and so may be a smaller one."""
    sharp, soft = judged(enlargement=1.0), judged(enlargement=2.0)
    assert direction_by_softness(sharp, sharp, (Edit.BLURRED,)) is EARLIER
    assert direction_by_softness(soft, sharp, (Edit.BLURRED,)) is UNKNOWN
    assert direction_by_softness(judged(), sharp, (Edit.BLURRED,)) is UNKNOWN
    assert direction_by_softness(judged(enlargement=1.0, jpeg_quality=50), sharp, (Edit.BLURRED,)) is UNKNOWN
    assert direction_by_softness(judged(500, 400, enlargement=1.0), sharp, (Edit.BLURRED,)) is UNKNOWN
    assert direction_by_softness(sharp, sharp, (Edit.BLURRED, Edit.OVERLAID)) is UNKNOWN
