"""Both face detectors on their real files: the face of the photograph is found, and looks where it looks."""

import os
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from service.assess.face_quality import assess_face
from service.settings import Settings
from service.wiring_faces import face_judge

EYES = ((0.385, 0.20), (0.475, 0.205))
"""Roughly where the astronaut's eyes are, left and right in the picture."""


@pytest.fixture(scope="module")
def astronaut():
    return data.astronaut()


@pytest.fixture(scope="module")
def dlib_faces(tmp_path_factory):
    """Dlib in a home that was empty: its landmarks come with the extra."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("DEEPFACE_HOME", str(home))
        return face_judge(Settings(_env_file=None, faces="dlib")).finder


@pytest.fixture(scope="module")
def rfb_faces():
    assert "KEEPONE_SHARED" in os.environ, "the detector lies in KEEPONE_SHARED, which is not set"
    path = Path(os.environ["KEEPONE_SHARED"]) / "models" / "version-RFB-320.onnx"
    return face_judge(Settings(_env_file=None, faces=str(path))).finder


@pytest.mark.parametrize("detector", ["dlib_faces", "rfb_faces"])
def test_the_face_is_found_around_its_eyes(request, detector, astronaut):
    """One face, in a box with both eyes in it that is not the whole picture."""
    (face,) = request.getfixturevalue(detector).find(astronaut)
    left, top, right, bottom = face.box
    assert all(left < across < right and top < down < bottom for across, down in EYES)
    assert (right - left) * (bottom - top) < 0.15


@pytest.mark.parametrize("detector", ["dlib_faces", "rfb_faces"])
def test_a_picture_without_a_face_has_none(request, detector):
    """Neither in a wall nor in a still life."""
    for picture in (np.full((300, 400, 3), 180, np.uint8), data.coffee()):
        assert request.getfixturevalue(detector).find(picture) == ()


def test_dlib_places_the_eyes(dlib_faces, astronaut):
    """Left and right as in the picture, outer corners outside."""
    (face,) = dlib_faces.find(astronaut)
    points = face.landmarks
    assert points.left_outer[0] < points.left_inner[0] < points.nose[0] < points.right_inner[0] < points.right_outer[0]
    for (across, down), corners in zip(
        EYES, ((points.left_outer, points.left_inner), (points.right_inner, points.right_outer)), strict=True
    ):
        assert np.mean(corners, axis=0) == pytest.approx((across, down), abs=0.03)


def test_a_mirrored_and_a_tilted_face_turn_the_other_way(dlib_faces, astronaut):
    """What her pose is nobody measured; that it is mirrored with her is known."""
    (face,) = dlib_faces.find(astronaut)
    mirrored_picture = np.ascontiguousarray(astronaut[:, ::-1])
    (mirrored,) = dlib_faces.find(mirrored_picture)
    told, turned = assess_face(astronaut, face), assess_face(mirrored_picture, mirrored)
    assert turned.yaw == pytest.approx(-told.yaw, abs=5)
    assert turned.roll == pytest.approx(-told.roll, abs=3)
    assert told.inter_eye_pixels == pytest.approx(46, rel=0.15)
    assert turned.pose == pytest.approx(told.pose, abs=0.05)
