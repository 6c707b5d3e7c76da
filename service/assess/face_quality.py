"""How good a face is, in the words of ISO/IEC 29794-5 as its reference implementation OFIQ uses them.

Where OFIQ's formula needs no model it is OFIQ's; where it needs one that is not here the number is ours, or None with
the reason. docs/explanation/faces.md has each formula.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from service.assess.appeal import exposure, grey_levels
from service.assess.head_pose import turned
from service.domain.faces import FaceQuality, pixels_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.domain.faces import Face

NO_LANDMARKS: Final = "the detector does not say where the eyes are"
NO_PITCH: Final = "a nod cannot be told from a short or a long nose by five points"
NO_OCCLUSION: Final = "what covers a face would need a model that tells its parts"
OUTSIDE: Final = "the face does not lie in the picture"

HALF_SIZE: Final = 70.0
"""Pixels between the eyes that read as 0.5 (OFIQ, InterEyeDistance)."""
SIZE_STEP: Final = 20.0
FACE_SIDE: Final = 112
"""Pixels that a face is brought to before its sharpness is read, so that large and small pictures compare."""
HALF_SHARP: Final = 200.0
"""Variance of the Laplacian that reads as 0.5, as of whole pictures (`service.assess.sharpness`)."""


def assess_face(picture: NDArray[np.uint8], face: Face) -> FaceQuality:
    """Of an upright RGB picture (H, W, 3) and a face in it."""
    height, width = picture.shape[:2]
    unknown = {"occlusion": NO_OCCLUSION, "pitch": NO_PITCH if face.landmarks else NO_LANDMARKS}
    head = turned(face.landmarks, width, height) if face.landmarks else None
    if head is None:
        unknown |= dict.fromkeys(("size", "pose", "inter_eye_pixels", "yaw", "roll"), NO_LANDMARKS)
    place = pixels_of(face.box, width, height)
    seen = picture[place[1] : place[3], place[0] : place[2]] if place else None
    if seen is None:
        unknown |= dict.fromkeys(("sharpness", "exposure"), OUTSIDE)
    return FaceQuality(
        size=size(head.inter_eye_pixels) if head else None,
        pose=pose(head.yaw, head.roll) if head else None,
        sharpness=face_sharpness(seen) if seen is not None else None,
        exposure=exposure(grey_levels(_grey(seen))) if seen is not None else None,
        inter_eye_pixels=head.inter_eye_pixels if head else None,
        yaw=head.yaw if head else None,
        roll=head.roll if head else None,
        unknown=unknown,
    )


def size(inter_eye_pixels: float) -> float:
    """1 / (1 + e^((70 - d) / 20)): OFIQ's mapping of the distance of the eyes in pixels."""
    return 1 / (1 + math.exp((HALF_SIZE - inter_eye_pixels) / SIZE_STEP))


def pose(yaw: float, roll: float) -> float:
    """The smaller of cos(yaw)^2 and cos(roll)^2, each 0 from a right angle on: ISO/IEC 29794-5's mapping of an angle."""
    return min(max(0.0, math.cos(math.radians(angle))) ** 2 for angle in (yaw, roll))


def face_sharpness(seen: NDArray[np.uint8]) -> float:
    """With v the variance of the Laplacian of the face (h, w, 3) brought to 112x112 pixels: v / (v + 200)."""
    brought = cv2.resize(_grey(seen), (FACE_SIDE, FACE_SIDE), interpolation=_way(seen))
    variance = float(cv2.Laplacian(brought, cv2.CV_32F).var())
    return variance / (variance + HALF_SHARP)


def _grey(seen: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(seen), cv2.COLOR_RGB2GRAY), np.uint8)


def _way(seen: NDArray[np.uint8]) -> int:
    """OpenCV averages only where nothing grows."""
    return cv2.INTER_AREA if min(seen.shape[:2]) >= FACE_SIDE else cv2.INTER_LINEAR
