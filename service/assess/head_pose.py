"""How a head is turned, by the corners of its eyes and the base of its nose.

Seen from far away (weak perspective) the base of the nose, which stands out before the eyes, moves sideways against
their middle as the head turns, and the distance of the eyes shortens: with d the distance seen, x how far the nose lies
beside the middle and p how far it stands out in distances of the eyes, x / d = p tan(yaw).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.domain.faces import Landmarks, Point

NOSE_STANDS_OUT: Final = 0.45
"""How far the base of the nose lies before the corners of the eyes, in distances between the middles of the eyes: about 27
of 60 mm in the mean of adults. Faces differ by some 0.1, which moves a yaw of 30 degrees by 5."""


class Turned(NamedTuple):
    """In degrees; the distance between the middles of the eyes as it would be seen from the front, in pixels."""

    yaw: float
    roll: float
    inter_eye_pixels: float


def turned(landmarks: Landmarks, width: int, height: int) -> Turned | None:
    """Of landmarks in a picture of that size. None where the eyes are in one place."""
    size = np.array([width, height], float)

    def middle(*points: Point) -> NDArray[np.float64]:
        return np.asarray(np.mean(points, axis=0) * size, np.float64)

    left, right = (
        middle(landmarks.left_outer, landmarks.left_inner),
        middle(landmarks.right_inner, landmarks.right_outer),
    )
    across = right - left
    seen = float(np.hypot(*across))
    if seen == 0:
        return None
    along = across / seen
    beside = float((middle(landmarks.nose) - (left + right) / 2) @ along)
    yaw = math.atan2(beside / seen, NOSE_STANDS_OUT)
    return Turned(math.degrees(yaw), math.degrees(math.atan2(across[1], across[0])), seen / math.cos(yaw))
