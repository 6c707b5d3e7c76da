"""How large a further model sees a picture: one rule for all of them, and for everybody who asks them.

Whoever hands over a picture may bring it to that size before, to hold less of it while it waits; the model does so
anyhow, and what was brought there already is left as it is. So the service, a job that fills a space and
`compare-models` show a model the same pixels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONG_SIDE = 1024
"""Pixels. DeepFace lays a border around a picture, four times its pixels, and Dlib doubles that picture again: of a large
upload it would be gigabytes, which no budget of decoders knows of. No CLIP sees as much as that."""


def brought(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture (H, W, 3) with no side longer than LONG_SIDE, averaged; the same object where it is so small."""
    height, width = picture.shape[:2]
    scale = LONG_SIDE / max(height, width)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def copied(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same, always an array of its own: what it was read from may be let go."""
    seen = brought(picture)
    return np.array(seen) if seen is picture else seen
