"""Pixels to local features."""

import hashlib

import cv2
import numpy as np
import pytest

from service.descriptors import keypoints
from service.descriptors.keypoints import MOST_ASKED, extract
from service.domain.keypoints import CODE_SCALE, MOST_KEPT


def agreeing(left, right):
    """Share of the left features whose most alike feature lies in the same place, turned the same way."""
    best = (left.codes.astype(np.float32) @ right.codes.astype(np.float32).T).argmax(axis=1)
    near = np.linalg.norm(left.places - right.places[best], axis=1) < 0.01
    alike = np.cos(left.angles - right.angles[best]) > 0.95
    return (near & alike).mean()


def known_again(page, original, corner, side):
    """How many features of a page of 512 pixels show the same spot of a square picture that lies on it."""
    inside = (page.places * 512 - np.array(corner)) / side
    best = (page.codes.astype(np.float32) @ original.codes.astype(np.float32).T).argmax(axis=1)
    return int((np.linalg.norm(inside - original.places[best], axis=1) < 0.02).sum())


def test_there_are_no_more_than_asked_for_and_the_most_telling_come_first(astronaut):
    """The features kept of a reference are the first of those that a query is asked with."""
    few, _ = extract(astronaut, MOST_KEPT)
    many, _ = extract(astronaut, MOST_ASKED)
    assert len(few) == MOST_KEPT
    assert MOST_KEPT < len(many) <= MOST_ASKED
    assert agreeing(few, many.first(MOST_KEPT)) > 0.99


def test_codes_are_unit_vectors(astronaut):
    """Times the scale, but for what was rounded or cut off."""
    lengths = np.linalg.norm(extract(astronaut, MOST_KEPT)[0].codes.astype(np.float32), axis=1) / CODE_SCALE
    assert np.quantile(lengths, 0.02) > 0.94
    assert lengths.max() < 1.01


def test_the_mirror_image_is_known_without_being_looked_at(coffee):
    """Its features, had by reordering, lie where those of the mirrored pixels lie."""
    _, mirrored = extract(coffee, MOST_KEPT)
    looked_at, _ = extract(np.ascontiguousarray(coffee[:, ::-1]), MOST_KEPT)
    assert agreeing(mirrored, looked_at) > 0.7
    plain, _ = extract(coffee, MOST_KEPT)
    assert agreeing(plain, looked_at) < 0.1


def test_a_smaller_copy_has_the_same_features(coffee):
    """Places and sizes are shares of the longer side."""
    smaller = cv2.resize(coffee, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    assert agreeing(extract(smaller, MOST_KEPT)[0], extract(coffee, MOST_ASKED)[0]) > 0.6


@pytest.mark.parametrize("shape", [(40, 60, 3), (1, 300, 3), (16, 16, 3)])
def test_a_picture_without_detail_has_none(shape):
    """And nothing breaks on it, whatever its shape."""
    plain, mirrored = extract(np.full(shape, 127, np.uint8), MOST_KEPT)
    assert len(plain) == len(mirrored) == 0


def test_another_basis_is_refused(monkeypatch):
    """Features of two bases must never be compared."""
    monkeypatch.setattr(keypoints, "BASIS_SHA256", hashlib.sha256(b"another").hexdigest())
    keypoints.basis.cache_clear()
    with pytest.raises(RuntimeError, match="keypoint_basis"):
        keypoints.basis()


def test_first_numbers_are_pinned(astronaut):
    """Whatever moves them must raise the revision."""
    plain, _ = extract(astronaut, MOST_KEPT)
    first = plain.codes[:, :6].astype(np.float64).mean(axis=0)
    assert first == pytest.approx([-4.5, -5.3, -8.5, 2.1, 4.2, -0.8], abs=0.5)


def test_a_small_inset_is_looked_at_by_itself(astronaut, resized):
    """On a large page it has next to no features else, and where they lie is told as of the whole."""
    page = np.full((512, 400, 3), 250, np.uint8)
    small = resized(astronaut, 110 / astronaut.shape[0])
    tall, wide = small.shape[:2]
    page[300 : 300 + tall, 140 : 140 + wide] = small
    box = (140 / 400, 300 / 512, (140 + wide) / 400, (300 + tall) / 512)
    from_afar, _ = extract(page, MOST_ASKED)
    closely, mirrored = extract(page, MOST_ASKED, [box])
    original, _ = extract(astronaut, MOST_KEPT)
    assert known_again(closely, original, (140, 300), tall) > 2 * known_again(from_afar, original, (140, 300), tall)
    added = closely.places[len(from_afar) :] * 512
    assert ((added > [139, 299]) & (added < [141 + wide, 301 + tall])).all()
    assert mirrored.places[:, 0] == pytest.approx(400 / 512 - closely.places[:, 0], abs=1e-5)


def test_a_large_inset_is_seen_well_enough_already(astronaut):
    """It would cost as much as the whole picture once more."""
    plain, _ = extract(astronaut, MOST_KEPT)
    assert len(extract(astronaut, MOST_KEPT, [(0.0, 0.0, 0.9, 0.9)])[0]) == len(plain)
