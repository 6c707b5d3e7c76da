"""The training pictures, without those that are never trained on."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

ARCHIVES = ("caltech101.tar", "clothing.tar")
HELD_OUT = Path(__file__).parents[2] / "benchmarks" / "splits" / "train-held-out.txt"


def files(shared: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of every training picture."""
    for name in ARCHIVES:
        with tarfile.open(shared / "data" / "train" / name) as archive:
            for member in archive:
                file = archive.extractfile(member)
                if file is not None:
                    yield member.name, file.read()


def held_out() -> frozenset[str]:
    """SHA-256 of the pictures that are kept for the benchmark."""
    return frozenset(HELD_OUT.read_text(encoding="ascii").split())


def parted(shared: Path, *, trained: bool) -> Iterator[tuple[int, bytes]]:
    """Those that may be trained on, or those that never are: number among all, and bytes."""
    kept = held_out()
    for number, (_, data) in enumerate(files(shared)):
        if (hashlib.sha256(data).hexdigest() in kept) != trained:
            yield number, data


def load(shared: Path, *, trained: bool) -> list[NDArray[np.uint8]]:
    """Those that may be trained on, or those that never are; (h, w, 3) RGB, in the archives' order."""
    pictures = []
    for _, data in parted(shared, trained=trained):
        with Image.open(io.BytesIO(data)) as image:
            pictures.append(np.asarray(image.convert("RGB")))
    return pictures
