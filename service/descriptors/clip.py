"""Any CLIP that open_clip can build, as a space of whole pictures: alike in meaning, not copies of one another.

`clip:<architecture>/<tag>` looks for `clip/<architecture>/<tag>.safetensors` (or `.pt`, `.pth`, `.bin`, `.ckpt`) in the
models folder; `clip:<architecture>//srv/mine.safetensors` names the file itself. A tag that open_clip knows brings the
preprocessing it was trained with. Nothing is fetched unless `KEEPONE_MODEL_DOWNLOADS` says so.

Only the image tower stays in memory. Pictures are prepared by as many threads as there are cores, and the tower is asked
by its owner: PyTorch keeps threads and buffers for each thread that ever asked it.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from service.descriptors.owner import Owner
from service.descriptors.protocol import Described
from service.descriptors.sizes import LONG_SIDE, brought
from service.descriptors.weights import SAFETENSORS, TORCH, Weights, fingerprint, first_line, refuse_programs
from service.domain.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from service.descriptors.backend_settings import BackendSettings

PREFIX = "clip:"
_REVISION = 2
"""Raised by hand whenever code here that makes the numbers changes."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_POSITIONS = "visual.positional_embedding"
_LONGEST = 4
"""Times as long as wide: more of a strip is not looked at before it is cropped to its middle."""
_PREPROCESSING = ("mean", "std", "interpolation", "resize_mode")


@dataclass(frozen=True, slots=True)
class _Tower:
    """The image half of a model on its device, and what makes a picture ready for it."""

    network: Any
    device: str
    dtype: Any


class Clip:
    """One model at one exact state, opened and warm. Several threads may ask it at once."""

    of_faces = False
    thresholds: Mapping[str, float] = {}

    def __init__(self, name: str, settings: BackendSettings) -> None:
        """Raises WeightsError, which names the file and where to put it."""
        self.name = name
        self._architecture, tag = _parsed(name)
        self._library = _open_clip(online=settings.model_downloads)
        if self._architecture not in self._library.list_models():
            raise WeightsError(f"{name}: open_clip has no architecture {self._architecture!r}.")
        told = {} if tag.startswith("/") else self._library.get_pretrained_cfg(self._architecture, tag) or {}
        self._weights = _checked(_found(self._library, name, tag, told, settings))
        self._quick = bool(told.get("quick_gelu", False))
        self._told = {key: told[key] for key in _PREPROCESSING if key in told}
        self._precision = settings.precision
        self._device = _device(settings.device)
        self._prepare, preprocessing = self._preparation()
        self._preparing = ThreadPoolExecutor(_cores(), f"preparing for {name}")
        self._owner = Owner(
            name, self._load, _embed, _empty_cache, most=settings.model_batch, idle_s=settings.model_idle_seconds
        )
        try:
            self.dimension = len(self._owner.ask([self._prepare(np.full((64, 64, 3), 128, np.uint8))])[0])
        except BaseException:
            self.close()
            raise
        self.state: Mapping[str, object] = {
            "revision": _REVISION,
            "architecture": self._architecture,
            "definition": _digest(self._library.get_model_config(self._architecture)),
            "quick_gelu": self._quick,
            "weights": self._weights.sha256,
            "preprocessing": preprocessing,
            "long_side": LONG_SIDE,
            "precision": self._precision,
            "dimension": self.dimension,
        }

    def describe(self, pictures: Sequence[NDArray[np.uint8]]) -> list[tuple[Described, ...]]:
        """One vector for each picture; none where the network gave nothing that could be compared."""
        seen = [brought(picture) for picture in pictures]
        vectors = self._owner.ask([*self._preparing.map(self._prepare, seen)])
        return [(Described(vector),) if np.isfinite(vector).all() and vector.any() else () for vector in vectors]

    def close(self) -> None:
        self._owner.close()
        self._preparing.shutdown()

    @property
    def loaded(self) -> bool:
        """Whether the tower is in memory at this moment."""
        return self._owner.loaded

    def _load(self) -> _Tower:
        """The model with its weights; every key and shape must fit."""
        self._weights.check()
        shape = _shape(self._weights.path, _POSITIONS)
        try:
            model = self._library.create_model(
                self._architecture,
                pretrained=str(self._weights.path),
                precision=self._precision,
                device=self._device,
                force_quick_gelu=self._quick,
                require_pretrained=True,
                weights_only=True,
            )
        except Exception as error:
            raise WeightsError(
                f"{self._weights.path} is no {self._architecture} that can be opened here: {first_line(error)}"
            ) from error
        own = model.state_dict().get(_POSITIONS)
        if own is not None and shape is not None and tuple(own.shape) != shape:
            # open_clip stretches the positions of another picture size until they fit; that is another model.
            raise WeightsError(
                f"{self._weights.path} is no {self._architecture}: {_POSITIONS} is {shape}, not {tuple(own.shape)}."
            )
        # `encode_image` needs the image tower alone; the text tower would take as much memory again.
        for part in [part for part, _ in model.named_children() if part != "visual"]:
            delattr(model, part)
        dtype = self._library.get_input_dtype(self._precision)
        return _Tower(model.eval(), self._device, dtype)

    def _preparation(self) -> tuple[Any, dict[str, Any]]:
        """The function that makes a picture a tensor, and what it depends on."""
        import torch  # noqa: PLC0415 - heavy, and not everybody's

        from_file = self._library.get_model_config(self._architecture)["vision_cfg"].get("image_size", 224)
        config = self._library.transform.PreprocessCfg(size=from_file, **self._told)
        *geometry, _, _, normalise = self._library.transform.image_transform_v2(config, is_train=False).transforms

        def prepare(picture: NDArray[np.uint8]) -> Any:
            if config.resize_mode == "shortest":
                picture = _middle(picture)
            pixels = torch.from_numpy(picture.copy()).permute(2, 0, 1)
            for step in geometry:
                pixels = step(pixels)
            return normalise(pixels.float() / 255)

        return prepare, {key: _plain(getattr(config, key)) for key in ("size", *_PREPROCESSING)}


