"""Where two pictures differ once one is laid on the other, as a picture for people.

The reference is shown in grey. What the query does not show of it is darkened; where both show something, the
difference that no change of light or colour as a whole explains is laid on in red. A copy that was only saved anew or
recoloured stays grey; a caption, a sticker or another figure on the same form stands out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from service.compare.appearance import unexplained
from service.compare.warp import between_middles, inside, warped

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.domain.values import Matrix3

SIDE = 512
"""Pixels of the longer side."""
_BLUR = 1.5
"""Pixels (sigma): edges that lie half a pixel apart are no change."""
_LEAST, _FULL = 12.0, 60.0
"""Grey levels from which a difference shows, and from which it is red altogether."""
_DARKENED = 0.35
_RED = np.array([225, 30, 40], np.float32)


def change_map(
    query: NDArray[np.uint8], reference: NDArray[np.uint8], transform: Matrix3 | NDArray[np.float64]
) -> NDArray[np.uint8]:
    """(h, w, 3) in the reference's frame. Both pictures are upright RGB; `transform` maps query shares to its shares."""
    scale = min(1.0, SIDE / max(reference.shape[:2]))
    if scale < 1:
        size = (max(1, round(reference.shape[1] * scale)), max(1, round(reference.shape[0] * scale)))
        reference = np.asarray(cv2.resize(reference, size, interpolation=cv2.INTER_AREA), np.uint8)
    height, width = reference.shape[:2]
    shares = np.diag([1 / width, 1 / height, 1.0])
    back = np.diag([query.shape[1], query.shape[0], 1.0]) @ np.linalg.inv(np.asarray(transform, np.float64)) @ shares
    back = between_middles(back / back[2, 2])
    laid, seen = warped(query, back, (width, height)), inside(query, back, (width, height))
    grey = cv2.cvtColor(reference, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None]
    shown = np.repeat(np.where(seen[..., None], grey, grey * _DARKENED), 3, axis=2)
    if seen.any():
        both = (laid, np.where(seen[..., None], reference, laid))  # beyond the edge nothing differs, so none shines in
        here, there = (np.asarray(cv2.GaussianBlur(one, (0, 0), _BLUR), np.float32)[seen] for one in both)
        change = np.abs(unexplained(here, there)).max(axis=-1, keepdims=True)
        amount = np.clip((change - _LEAST) / (_FULL - _LEAST), 0, 1)
        shown[seen] = shown[seen] * (1 - amount) + _RED * amount
    return np.round(shown).clip(0, 255).astype(np.uint8)


def as_png(picture: NDArray[np.uint8]) -> bytes:
    """RGB (h, w, 3) to a PNG file."""
    _, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return data.tobytes()
