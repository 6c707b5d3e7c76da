"""Thumbnails of our own making: written here, and read back here.

`load` runs in the serving process, so it takes only what `encode` wrote: a small JPEG. A stranger's file goes through
the pool, never through here.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from service.domain.errors import BrokenPictureError
from service.pictures.admit import WORKING_SIDE

if TYPE_CHECKING:
    from numpy.typing import NDArray

_QUALITY = 90
_MOST_BYTES = 2 * 2**20


def encode(working: NDArray[np.uint8], side: int = WORKING_SIDE) -> bytes:
    """The JPEG of a working picture (height, width, 3; sRGB), at most `side` pixels long, without any metadata."""
    out = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(working))
    image.thumbnail((side, side))
    image.save(out, "JPEG", quality=_QUALITY, optimize=False)
    return out.getvalue()


def load(data: bytes) -> NDArray[np.uint8]:
    """The pixels (height, width, 3) of a thumbnail that `encode` wrote.

    Raises BrokenPictureError if it is anything else: another format, too large, or damaged on disk.
    """
    if len(data) > _MOST_BYTES:
        raise BrokenPictureError("The stored thumbnail is larger than any thumbnail of ours.")
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            if image.mode != "RGB" or max(image.size) > WORKING_SIDE:
                raise BrokenPictureError("The stored thumbnail is not one of ours.")
            return np.asarray(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise BrokenPictureError("The stored thumbnail is damaged.") from error
