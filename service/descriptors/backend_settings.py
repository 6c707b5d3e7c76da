"""What the back ends beside the built-in descriptor want to know of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class BackendSettings(Protocol):
    """As `service.settings.Settings` says it; a floor below may not know that."""

    @property
    def models_folder(self) -> Path:
        """Where weights lie: `clip/<architecture>/<tag>.safetensors`."""

    @property
    def device(self) -> Literal["auto", "cpu", "cuda"]:
        """`auto`: the GPU where there is one."""

    @property
    def precision(self) -> Literal["fp32", "fp16", "bf16"]:
        """Of a network's numbers."""

    @property
    def model_batch(self) -> int:
        """Pictures that one model is asked about together, at the most."""

    @property
    def model_idle_seconds(self) -> float:
        """After how long without a question a model is let go; 0: never."""

    @property
    def model_downloads(self) -> bool:
        """Whether weights that are missing may be fetched."""

    @property
    def face_detector(self) -> Literal["dlib", "yunet", "skip"]:
        """What finds the faces."""
