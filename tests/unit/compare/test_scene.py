"""What changed before a fixed camera."""

import cv2
import numpy as np
import pytest

from service.compare.scene import MAX_CHANGE, WORKING_WIDTH, change, frame

BOX = 60
"""Pixels of a frame 640 wide: 3,600 in all."""


@pytest.fixture(scope="module")
def yard(photographs):
    """A background, 640 wide and a little dull, so that a light box stands out."""
    return cv2.resize(photographs["gravel"], (640, 480)) // 2


def with_box(picture, left=200, top=150, side=BOX, level=250):
    changed = picture.copy()
    changed[top : top + side, left : left + side] = level
    return changed


def test_nothing_changed_between_a_frame_and_itself(yard):
    assert change(frame(yard), frame(yard)) == 0.0


def test_noise_and_a_shade_of_light_are_no_change(yard):
    noisy = np.clip(yard + np.random.default_rng(1).normal(0, 8, yard.shape), 0, 255).astype(np.uint8)
    assert change(frame(yard), frame(noisy)) == 0.0
    assert change(frame(yard), frame(yard + 20)) == 0.0


def test_what_came_is_measured_in_pixels_of_the_working_width(yard):
    """A box of 60 pixels, two dilations wider on each side, however large the file is."""
    larger = cv2.resize(with_box(yard), None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    for came in (with_box(yard), larger):
        assert change(frame(yard), frame(came)) == pytest.approx((BOX + 4) ** 2, rel=0.1)
    assert frame(larger).shape == (480, WORKING_WIDTH)


def test_what_came_and_what_went_count_the_same(yard):
    assert change(frame(yard), frame(with_box(yard))) == change(frame(with_box(yard)), frame(yard))


def test_small_outlines_are_dropped_and_the_others_summed(yard):
    """A leaf is no change; two boxes are twice one."""
    leaf = with_box(yard, side=20)
    assert change(frame(yard), frame(leaf)) == 0.0
    assert change(frame(yard), frame(leaf), min_contour_area=100) > 400
    one, two = with_box(yard), with_box(with_box(yard), left=400)
    assert change(frame(yard), frame(two)) == pytest.approx(2 * change(frame(yard), frame(one)), rel=0.05)


def test_a_ring_counts_with_what_it_encloses(yard):
    """Outer outlines: a hollow thing is as large as a solid one."""
    ring = cv2.circle(yard.copy(), (320, 240), 60, (250, 250, 250), 8)
    assert change(frame(yard), frame(ring)) == pytest.approx(np.pi * 66**2, rel=0.1)


def test_frames_of_two_shapes_come_from_two_cameras(yard):
    assert change(frame(yard), frame(yard[:400])) == float("inf")


def test_the_default_lets_a_passer_by_stay(yard):
    """A person 40 pixels wide and 100 tall is more than the default lets pass."""
    person = yard.copy()
    person[200:300, 300:340] = 250
    assert change(frame(yard), frame(person)) > MAX_CHANGE
