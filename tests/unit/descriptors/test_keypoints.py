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
    assert np.quantile(lengths, 0.02) > 0.95
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
    assert first == pytest.approx([-11.8, -2.9, -9.4, 0.1, 6.5, -4.8], abs=0.5)
