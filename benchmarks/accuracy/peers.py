"""Hashes that others publish, asked in the same way as our own descriptor.

A hash of b bits becomes b numbers of plus and minus one, at unit length: their cosine is 1 - 2 h / b for a Hamming
distance of h, so that ranks and thresholds are those of the distance.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.accuracy.first_stage import Descriptor, posed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

IMAGEHASHES = ("phash", "dhash", "whash")


def hashes() -> list[Descriptor]:
    """PDQ, also in eight poses as its library offers them, and imagehash's three, of 64 bits."""
    import pdqhash  # noqa: PLC0415 - in the `heavy` extra

    def pdq(picture: Pixels) -> Any:
        return pdqhash.compute(picture)[0]

    name = f"PDQ 256 (pdqhash {version('pdqhash')})"
    return [
        Descriptor(name, signs(pdq)),
        Descriptor(f"{name}, 8 poses", signs(pdq), posed),
        *map(_imagehash, IMAGEHASHES),
    ]


def signs(bits: Callable[[Pixels], Any]) -> Callable[[Sequence[Pixels]], NDArray[np.float32]]:
    """A function to bits, as a descriptor's: (n, b) at unit length."""

    def describe(pictures: Sequence[Pixels]) -> NDArray[np.float32]:
        rows = np.stack([np.asarray(bits(picture), np.float32).ravel() for picture in pictures]) * 2 - 1
        unit: NDArray[np.float32] = rows / np.float32(np.sqrt(rows.shape[1]))
        return unit

    return describe


def _imagehash(name: str) -> Descriptor:
    import imagehash  # noqa: PLC0415 - in the `heavy` extra

    function = getattr(imagehash, name)
    return Descriptor(
        f"{name} 64 (imagehash {version('imagehash')})",
        signs(lambda picture: function(Image.fromarray(picture)).hash),
    )
