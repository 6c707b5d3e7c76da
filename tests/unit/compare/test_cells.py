"""Cell by cell: what of a copy is found again, and what is not."""

import cv2
import numpy as np
import pytest

from service.compare.cells import MANY_INLIERS, centres, compare_cells, lay, settle

IDENTITY = np.eye(3)
INLIERS = MANY_INLIERS - 1


def moved(picture, right, down):
    """Its content shifted by so many pixels."""
    shift = np.array([[1.0, 0, right], [0, 1, down]])
    return cv2.warpAffine(picture, shift, (picture.shape[1], picture.shape[0]), borderMode=cv2.BORDER_REFLECT)


def test_a_picture_finds_every_cell_of_itself(photographs):
    """Nothing is pulled anywhere."""
    for name in ("astronaut", "coffee", "chelsea"):
        settled = settle(photographs[name], photographs[name], IDENTITY, INLIERS)
        assert settled.cells.agreement == 1.0
        assert settled.in_place > 0.95


def test_cells_are_found_where_they_went(astronaut):
    """To a quarter of a pixel of the frame, which has half the picture's pixels."""
    laid = lay(moved(astronaut, 3, -2), astronaut, IDENTITY)
    cells = compare_cells(laid)
    inner = cells.found[2:-2, 2:-2]
    shifts = cells.shifts[2:-2, 2:-2][inner]
    assert np.median(shifts, axis=0) == pytest.approx([1.5, -1.0], abs=0.25)


def test_the_map_is_drawn_to_where_the_cells_are(astronaut):
    """A map that is off by a fiftieth of the picture comes back to the truth."""
    off = np.array([[1.01, 0.008, 0.012], [-0.008, 0.99, -0.01], [0, 0, 1]])
    settled = settle(astronaut, astronaut, off, INLIERS)
    assert settled.matrix == pytest.approx(IDENTITY, abs=2e-3)
    assert settled.cells.agreement > 0.95


def test_what_was_laid_on_top_is_not_found(astronaut):
    """The cells under a grey box, and hardly another."""
    covered = astronaut.copy()
    covered[128:256, 192:352] = 128 + 40 * (np.indices((128, 160)).sum(axis=0) // 16 % 2)[..., None]
    settled = settle(covered, astronaut, IDENTITY, INLIERS)
    places = centres(settled.cells) / max(settled.laid.seen.shape)
    under = (np.abs(places - [0.53125, 0.375]) < [0.13, 0.1]).all(axis=2)
    compared = np.isfinite(settled.cells.alike)
    assert not settled.cells.found[under & compared].any()
    assert settled.cells.found[compared & ~under].mean() > 0.9


@pytest.mark.parametrize(
    "edit",
    [
        lambda p: cv2.GaussianBlur(p, (0, 0), 2),
        lambda p: (p * 0.5 + 20).astype(np.uint8),
        lambda p: 255 - (255 - p) // 2,
        lambda p: cv2.imdecode(cv2.imencode(".jpg", p, [cv2.IMWRITE_JPEG_QUALITY, 15])[1], cv2.IMREAD_COLOR),
    ],
)
def test_light_and_compression_change_little(astronaut, edit):
    """Cells are compared by correlation."""
    assert settle(edit(astronaut), astronaut, IDENTITY, INLIERS).cells.agreement > 0.85


def test_strangers_find_next_to_nothing(photographs):
    """Whatever the map says."""
    for left, right in (("astronaut", "coffee"), ("chelsea", "rocket"), ("coffee", "chelsea")):
        settled = settle(photographs[left], photographs[right], IDENTITY, INLIERS)
        assert settled.cells.agreement < 0.2


def test_another_exposure_is_pulled_about(astronaut):
    """Near and far move differently: no one map carries all cells."""
    height, width = astronaut.shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    bent = cv2.remap(astronaut, x + 5 * np.sin(y / 25), y + 5 * np.cos(x / 31), cv2.INTER_LINEAR)
    copy = settle(cv2.GaussianBlur(astronaut, (0, 0), 1), astronaut, IDENTITY, INLIERS)
    other = settle(bent, astronaut, IDENTITY, INLIERS)
    assert copy.in_place > 0.95
    assert other.cells.agreement > 0.5
    assert other.in_place < 0.5 * other.cells.agreement


def test_along_an_edge_a_cell_is_found_where_the_map_says():
    """Bars look the same anywhere along them: that must not bend the map."""
    rng = np.random.default_rng(3)
    bars = np.repeat(rng.integers(0, 2, 128) * 200, 2).astype(np.uint8)
    code = np.ascontiguousarray(np.broadcast_to(bars[None, :, None], (200, 256, 3)))
    grainy = np.clip(code + rng.normal(0, 4, code.shape), 0, 255).astype(np.uint8)
    settled = settle(grainy, code, IDENTITY, INLIERS)
    assert settled.in_place > 0.98
    assert np.abs(settled.matrix - IDENTITY).max() < 5e-3


@pytest.mark.parametrize("spoilt", ["noise", "specks", "sharpening"])
def test_what_is_rough_is_softened_and_found(astronaut, spoilt):
    """Noise and halos have nothing of the other picture in them."""
    rng = np.random.default_rng(5)
    soft = cv2.GaussianBlur(astronaut, (0, 0), 1).astype(np.float32)
    rough = {
        "noise": astronaut + rng.normal(0, 70, astronaut.shape),
        "specks": np.where(rng.random(astronaut.shape[:2])[..., None] < 0.25, rng.permutation(astronaut), astronaut),
        "sharpening": astronaut + 12 * (astronaut - soft),
    }[spoilt]
    settled = settle(np.clip(rough, 0, 255).astype(np.uint8), astronaut, IDENTITY, INLIERS)
    assert settled.cells.agreement > 0.85
    assert settled.in_place > 0.65


def test_nothing_shared_is_nothing_to_compare(astronaut):
    """The map carries the query past the reference."""
    away = np.array([[1, 0, 3.0], [0, 1, 0], [0, 0, 1]])
    assert settle(astronaut, astronaut, away, INLIERS) is None


def test_a_map_of_many_features_is_looked_at_finely_whatever_the_coarse_frame_shows(photographs):
    """Of strangers few cells are in place there, and so is it under stripes: only a map of few features is given up."""
    pair = photographs["astronaut"], photographs["chelsea"][:, :300]
    assert settle(*pair, IDENTITY, MANY_INLIERS - 1).given_up
    assert not settle(*pair, IDENTITY, MANY_INLIERS).given_up
