"""A head's turn is read back from where its landmarks fall when it is turned by a known angle."""

import numpy as np
import pytest

from service.assess.head_pose import NOSE_STANDS_OUT, turned
from service.domain.faces import Landmarks

WIDTH, HEIGHT, APART = 400, 200, 80.0
HEAD = np.array(
    [[-0.7, 0, 0], [-0.3, 0, 0], [0.3, 0, 0], [0.7, 0, 0], [0, 0.8, NOSE_STANDS_OUT]]
)  # outer and inner corners, and the nose, in distances of the eyes


def seen(yaw=0.0, roll=0.0):
    """The landmarks of a head that is turned so, seen from far away, in a picture that is no square."""
    side, plane = np.radians(yaw), np.radians(roll)
    about_neck = np.array([[np.cos(side), 0, np.sin(side)], [0, 1, 0], [-np.sin(side), 0, np.cos(side)]])
    in_plane = np.array([[np.cos(plane), -np.sin(plane)], [np.sin(plane), np.cos(plane)]])
    points = (HEAD @ about_neck.T)[:, :2] @ in_plane.T * APART + (200, 80)
    return Landmarks(*(tuple(point / (WIDTH, HEIGHT)) for point in points))


@pytest.mark.parametrize("yaw", [-60, -15, 0, 15, 60])
@pytest.mark.parametrize("roll", [-40, 0, 25])
def test_a_known_turn_is_read_back(yaw, roll):
    """Plus is to the right and clockwise, whatever the other angle is."""
    told = turned(seen(yaw, roll), WIDTH, HEIGHT)
    assert told.yaw == pytest.approx(yaw, abs=0.01)
    assert told.roll == pytest.approx(roll, abs=0.01)


@pytest.mark.parametrize("yaw", [0, 50])
def test_a_turned_heads_eyes_are_as_far_apart_as_from_the_front(yaw):
    """The size of a face does not depend on where it looks."""
    assert turned(seen(yaw), WIDTH, HEIGHT).inter_eye_pixels == pytest.approx(APART, abs=0.01)


def test_eyes_in_one_place_tell_nothing():
    """Rather than a division by nothing."""
    assert turned(Landmarks(*[(0.5, 0.5)] * 5), WIDTH, HEIGHT) is None
