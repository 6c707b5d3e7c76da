"""The built-in descriptor: a small convolutional network of our own, asked on one core of the processor.

Its file ships with the package, and nothing is fetched: how it was trained, on what, and what it is not good at, stands
in `docs/explanation/descriptor.md`. The picture is squeezed to a square, so that nothing of it is cut away; levels,
channels and normalisation are inside the file.
"""

from __future__ import annotations

import hashlib
import os
from importlib import resources
from typing import TYPE_CHECKING

import cv2
import numpy as np

# From 1.29 on ONNX Runtime tells its makers how it is used, and looks for this once, when it is loaded.
os.environ |= dict.fromkeys(("ORT_DISABLE_TELEMETRY", "ORT_TELEMETRY_DISABLED"), "1")
import onnxruntime

from service.domain.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from service.descriptors.registry import DescriptorModel

_ERRORS_ONLY = 3


class Builtin:
    """One model, opened. Several threads may ask it at once; each asks on the core it runs on."""

    def __init__(self, model: DescriptorModel) -> None:
        """Raises WeightsError where the file is not the one that the model's row names."""
        self._side = model.side
        self._session = onnxruntime.InferenceSession(_weights(model), _one_core(), providers=["CPUExecutionProvider"])

    def embed(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Upright RGB pictures, each (H, W, 3), to their descriptors: (n, dimension) at unit length."""
        squares = np.stack([squared(picture, self._side) for picture in pictures])
        (rows,) = self._session.run(None, {"pictures": squares})
        return np.asarray(rows, np.float32)


def squared(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The whole picture on a square of `side` pixels; what gets smaller is averaged."""
    height, width = picture.shape[:2]
    # OpenCV averages only where no side grows.
    less = cv2.resize(picture, (min(width, side), min(height, side)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(less, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def _weights(model: DescriptorModel) -> bytes:
    data = resources.files(__package__).joinpath(model.weights).read_bytes()
    if hashlib.sha256(data).hexdigest() != model.weights_sha256:
        raise WeightsError(f"The file {model.weights} is not the one that {model.model_id} was made with.")
    return data


def _one_core() -> onnxruntime.SessionOptions:
    """Requests are answered side by side already; a second core for one would be taken from another."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    return options
