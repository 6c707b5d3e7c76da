"""The criteria that look at descriptors and at geometry: `similar:builtin` and `copy`."""

import itertools
from contextlib import closing

import numpy as np
import pytest

from service.domain.errors import UnknownSpaceError
from service.domain.likeness import Distance
from service.domain.values import Assessed, Authenticity, OperatingPoint, PictureFacts, Quality
from service.workflows.by_copy import EDIT, ByCopy
from service.workflows.by_space import BySpace
from service.workflows.criteria import CRITERIA, criterion
from service.workflows.described import described
from service.workflows.matchers import MATCHERS, pairs


@pytest.fixture(scope="module")
def album(photographs, resized):
    """Photographs, each beside a half-sized copy; and a flat picture twice."""
    made = []
    for name in ("astronaut", "coffee", "chelsea", "rocket", "gravel"):
        made += [photographs[name], resized(photographs[name], 0.5)]
    return [*made, *(np.full((64, 64, 3), shade, np.uint8) for shade in (90, 91))]


def agreeing(matcher, pictures, groups=None):
    with closing(matcher):
        for number, picture in enumerate(pictures):
            matcher.add(picture, groups[number] if groups else "")
        return {(one, other): agreed for one, other, agreed in pairs(matcher, len(pictures))}


class TestBySpace:
    """One descriptor space alone."""

    @pytest.mark.parametrize("threshold", [-1.0, 0.0, 0.5, 0.9, 0.99])
    def test_it_finds_the_very_pairs_of_the_quadratic_run(self, album, threshold):
        vectors = described(album[:-2]).astype(np.float64)
        expected = {
            (one, other): vectors[one] @ vectors[other]
            for one, other in itertools.combinations(range(len(vectors)), 2)
            if vectors[one] @ vectors[other] >= threshold
        }
        assert agreeing(BySpace(threshold), album) == pytest.approx(expected)

    @pytest.mark.parametrize("similarity", [0.0, 0.5, 0.9])
    def test_both_metrics_name_the_same_pairs(self, album, similarity):
        near = agreeing(BySpace(np.sqrt(2 - 2 * similarity), Distance.EUCLIDEAN), album)
        assert near.keys() == agreeing(BySpace(similarity), album).keys()
        assert all(0 <= distance <= np.sqrt(2 - 2 * similarity) for distance in near.values())

    def test_pictures_of_two_groups_never_agree(self, album):
        groups = [str(number % 2) for number in range(len(album))]
        assert agreeing(BySpace(0.9), album, groups) == {}
        assert agreeing(BySpace(0.9), album)


def known(picture, *, unlike=0):
    """What an assessment says of it, as far as a matcher asks."""
    height, width, _ = picture.shape
    facts = PictureFacts(
        sha256=f"{unlike:064x}",
        format="JPEG",
        width=width,
        height=height,
        bytes=1000,
        pixel_hash=f"{unlike:064x}",
        normalise_version=1,
    )
    return Assessed(facts, Quality(), Authenticity(), too_little_detail=False)


@pytest.fixture
def filled():
    """A matcher with these pictures."""
    with closing(ByCopy()) as matcher:

        def fill(*pictures, groups=None):
            for number, picture in enumerate(pictures):
                matcher.know(known(picture, unlike=number))
                matcher.add(picture, groups[number] if groups else "")
            return matcher

        yield fill


class TestByCopy:
    """Descriptor search and geometric proof."""

    def test_a_resized_copy_agrees_and_nothing_else_does(self, photographs, resized, filled):
        pictures = [photographs["astronaut"], resized(photographs["astronaut"], 0.5), photographs["coffee"]]
        matcher = filled(*pictures)
        assert 1 in matcher.candidates(0)
        assert matcher.agreement(0, 1) > 0.95
        assert matcher.doubt(0, 1) is None
        assert matcher.agreement(0, 2) is None

    def test_a_smaller_turned_copy_may_go_for_its_source(self, photographs, resized, filled):
        whole = photographs["astronaut"]
        matcher = filled(whole, np.ascontiguousarray(resized(whole, 0.5)[:, ::-1]))
        assert matcher.agreement(0, 1) is not None
        assert matcher.doubt(0, 1) is None

    def test_which_of_two_is_captioned_is_for_a_person_to_say(self, photographs, filled):
        """Laid on one another either way."""
        captioned = photographs["astronaut"].copy()
        captioned[420:480, 40:470] = 255
        matcher = filled(photographs["astronaut"], captioned)
        for one, other in ((0, 1), (1, 0)):
            assert matcher.agreement(one, other) is not None
            assert matcher.doubt(one, other) == EDIT

    def test_what_shows_more_than_its_keeper_is_for_a_person(self, photographs, filled):
        """Two crops that overlap: each has something that the other has not."""
        whole = photographs["coffee"]
        width = whole.shape[1]
        matcher = filled(whole[:, : int(0.72 * width)], whole[:, int(0.32 * width) :])
        for one, other in ((0, 1), (1, 0)):
            assert matcher.agreement(one, other) is not None
            assert matcher.doubt(one, other) == EDIT

    def test_a_crop_that_is_finer_than_the_whole_is_for_a_person(self, photographs, resized, filled):
        """It shows less, and better; one that is no finer may go."""
        whole = photographs["coffee"]
        finer, same = whole[60:340, 150:450], resized(whole, 0.6)[36:204, 90:270]
        matcher = filled(resized(whole, 0.6), finer, same)
        assert matcher.agreement(0, 1) is not None
        assert matcher.doubt(0, 1) == EDIT
        assert matcher.agreement(0, 2) is not None
        assert matcher.doubt(0, 2) is None

    def test_a_turned_copy_is_a_candidate(self, photographs, filled):
        whole = photographs["coffee"]
        matcher = filled(whole, np.ascontiguousarray(np.rot90(whole)))
        assert (matcher.candidates(0).tolist(), matcher.candidates(1).tolist()) == ([1], [0])
        assert matcher.agreement(0, 1) is not None

    def test_pictures_of_two_groups_are_no_candidates(self, photographs, resized, filled):
        whole = photographs["astronaut"]
        assert filled(whole, resized(whole, 0.5), groups=["c10", "c20"]).candidates(0).size == 0

    def test_a_stricter_point_asks_for_more(self):
        least = []
        for point in (OperatingPoint.LOOSE, OperatingPoint.BALANCED, OperatingPoint.STRICT):
            with closing(ByCopy(point.value)) as matcher:
                least.append(matcher._least)
        assert least == sorted(set(least))


def test_every_criterion_can_be_made_by_its_name():
    """Those of before under their names."""
    assert MATCHERS.keys() < CRITERIA.keys()
    given = {"similar:builtin": {"threshold": 0.9, "metric": "euclidean"}}
    for name in CRITERIA:
        with closing(criterion(name, given.get(name, {}), {})) as made:
            assert name.startswith(made.name)


def test_an_unknown_space_is_named_with_those_that_are_here():
    """Whoever asks for it learns what to install."""
    with pytest.raises(UnknownSpaceError, match=r"'clip:x'.*builtin"):
        criterion("similar:clip:x", {"threshold": 0.5}, {})
