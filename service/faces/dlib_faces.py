"""Dlib's frontal face detector and its five landmarks. It needs the `faces` extra and one file of Dlib's.

The detector (King, "Max-Margin Object Detection", 2015) is compiled into the library. It finds upright faces that look
roughly into the camera, and does not find others. Pictures are looked at with a long side of 800 pixels, enlarged twice,
so that a face is found from about 40 of these pixels on.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

import cv2
import numpy as np

from service.domain.errors import SettingsError
from service.domain.faces import Face, Landmarks
from service.faces.weights import known_weights

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LANDMARKS: Final = "shape_predictor_5_face_landmarks.dat"
SHA256: Final = "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888"
SOURCE: Final = "dlib.net/files"
LONG_SIDE: Final = 800
LEAST_SCORE: Final = 0.3
"""Of the 64 pictures of `data/faces` every other one was looked at: their faces score 0.9 or more; a fold of cloth that
was taken for a face elsewhere 0.1."""
_DOUBLINGS: Final = 1


class DlibFaces:
    """Detector and landmarks, opened."""

    def __init__(self, folder: Path) -> None:
        """`folder` holds the landmarks' file. Raises WeightsError without it, SettingsError without the extra."""
        try:
            import dlib  # noqa: PLC0415 - only where it is asked for
        except ImportError as error:
            raise SettingsError(
                "KEEPONE_FACES is dlib, which needs the extra: pip install 'keepone[faces]'."
            ) from error
        known_weights(folder / LANDMARKS, SHA256, SOURCE)
        self._detect = dlib.get_frontal_face_detector()
        self._point_out = dlib.shape_predictor(str(folder / LANDMARKS))
        # The detector scans with buffers of its own: one picture after the other.
        self._one_at_a_time = threading.Lock()

    def find(self, picture: NDArray[np.uint8]) -> tuple[Face, ...]:
        """The surest first. How sure Dlib is has no upper end, and is not told."""
        height, width = picture.shape[:2]
        scale = min(1.0, LONG_SIDE / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        small = np.ascontiguousarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
        with self._one_at_a_time:
            boxes, _, _ = self._detect.run(small, _DOUBLINGS, LEAST_SCORE)
            return tuple(_face(box, self._point_out(small, box), size) for box in boxes)


def _face(box: Any, shape: Any, size: tuple[int, int]) -> Face:
    """Dlib numbers the corners of the eye on the right first, from the outside, then those of the other, then the nose."""
    width, height = size
    points = [(part.x / width, part.y / height) for part in shape.parts()]
    right_outer, right_inner, left_outer, left_inner, nose = points
    region = (box.left() / width, box.top() / height, (box.right() + 1) / width, (box.bottom() + 1) / height)
    return Face(region, None, Landmarks(left_outer, left_inner, right_inner, right_outer, nose))