def opened(name: str, settings: BackendSettings) -> Clip:
    """`clip:<architecture>/<tag or path>`, warm. Raises WeightsError."""
    return Clip(name, settings)


def installed(settings: BackendSettings) -> list[str]:
    """Names of the models whose weights lie in the models folder."""
    found = (settings.models_folder / "clip").glob("*/*")
    return sorted({f"{PREFIX}{path.parent.name}/{path.stem}" for path in found if path.suffix in {SAFETENSORS, *TORCH}})


def _parsed(name: str) -> tuple[str, str]:
    """Architecture, and tag or absolute path. Raises WeightsError."""
    architecture, _, tag = name.removeprefix(PREFIX).partition("/")
    if not _PLAIN.fullmatch(architecture) or not (_PLAIN.fullmatch(tag) or tag.startswith("/")):
        raise WeightsError(f"{name}: a CLIP is named clip:<architecture>/<tag>, e.g. clip:ViT-B-32/laion2b_s34b_b79k.")
    return architecture, tag


def _found(library: Any, name: str, tag: str, told: dict[str, Any], settings: BackendSettings) -> Path:
    """The file of weights. Raises WeightsError where there is none."""
    if tag.startswith("/"):
        wanted, candidates = Path(tag), [Path(tag)]
    else:
        folder = settings.models_folder.absolute() / "clip" / _parsed(name)[0]
        wanted = folder / f"{tag}{SAFETENSORS}"
        candidates = [folder / f"{tag}{suffix}" for suffix in (SAFETENSORS, *TORCH)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    missing = f"{name}: its weights are missing. Put them at {wanted}"
    if not (told and settings.model_downloads):
        raise WeightsError(f"{missing} (safetensors, or an archive of `torch.save` ending in {', '.join(TORCH)}).")
    try:
        return Path(library.download_pretrained(told, cache_dir=str(settings.models_folder.absolute() / "fetched")))
    except Exception as error:
        raise WeightsError(f"{missing}; fetching them failed: {first_line(error)}") from error


def _checked(path: Path) -> Weights:
    refuse_programs(path)
    return fingerprint(path)


def _open_clip(*, online: bool) -> Any:
    """The library, told to stay off the network unless that was allowed. Raises WeightsError where it is not installed."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    if not online:
        os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        import open_clip  # noqa: PLC0415 - heavy, and not everybody's
        import open_clip.factory  # noqa: PLC0415
        import open_clip.transform  # noqa: PLC0415
    except ImportError as error:
        raise WeightsError(f"CLIP needs the extra `clip`: pip install 'keepone[clip]' ({error}).") from error
    return open_clip


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _device(asked: str) -> str:
    import torch  # noqa: PLC0415 - heavy, and not everybody's

    has_gpu = torch.cuda.is_available()
    if asked == "cuda" and not has_gpu:
        raise WeightsError("KEEPONE_DEVICE is cuda, and PyTorch finds no GPU here.")
    return "cuda" if has_gpu and asked != "cpu" else "cpu"


def _embed(tower: _Tower, prepared: list[Any]) -> list[NDArray[np.float32]]:
    import torch  # noqa: PLC0415 - heavy, and not everybody's

    with torch.inference_mode():
        batch = torch.stack(prepared).to(tower.device, tower.dtype)
        rows = tower.network.encode_image(batch).float().cpu().numpy()
    return [np.array(row, np.float32) for row in rows]


def _empty_cache() -> None:
    import torch  # noqa: PLC0415 - heavy, and not everybody's

    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _middle(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of a long strip, what the crop in the middle could see: enlarged whole, it would take hundreds of megabytes."""
    height, width = picture.shape[:2]
    most = _LONGEST * min(height, width)
    top, left = max(0, height - most) // 2, max(0, width - most) // 2
    return picture[top : top + most, left : left + most]


def _shape(path: Path, key: str) -> tuple[int, ...] | None:
    """Of one tensor of a file, the others not read. Raises WeightsError where the file is damaged or holds more."""
    try:
        if path.suffix == SAFETENSORS:
            import safetensors  # noqa: PLC0415 - comes with open_clip

            with safetensors.safe_open(str(path), framework="pt") as file:
                return tuple(file.get_slice(key).get_shape()) if key in file.keys() else None  # noqa: SIM118
        import torch  # noqa: PLC0415 - heavy, and not everybody's

        held = torch.load(str(path), map_location="cpu", mmap=True, weights_only=True)
        held = held.get("state_dict", held)
        return tuple(held[key].shape) if key in held else None
    except Exception as error:
        raise WeightsError(f"{path} is damaged, or holds more than tensors: {first_line(error)}") from error


def _digest(definition: Any) -> str:
    return hashlib.sha256(json.dumps(definition, sort_keys=True, default=str).encode()).hexdigest()


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
