"""Criteria for removal sets: what agrees, and that the bounds in front of them lose nothing."""

import itertools
from contextlib import closing, contextmanager

import cv2
import numpy as np
import pytest

from service.compare import appearance
from service.descriptors.hashes import frequencies, hamming
from service.workflows.columns import Shelf
from service.workflows.matchers import (
    APPEARANCE_THRESHOLD,
    LAID_ON,
    LIGHT,
    UNLIKE,
    ByAppearance,
    ByHash,
    BySceneChange,
    most_differing,
    pairs,
)


@pytest.fixture(scope="module")
def album(photographs):
    """Photographs, each with copies of several strengths: some agree by one criterion, some by none."""
    made = []
    for name in ("astronaut", "coffee", "chelsea", "rocket", "gravel"):
        picture = photographs[name]
        height, width, _ = picture.shape
        made += [
            picture,
            cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
            np.clip(picture * 0.85 + 20, 0, 255).astype(np.uint8),
            picture[height // 40 :, : -width // 40],
            picture[height // 8 :, : -width // 8],
            np.ascontiguousarray(picture[:, ::-1]),
            cv2.GaussianBlur(picture, (0, 0), 3),
        ]
    return made


@contextmanager
def filled(matcher, pictures, groups=None):
    for number, picture in enumerate(pictures):
        matcher.add(picture, groups[number] if groups else "")
    yield matcher
    matcher.close()


def agreeing(matcher, pictures, groups=None):
    with filled(matcher, pictures, groups):
        return {(one, other): agreed for one, other, agreed in pairs(matcher, len(pictures))}


@pytest.mark.parametrize("threshold", [0.5, 0.65, 0.8, APPEARANCE_THRESHOLD, 0.95, 0.99])
def test_appearance_finds_the_very_pairs_of_the_quadratic_run(album, threshold):
    """Whatever the threshold: below 0.60 no bound on the bits is left, and all are looked at."""
    looks = [appearance.look(picture) for picture in album]
    expected = {
        (one, other): combined
        for one, other in itertools.combinations(range(len(album)), 2)
        if (combined := appearance.compare(looks[one], looks[other]).combined) >= threshold
    }
    found = agreeing(ByAppearance(threshold), album)
    assert found.keys() == expected.keys()
    assert found == pytest.approx(expected, abs=1e-6)
    assert expected


def test_the_bound_spares_most_looks(album):
    """Else it would be no bound."""
    with filled(ByAppearance(), album) as matcher:
        looked_at = sum(len(matcher.candidates(one)) for one in range(len(album)))
    assert looked_at < len(album) * (len(album) - 1) / 4


@pytest.mark.parametrize(("threshold", "bits"), [(0.5, 256), (0.60, 256), (0.61, 51), (0.90, 51), (0.95, 32), (1.0, 0)])
def test_bits_that_may_differ(threshold, bits):
    """The contract's 51 at the default; more would have h = 0, and then nothing above 0.60 is reached."""
    assert most_differing(threshold) == bits


@pytest.mark.parametrize("max_distance", [0, 10, 31, 60])
def test_hash_finds_the_very_pairs_of_the_quadratic_run(album, max_distance):
    codes = [frequencies(picture).phash() for picture in album]
    expected = {
        (one, other): distance
        for one, other in itertools.combinations(range(len(album)), 2)
        if (distance := hamming(codes[one], codes[other])) <= max_distance
    }
    assert agreeing(ByHash(max_distance), album) == expected


def test_flat_pictures_agree_by_no_hash():
    """Two blank pages are no copies for being blank."""
    with filled(ByHash(), [np.full((90, 120, 3), level, np.uint8) for level in (0, 0, 255)]) as matcher:
        assert list(pairs(matcher, 3)) == []
        assert matcher.agreement(0, 1) is None


@pytest.fixture
def frames(photographs):
    """A yard, the same with noise, with somebody in it, and another yard."""
    yard = cv2.resize(photographs["gravel"], (640, 480)) // 2
    noisy = np.clip(yard + np.random.default_rng(2).normal(0, 6, yard.shape), 0, 255).astype(np.uint8)
    visited = yard.copy()
    visited[200:320, 300:360] = 250
    return [yard, noisy, visited, cv2.resize(photographs["brick"], (640, 480))]


def test_frames_agree_where_nothing_happened(frames):
    assert agreeing(BySceneChange(), frames).keys() == {(0, 1)}


def test_what_counts_as_a_change_is_the_callers(frames):
    """A larger change is let pass, or only larger outlines are counted."""
    assert (0, 2) in agreeing(BySceneChange(max_change=20_000), frames)
    assert (0, 2) in agreeing(BySceneChange(min_contour_area=9_000), frames)


@pytest.mark.parametrize("criterion", [ByAppearance, ByHash, BySceneChange])
def test_two_cameras_never_agree(frames, criterion):
    """Even where they show the same."""
    assert agreeing(criterion(), [frames[0]] * 4, ["c10", "c20", "c10", "c20"]).keys() == {(0, 2), (1, 3)}


def test_frames_of_two_shapes_never_agree(frames):
    assert agreeing(BySceneChange(), [frames[0], frames[0][:400]]) == {}


def test_a_shelf_gives_back_what_was_laid_on_it():
    """In any order, while more is added."""
    rows = [np.full((3, 5), level, np.uint8) for level in range(9)]
    shelf = Shelf((3, 5))
    for number, row in enumerate(rows):
        shelf.add(row)
        assert np.array_equal(shelf[number // 2], rows[number // 2])
    assert len(shelf) == 9
    assert all(np.array_equal(shelf[number], row) for number, row in reversed(list(enumerate(rows))))
    shelf.close()


def noted(picture):
    """With a few letters on it."""
    return cv2.putText(picture.copy(), "(c) me", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 255), 1)


def censored(picture):
    """With an eighth of each side made of coarse pixels."""
    made = picture.copy()
    part = made[100:164, 200:264]
    coarse = cv2.resize(part, (5, 5), interpolation=cv2.INTER_AREA)
    made[100:164, 200:264] = cv2.resize(coarse, (64, 64), interpolation=cv2.INTER_NEAREST)
    return made


DOUBTS = {
    "saved anew": (lambda picture, saved: saved(picture, 40), None),
    "smaller": (lambda picture, _: cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), None),
    "darker": (lambda picture, _: np.round(picture * 0.95).astype(np.uint8), LIGHT),
    "noted": (lambda picture, saved: saved(noted(picture), 90), LAID_ON),
    "censored": (lambda picture, saved: saved(censored(picture), 90), LAID_ON),
}


@pytest.mark.parametrize("name", DOUBTS)
@pytest.mark.parametrize("matcher", [ByAppearance, ByHash])
def test_what_is_small_and_agrees_is_doubted(astronaut, saved_as_jpeg, matcher, name):
    """Neither a hash nor a mean sees a few letters."""
    make, why = DOUBTS[name]
    with closing(matcher()) as found:
        found.add(astronaut)
        found.add(make(astronaut, saved_as_jpeg))
        assert found.agreement(0, 1) is not None
        assert found.doubt(0, 1) == found.doubt(1, 0) == why


@pytest.mark.parametrize("matcher", [ByAppearance, ByHash])
def test_a_note_in_a_tone_that_nothing_else_has_is_seen(photographs, saved_as_jpeg, matcher):
    """The light in which the one becomes the other explains it away, and in the other direction it does not."""
    dark = (photographs["chelsea"] * 0.4).astype(np.uint8)
    with closing(matcher()) as found:
        found.add(dark)
        found.add(saved_as_jpeg(noted(dark), 92))
        assert found.doubt(0, 1) == found.doubt(1, 0) == LAID_ON


def test_two_that_differ_in_many_places_are_doubted(astronaut):
    """Another shot of a scene comes as near as a copy does by its mean."""
    moved = np.roll(astronaut, 6, axis=1)
    with closing(ByAppearance(0.5)) as found:
        found.add(astronaut)
        found.add(moved)
        assert found.doubt(0, 1) == UNLIKE
