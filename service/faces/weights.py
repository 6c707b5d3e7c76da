"""Weight files that a user brings along: read once, and only if they are the very ones that are known."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from service.domain.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path


def known_weights(path: Path, sha256: str, source: str) -> bytes:
    """The file's bytes. Raises WeightsError where it is missing or another one; nothing of it is executed before."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(
            f"{path.name} cannot be read in {path.parent}. Put it there; it comes from {source}."
        ) from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise WeightsError(f"{path} is not the file that it should be. The right one comes from {source}.")
    return data
