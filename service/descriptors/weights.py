"""Weights as files: found, named by their SHA-256, and never run.

A pickle is a program, and a checkpoint from anywhere may be one. Only containers that hold plain numbers are opened:
safetensors, and the archives of `torch.save`, which PyTorch reads with everything but tensors refused (`weights_only`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

_CHUNK = 1024 * 1024
SAFETENSORS = ".safetensors"
TORCH = (".pt", ".pth", ".bin", ".ckpt")
_ARCHIVE = b"PK\x03\x04"


@dataclass(frozen=True, slots=True)
class Weights:
    """A file as it was when it was read."""

    path: Path
    sha256: str

    def check(self) -> None:
        """Raises WeightsError if the file is not what it was: vectors of other weights must not be compared."""
        if fingerprint(self.path).sha256 != self.sha256:
            raise WeightsError(
                f"The weights in {self.path} have been exchanged since they were opened. Start the service again: "
                "it takes them for a new generation."
            )


def fingerprint(path: Path) -> Weights:
    """Raises WeightsError where the file cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise WeightsError(f"The weights in {path} cannot be read: {error.strerror}.") from error
    return Weights(path, digest.hexdigest())


def refuse_programs(path: Path) -> None:
    """Raises WeightsError for anything but safetensors and archives of `torch.save`; looks at the first bytes alone."""
    if path.suffix == SAFETENSORS:
        return
    if path.suffix not in TORCH:
        raise WeightsError(f"{path} is no kind of weights that is read here: {', '.join((SAFETENSORS, *TORCH))}.")
    try:
        with path.open("rb") as file:
            start = file.read(len(_ARCHIVE))
    except OSError as error:
        raise WeightsError(f"The weights in {path} cannot be read: {error.strerror}.") from error
    if start != _ARCHIVE:
        raise WeightsError(
            f"{path} is no archive of tensors. A bare pickle could run a program and is not opened; "
            f"save the weights as {SAFETENSORS}."
        )


def first_line(error: Exception) -> str:
    """Of what a library said about a file, as much as fits a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2])[:300] or type(error).__name__
