"""Each number of a face on pictures whose answer is known."""

import cv2
import numpy as np
import pytest

from service.assess.face_quality import NO_LANDMARKS, OUTSIDE, assess_face, face_sharpness, pose, size
from service.domain.faces import Face, FaceQuality, Landmarks

WHOLE = (0.0, 0.0, 1.0, 1.0)
NUMBERS = [name for name in FaceQuality.__dataclass_fields__ if name != "unknown"]


def noise(side=300, seed=0):
    """A face's worth of detail."""
    blurred = cv2.GaussianBlur(np.random.default_rng(seed).uniform(0, 255, (side, side, 3)), (0, 0), side / 112)
    return np.clip((blurred - 127) * 6 + 127, 0, 255).astype(np.uint8)


def front(apart, width):
    """Landmarks of a head that looks into the camera, its eyes so many pixels apart."""
    half = apart / width / 2
    corners = [(0.5 + side * half + more, 0.4) for side in (-1, 1) for more in (-0.01, 0.01)]
    return Landmarks(*corners, (0.5, 0.6))


@pytest.mark.parametrize(("pixels", "told"), [(70, 0.5), (90, 0.731), (30, 0.119), (250, 1.0)])
def test_size_is_ofiqs_mapping_of_the_distance_of_the_eyes(pixels, told):
    """Half at seventy pixels, and a step of twenty."""
    assert size(pixels) == pytest.approx(told, abs=0.001)


@pytest.mark.parametrize(
    ("yaw", "roll", "told"), [(0, 0, 1.0), (45, 0, 0.5), (-45, 10, 0.5), (10, 60, 0.25), (90, 0, 0), (0, 170, 0)]
)
def test_pose_is_that_of_the_worse_angle(yaw, roll, told):
    """The square of its cosine, and nothing from a right angle on."""
    assert pose(yaw, roll) == pytest.approx(told, abs=1e-9)


def test_a_front_face_of_known_size():
    """The landmarks' shares are taken by the width of the picture."""
    told = assess_face(noise(), Face(WHOLE, landmarks=front(90, 300)))
    assert (told.yaw, told.roll, told.pose) == pytest.approx((0, 0, 1))
    assert told.inter_eye_pixels == pytest.approx(90)
    assert told.size == pytest.approx(size(90))


def test_sharpness_falls_with_blur_and_is_none_of_a_flat_face():
    """From detail to nothing."""
    numbers = [face_sharpness(cv2.GaussianBlur(noise(), (0, 0), sigma)) for sigma in (0.5, 3, 6, 12)]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[0] > 0.5 > numbers[2]
    assert face_sharpness(np.full((50, 50, 3), 90, np.uint8)) == 0


def test_sharpness_is_the_same_of_a_larger_picture_of_the_face():
    """Faces of different sizes compare."""
    large = cv2.resize(noise(), (900, 900), interpolation=cv2.INTER_CUBIC)
    assert face_sharpness(large) == pytest.approx(face_sharpness(noise()), abs=0.05)


@pytest.mark.parametrize(("level", "told"), [(128, 1.0), (255, 0.0), (0, 0.0), (64, 0.938)])
def test_exposure_is_read_of_the_face_alone(level, told):
    """Whatever is around it: 1 - (2 m - 1)^4 of a face of one grey, nothing where it is clipped."""
    picture = np.random.default_rng(1).integers(0, 255, (100, 100, 3), np.uint8)
    picture[20:60, 30:70] = level
    face = assess_face(picture, Face((0.3, 0.2, 0.7, 0.6)))
    assert face.exposure == pytest.approx(told, abs=0.001)


@pytest.mark.parametrize("landmarks", [None, front(90, 300)])
@pytest.mark.parametrize("box", [WHOLE, (1.2, 0.1, 1.5, 0.4), (-0.2, -0.2, 0.3, 0.3)])
def test_what_is_not_known_is_none_with_a_reason(landmarks, box):
    """Never a made-up 0, and no reason for what is known."""
    told = assess_face(noise(), Face(box, landmarks=landmarks))
    assert {name for name in NUMBERS if getattr(told, name) is None} == set(told.unknown)
    assert (told.unknown.get("size") == NO_LANDMARKS) == (landmarks is None)
    assert (told.unknown.get("sharpness") == OUTSIDE) == (box[0] > 1)
