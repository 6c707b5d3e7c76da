"""From evidence to a word: the borders of every rule."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.domain.values import Edit, OperatingPoint, Relation, VerdictKind
from service.domain.verdict import (
    CONTRADICTED,
    EVEN_ODDS,
    FITTED,
    FRAME_FEATURES,
    GEOMETRY_FEATURES,
    LEAST_AGREEMENT,
    LEAST_INLIERS,
    LEAST_SHOWN,
    MOST_COVERED,
    MOST_LOCAL_CHANGE,
    MOST_PAGE_CHANGE,
    PAGE_PAPER,
    SAME_TONES,
    Signals,
    agrees_in_part_alone,
    could_be_copies,
    decide,
    differs_as_a_page,
    frame_features,
    geometry_features,
    is_registered,
    is_sibling,
    relation_of,
    settled,
)

EVERY_POINT = pytest.mark.parametrize("point", OperatingPoint)


def below(number):
    return math.nextafter(number, -math.inf)


def test_a_stricter_operating_point_asks_for_more():
    """All lie above even odds and below certainty."""
    points = FITTED.operating_points
    assert set(points) == set(OperatingPoint)
    assert (
        EVEN_ODDS < points[OperatingPoint.LOOSE] < points[OperatingPoint.BALANCED] < points[OperatingPoint.STRICT] < 1.0
    )


@EVERY_POINT
def test_at_the_operating_point_it_is_a_duplicate_and_just_below_uncertain(point):
    """The border itself belongs to the duplicates, as CONTRACT says."""
    border = FITTED.operating_points[point]
    assert decide(border, point, FITTED) is VerdictKind.DUPLICATE
    assert decide(below(border), point, FITTED) is VerdictKind.UNCERTAIN


@EVERY_POINT
def test_even_odds_are_uncertain_and_anything_less_is_unique(point):
    """No match at all counts as probability 0."""
    assert decide(EVEN_ODDS, point, FITTED) is VerdictKind.UNCERTAIN
    assert decide(below(EVEN_ODDS), point, FITTED) is VerdictKind.UNIQUE
    assert decide(0.0, point, FITTED) is VerdictKind.UNIQUE


@EVERY_POINT
def test_a_perfect_look_alike_reaches_every_operating_point(point):
    """Otherwise a re-encoding could never be called a duplicate there."""
    perfect = Signals(0, (1.0, 1.0))
    assert decide(FITTED.probability(perfect), point, FITTED) is VerdictKind.DUPLICATE


@given(
    distance=st.integers(0, 256),
    glance=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    inliers=st.integers(0, 600),
    fine=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    steady=st.integers(0, 256),
    shown=st.floats(0, 1),
)
def test_a_fitted_probability_is_never_certain(distance, glance, inliers, fine, steady, shown):
    """Only equal bytes or pixels are: whatever was seen, it stays inside 0..1."""
    signals = Signals(distance, glance, inliers, *fine, steady, shown)
    assert 0.0 < FITTED.probability(signals) < 1.0


@pytest.mark.parametrize("index", range(len(FRAME_FEATURES)))
def test_every_feature_of_the_frames_speaks_for_a_copy(index):
    """More of it never makes a copy less likely: the bound that spares strangers a look rests on this."""
    seen = [0.5] * len(FRAME_FEATURES)
    more = [*seen[:index], 0.9, *seen[index + 1 :]]
    assert FITTED.frames.probability(more) > FITTED.frames.probability(seen)


@pytest.mark.parametrize("index", range(len(GEOMETRY_FEATURES)))
def test_every_feature_of_geometry_speaks_for_a_copy(index):
    """What a copy has more of than a look-alike never makes it less likely."""
    seen = [0.2] * len(GEOMETRY_FEATURES)
    more = [*seen[:index], 0.6, *seen[index + 1 :]]
    assert FITTED.geometry.probability(more) > FITTED.geometry.probability(seen)


def test_a_map_is_heard_from_a_few_inliers_on():
    """Below, the frames speak alone, whatever the cells say."""
    few, enough = (Signals(200, (0.0, 0.0), count, 1.0, 1.0, 99, 1.0) for count in (LEAST_INLIERS - 1, LEAST_INLIERS))
    assert FITTED.probability(few) < 0.01
    assert FITTED.probability(enough) > FITTED.probability(few)


def test_a_model_refuses_the_wrong_number_of_features():
    """A feature added without a weight must not pass silently."""
    with pytest.raises(ValueError, match="shorter"):
        FITTED.frames.probability([0.5] * (len(FRAME_FEATURES) - 1))


def test_features_come_in_the_order_the_model_was_fitted_on():
    """Half the bits differing reads as 0, none as 1; what geometry does not say is 0."""
    assert len(FITTED.frames.weights) == len(FRAME_FEATURES)
    assert len(FITTED.geometry.weights) == len(GEOMETRY_FEATURES)
    assert frame_features(Signals(128, (0.5, 0.6))) == (0.0, 0.5, 0.6)
    assert frame_features(Signals(0))[0] == 1.0
    proved = geometry_features(Signals(128, inliers=6, tenth=-0.2, fifth=0.1, steady=15, shown=0.125))
    assert proved == pytest.approx((-0.2, 0.1, 0.5, -0.5))
    assert geometry_features(Signals(128, shown=0.0)) == geometry_features(Signals(128, shown=LEAST_SHOWN))


@pytest.mark.parametrize(
    ("inliers", "agreement", "alike", "expected"),
    [
        (LEAST_INLIERS, LEAST_AGREEMENT, 0.0, True),
        (LEAST_INLIERS, below(LEAST_AGREEMENT), EVEN_ODDS, True),
        (LEAST_INLIERS, below(LEAST_AGREEMENT), below(EVEN_ODDS), False),
        (LEAST_INLIERS - 1, 1.0, 1.0, False),
    ],
)
def test_geometry_speaks_where_cells_are_found_or_a_copy_is_likely(inliers, agreement, alike, expected):
    """Under stripes few cells are found, and what lies between them proves the copy all the same."""
    assert is_registered(inliers, agreement, alike) is expected


@pytest.mark.parametrize(
    ("tones", "local", "edits", "probability", "relation"),
    [
        (0.0, 0.0, (), below(EVEN_ODDS), Relation.UNRELATED),
        (99.0, 99.0, (Edit.FLIPPED,), 0.0, Relation.UNRELATED),
        (SAME_TONES, MOST_LOCAL_CHANGE, (), EVEN_ODDS, Relation.REENCODED),
        (math.nextafter(SAME_TONES, 9), 0.0, (), 0.99, Relation.EDITED),
        (0.0, math.nextafter(MOST_LOCAL_CHANGE, 99), (), 0.99, Relation.EDITED),
        (0.0, 0.0, (Edit.FLIPPED,), 0.99, Relation.EDITED),
    ],
)
def test_the_relation_follows_odds_then_edits_then_tones(tones, local, edits, probability, relation):
    """Unlikely is unrelated; a copy without edits and with the same tones everywhere is only saved anew."""
    found = relation_of(tone_distance=tones, local_change=local, edits=edits, probability=probability)
    assert found is relation


def test_evidence_that_contradicts_itself_never_makes_a_duplicate():
    """Alike as a whole and different in one place: an overlay or a template, and not for this version to tell."""
    assert settled(0.99, MOST_LOCAL_CHANGE) == 0.99
    contradicted = settled(0.99, math.nextafter(MOST_LOCAL_CHANGE, 99))
    assert {decide(contradicted, point, FITTED) for point in OperatingPoint} == {VerdictKind.UNCERTAIN}
    assert settled(0.1, 99.0) == 0.1


def test_a_page_that_differs_in_one_spot_is_for_a_person_to_judge():
    """Two documents of one template, or one with a stamp; what covers part of a photograph is an overlay."""
    more = math.nextafter(MOST_PAGE_CHANGE, 99)
    contradicted = differs_as_a_page(0.99, PAGE_PAPER, more, 0.01)
    assert {decide(contradicted, point, FITTED) for point in OperatingPoint} == {VerdictKind.UNCERTAIN}
    assert differs_as_a_page(0.99, PAGE_PAPER, MOST_PAGE_CHANGE, 0.0) == 0.99
    assert differs_as_a_page(0.99, below(PAGE_PAPER), 200.0, MOST_COVERED) == 0.99
    assert differs_as_a_page(0.1, 1.0, 200.0, 1.0) == 0.1


@pytest.mark.parametrize(
    ("probability", "inliers", "agreement", "expected"),
    [(0.1, 8, 0.35, True), (EVEN_ODDS, 8, 0.35, False), (0.1, 7, 0.35, False), (0.1, 8, 0.34, False)],
)
def test_one_scene_that_is_no_copy_is_a_sibling(probability, inliers, agreement, expected):
    """A map carries much of it, and yet it is likelier no copy."""
    assert is_sibling(probability, inliers, agreement) is expected


def test_the_bound_never_excludes_what_a_glance_would_call_likelier_a_copy():
    """By the hash alone: whatever the glance shows."""
    rng = np.random.default_rng(0)
    excluded = 0
    for distance, alike, colour in zip(rng.integers(0, 129, 2000), *rng.random((2, 2000)), strict=True):
        likelier = FITTED.probability(Signals(int(distance), (alike, colour))) >= EVEN_ODDS
        bound = could_be_copies(FITTED, int(distance))
        assert likelier <= bound
        excluded += not bound
    assert excluded > 100


def test_what_agrees_in_part_alone_is_left_to_a_person():
    """The same words on two blurred pictures are all that is fine in them."""
    assert agrees_in_part_alone(0.99, in_place=0.5, heard=0.3) == CONTRADICTED
    assert agrees_in_part_alone(0.99, in_place=0.9, heard=0.3) == 0.99
    assert agrees_in_part_alone(0.99, in_place=0.5, heard=0.9) == 0.99
