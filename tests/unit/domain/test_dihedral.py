"""Eight poses, said in three ways that must agree: pixels, a matrix, and cosine coefficients."""

import numpy as np
import pytest

from service.descriptors.hashes import frequencies
from service.domain.dihedral import POSES, Pose, pose_coefficients
from service.domain.values import Edit

WHOLE = pytest.mark.parametrize("pose", POSES, ids=str)


def test_there_are_eight_different_poses_and_the_first_leaves_the_picture_alone():
    """Row 0 of every posed array is the picture's own."""
    picture = np.arange(6).reshape(2, 3)
    assert len({pose.lay(picture).tobytes() + bytes(pose.lay(picture).shape) for pose in POSES}) == 8
    assert np.array_equal(POSES[0].lay(picture), picture)


@WHOLE
def test_the_transform_maps_every_pixel_to_where_laying_puts_it(pose):
    """All pixels of a 3 x 5 picture, corners included, by the shares of their centres."""
    picture = np.arange(15, dtype=np.uint8).reshape(3, 5)
    laid = pose.lay(picture)
    for (y, x), value in np.ndenumerate(picture):
        across, down, one = np.array(pose.transform) @ [(x + 0.5) / 5, (y + 0.5) / 3, 1.0]
        assert one == 1.0
        assert laid[int(down * laid.shape[0]), int(across * laid.shape[1])] == value


@WHOLE
def test_the_transform_maps_corners_to_corners(pose):
    """The unit square stays the unit square."""
    corners = {(0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0)}
    assert {tuple((np.array(pose.transform) @ [*corner, 1.0])[:2]) for corner in corners} == corners


@WHOLE
def test_laying_copies_nothing(pose, coffee):
    """Eight poses of a picture cost no memory."""
    laid = pose.lay(coffee)
    assert np.shares_memory(laid, coffee)
    assert laid.shape == ((512, 341, 3) if pose.transpose else (341, 512, 3))


@pytest.mark.parametrize("index", range(8))
def test_posed_coefficients_are_those_of_the_posed_picture(index, coffee):
    """Sign changes and a transposition stand for turning the pixels, within what rounding leaves."""
    laid = np.ascontiguousarray(POSES[index].lay(coffee))
    posed = pose_coefficients(frequencies(coffee).block)[index]
    assert posed == pytest.approx(frequencies(laid).block, abs=0.02)


@pytest.mark.parametrize(
    ("pose", "edits"),
    [
        (Pose(transpose=False, mirror_x=False, mirror_y=False), ()),
        (Pose(transpose=False, mirror_x=True, mirror_y=False), (Edit.FLIPPED,)),
        (Pose(transpose=False, mirror_x=False, mirror_y=True), (Edit.FLIPPED,)),
        (Pose(transpose=False, mirror_x=True, mirror_y=True), (Edit.ROTATED,)),
        (Pose(transpose=True, mirror_x=True, mirror_y=False), (Edit.ROTATED,)),
        (Pose(transpose=True, mirror_x=False, mirror_y=True), (Edit.ROTATED,)),
        (Pose(transpose=True, mirror_x=False, mirror_y=False), (Edit.ROTATED, Edit.FLIPPED)),
        (Pose(transpose=True, mirror_x=True, mirror_y=True), (Edit.ROTATED, Edit.FLIPPED)),
    ],
)
def test_a_pose_is_named_as_a_person_would(pose, edits):
    """Turns are rotations; a mirror image is flipped, and also rotated where it lies on its side."""
    assert pose.edits == edits
