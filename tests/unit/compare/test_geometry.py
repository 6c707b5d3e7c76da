"""One map that carries a query onto a reference."""

import cv2
import numpy as np
import pytest

from service.compare.geometry import LEAST_PAIRS, _affine, align, carried, fitted
from service.descriptors.keypoints import MOST_ASKED, extract
from service.domain.keypoints import MOST_KEPT


def aligned(query, reference):
    return align(*extract(np.ascontiguousarray(query), MOST_ASKED), extract(reference, MOST_KEPT)[0])


def seen_through(picture, matrix, size=None):
    """The picture as the map from its pixels to the query's makes it."""
    height, width = picture.shape[:2]
    return cv2.warpPerspective(picture, np.float64(matrix), size or (width, height), borderValue=(90, 120, 60))


def furthest(found, matrix, query, reference):
    """How far the map puts the query's inner points from where they truly are, in longer sides of the reference."""
    here, there = max(query.shape[:2]), max(reference.shape[:2])
    points = np.array([[x, y] for x in (0.3, 0.5, 0.7) for y in (0.3, 0.5, 0.7)])
    pixels = points * np.array([query.shape[1], query.shape[0]])
    truly = carried(np.linalg.inv(np.float64(matrix)), pixels) / there
    return np.linalg.norm(carried(found.matrix, pixels / here) - truly, axis=1).max()


def turn(picture, degrees, scale=1.0):
    height, width = picture.shape[:2]
    return np.vstack([cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale), [0, 0, 1]])


MAPS = {
    "turned": lambda p: turn(p, 33),
    "upside down": lambda p: turn(p, 180),
    "smaller": lambda p: turn(p, 0, 0.4),
    "stretched": lambda _: np.array([[1.0, 0, 0], [0, 0.6, 0], [0, 0, 1]]),
    "sheared": lambda _: np.array([[1.0, 0.25, -40], [0, 1, 0], [0, 0, 1]]),
    "aslant": lambda _: np.array([[0.9, 0.1, 5], [-0.05, 0.8, 30], [4e-4, -2e-4, 1]]),
    "cropped": lambda _: np.array([[2.0, 0, -200], [0, 2, -150], [0, 0, 1]]),
}


@pytest.mark.parametrize("name", MAPS)
def test_the_map_of_an_edited_copy_is_found(photographs, name):
    """Within a hundredth of the picture."""
    for picture in (photographs["astronaut"], photographs["coffee"]):
        matrix = MAPS[name](picture)
        query = seen_through(picture, matrix)
        found = aligned(query, picture)
        assert found.inliers > 15
        assert not found.mirrored
        assert furthest(found, matrix, query, picture) < 0.012


def test_a_mirrored_copy_is_laid_the_right_way(coffee):
    """The map itself turns it over."""
    mirror = np.array([[-1.0, 0, coffee.shape[1]], [0, 1, 0], [0, 0, 1]])
    found = aligned(coffee[:, ::-1], coffee)
    assert found.mirrored
    assert furthest(found, mirror, coffee, coffee) < 0.005


def test_a_copy_pasted_small_into_another_picture_is_found(photographs):
    """Its features are a few among those of the other."""
    page = photographs["coffee"].copy()
    small = cv2.resize(photographs["astronaut"], (150, 150), interpolation=cv2.INTER_AREA)
    page[150:300, 300:450] = small
    found = aligned(page, photographs["astronaut"])
    middle = carried(found.matrix, np.array([[375, 225]]) / max(page.shape[:2]))
    assert middle[0] == pytest.approx([0.5, 0.5], abs=0.02)


def test_strangers_share_too_few(photographs):
    """Ninety pairs of photographs: a map that carries more than a handful would be chance."""
    features = {name: extract(picture, MOST_ASKED) for name, picture in photographs.items()}
    names = sorted(set(features) - {"brick", "grass", "gravel"})[:10]
    for left in names:
        for right in names:
            found = align(*features[left], features[right][0].first(MOST_KEPT)) if left != right else None
            assert found is None or found.inliers < 8, (left, right, found.inliers)


def test_a_picture_without_features_is_laid_on_nothing(astronaut):
    """Nor anything on it."""
    flat = np.full((200, 200, 3), 60, np.uint8)
    assert aligned(flat, astronaut) is None
    assert aligned(astronaut, flat) is None


def test_the_same_question_has_the_same_answer(coffee):
    """Nothing is drawn by chance."""
    query = seen_through(coffee, turn(coffee, 12))
    first, second = aligned(query, coffee), aligned(query, coffee)
    assert (first.matrix == second.matrix).all()
    assert first.inliers == second.inliers >= LEAST_PAIRS


def test_a_fitted_map_forgets_the_spots_that_lie_far_off():
    """A fifth of wrong spots does not move it."""
    rng = np.random.default_rng(1)
    here = rng.random((50, 2), np.float32)
    truth = np.array([[0.8, 0.1, 0.05], [-0.1, 0.9, 0.1], [0, 0, 1]])
    there = carried(truth, here).astype(np.float32)
    there[:10] += 0.2
    start = truth + np.array([[0.01, 0, 0.01], [0, -0.01, 0], [0, 0, 0]])
    assert fitted(here, there, start) == pytest.approx(truth, abs=1e-3)


def test_spots_of_one_row_leave_the_map_as_it_was():
    """They say nothing of the other direction, and a flat map has no way back."""
    first = np.array([[1.1, 0, 0.02], [0, 1.1, 0.03], [0, 0, 1]])
    along = np.linspace(0, 1, 12)
    row = np.stack([along, np.full(12, 0.4)], axis=1).astype(np.float32)
    there = row * np.float32(1.2)
    assert np.array_equal(fitted(row, there, first), first)
    there[:, 1] = np.linspace(0.2, 0.9, 12)
    assert np.array_equal(fitted(there, row, first), first)


def test_an_affine_map_is_the_one_of_least_squares():
    """Against numpy's own solver."""
    dice = np.random.default_rng(5)
    here = dice.random((40, 2)).astype(np.float32)
    there = (here @ dice.normal(size=(2, 2)) + 0.3 + 0.01 * dice.normal(size=(40, 2))).astype(np.float32)
    rows, *_ = np.linalg.lstsq(np.hstack([here, np.ones((40, 1))]), there.astype(np.float64), rcond=None)
    assert np.allclose(_affine(here, there)[:2], rows.T, atol=1e-6)
