"""Linzaer's Ultra-Light-Fast-Generic-Face-Detector-1MB (RFB, 320x240), asked with ONNX Runtime.

The file is not shipped: its licence (MIT) would allow it, what it was trained on (WIDER FACE) is for research. Whoever
has it names its path. It tells boxes and how sure it is, and no landmarks, so that neither size nor pose can be judged.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

# From 1.29 on ONNX Runtime tells its makers how it is used, and looks for this once, when it is loaded.
os.environ |= dict.fromkeys(("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"), "1")
import onnxruntime

from service.domain.faces import Face

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHA256: Final = "34cd7e60aeff28744c657de7a3dc64e872d506741de66987f3426f2b79f88017"
SOURCE: Final = "github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB"

WIDTH, HEIGHT = 320, 240
LEAST_CONFIDENCE: Final = 0.7
"""As its makers' example has it."""
MOST_OVERLAP: Final = 0.3
"""Intersection over union from which two boxes are one face; their example's."""
_ERRORS_ONLY: Final = 3


class RfbFaces:
    """The detector, opened on one core."""

    def __init__(self, data: bytes) -> None:
        """Of the bytes of its file."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        self._session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def find(self, picture: NDArray[np.uint8]) -> tuple[Face, ...]:
        """The surest first."""
        small = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
        levels = ((small.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None]
        scores, boxes = self._session.run(["scores", "boxes"], {"input": np.ascontiguousarray(levels)})
        return apart(scores[0, :, 1], boxes[0])


def apart(scores: NDArray[np.float32], boxes: NDArray[np.float32]) -> tuple[Face, ...]:
    """Of (n,) scores and (n, 4) boxes those that are sure enough, each face once (greedy non-maximum suppression)."""
    left = [int(n) for n in np.argsort(-scores) if scores[n] >= LEAST_CONFIDENCE]
    kept: list[int] = []
    for candidate in left:
        if all(_overlap(boxes[candidate], boxes[other]) < MOST_OVERLAP for other in kept):
            kept.append(candidate)
    return tuple(Face(_region(boxes[n]), float(scores[n])) for n in kept)


def _region(box: NDArray[np.float32]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (float(share) for share in box)
    return left, top, right, bottom


def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    across = max(0.0, float(min(one[2], other[2]) - max(one[0], other[0])))
    down = max(0.0, float(min(one[3], other[3]) - max(one[1], other[1])))
    both = across * down
    areas = [float((box[2] - box[0]) * (box[3] - box[1])) for box in (one, other)]
    return both / (sum(areas) - both) if both else 0.0
