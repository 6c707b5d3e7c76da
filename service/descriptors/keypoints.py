"""Pixels to local features: SIFT's spots and patches, shortened to 48 bytes each.

SIFT: Lowe, "Distinctive image features from scale-invariant keypoints" (IJCV 2004). Its patches are compared by the
square roots of their shares (Arandjelovic and Zisserman, "Three things everyone should know to improve object
retrieval", CVPR 2012), and of the 128 numbers the 48 directions are kept that vary most among training pictures
(`training/keypoints.py`). Chosen by measurement, on edited copies of photographs: 48 numbers at one byte find what 128
floating ones do, 32 lose; 200 features of a reference against 600 of a query lose little of 300 against 1,000, and at
today's size against 400 nothing. Two layers an octave find as much as three. Of the 750 copies with one edit and 500
with several that were looked at (fitting half), pictures of 192 pixels prove 98.4 and 88.4 %, of 256 98.5 and 89.0 %,
of 160 98.4 and 88.2 % less surely; they take 12, 19 and 9 ms.

The mirror image needs no second look: mirroring a patch only reorders its numbers.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from service.descriptors.insets import cut
from service.domain.keypoints import CODE_SCALE, Keypoints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from service.domain.values import Region

REVISION = 5
"""Raised whenever the numbers change: features of two revisions are never compared."""
SIDE, INSET_SIDE = 192, 160
"""Pixels of the longer side at which features are looked for, and of an inset; SIFT itself doubles it once."""
MOST_ASKED = 400
"""Features of a query: what lies on top of a copy has features too, and more of them."""
CLOSE_SIDE, CLOSE_ASKED, CLOSE_KEPT = 288, 500, 400
"""As above, of the further features that a closer look adds, and how many of them it hears of a reference: what lies
under stripes, grain or a blur has its few steady spots among many others."""
CLOSER = 0.5
"""Share of the picture below which an inset is looked at by itself: on a page it has next to no features else."""

LAYERS = 2
"""In an octave."""
LEAST_CONTRAST = 0.02
PATCH_LENGTH = 128
"""Numbers of a SIFT patch: 4 x 4 squares of 8 directions."""
_BASIS = Path(__file__).with_name("keypoint_basis.f4")
BASIS_SHA256 = "0019da4a20c3e89cf4447b3cf4c75b3eae853d7988ba983b9c79162b489cbae1"
_MIRRORED = np.arange(PATCH_LENGTH).reshape(4, 4, 8)[::-1, :, (-np.arange(8)) % 8].ravel()
"""Rows of the patch change places, and so do directions that mirror each other."""


def extract(
    picture: NDArray[np.uint8],
    most: int,
    insets: Sequence[Region] = (),
    *,
    side: int = SIDE,
    inset_side: int = INSET_SIDE,
) -> tuple[Keypoints, Keypoints]:
    """Of an upright RGB picture (H, W, 3) at most so many features, most telling first; and those of its mirror image.

    Parts of it that are small are looked at once more by themselves, and have up to half as many features each.
    """
    height, width, _ = picture.shape
    longest = max(height, width)
    spots = [_spots(picture, most, side)]
    spots += [
        _spots(cut(picture, box), most // 2, inset_side).moved(round(box[0] * width), round(box[1] * height))
        for box in insets
        if (box[2] - box[0]) * (box[3] - box[1]) < CLOSER
    ]
    places = (np.concatenate([one.places for one in spots]) / longest).astype(np.float32)
    sizes = (np.concatenate([one.sizes for one in spots]) / longest).astype(np.float32)
    angles = np.concatenate([one.angles for one in spots])
    roots = rooted(np.concatenate([one.patches for one in spots]))
    wide, tall = width / longest, height / longest
    plain = Keypoints(places, sizes, angles, _codes(roots), wide, tall)
    across = places * np.array([-1, 1], np.float32) + np.array([wide, 0], np.float32)
    turned = ((np.pi - angles) % (2 * np.pi)).astype(np.float32)
    return plain, Keypoints(across, sizes, turned, _codes(roots[:, _MIRRORED]), wide, tall)


def extract_closely(picture: NDArray[np.uint8], insets: Sequence[Region] = ()) -> tuple[Keypoints, Keypoints]:
    """What a closer look adds to `extract`: features of smaller spots, in twice the time."""
    return extract(picture, CLOSE_ASKED, insets, side=CLOSE_SIDE, inset_side=CLOSE_SIDE)


@dataclass(frozen=True, slots=True, eq=False)
class _Spots:
    """What SIFT found, in pixels of the picture, most telling first."""

    places: NDArray[np.float32]
    sizes: NDArray[np.float32]
    angles: NDArray[np.float32]
    patches: NDArray[np.float32]

    def moved(self, right: int, down: int) -> _Spots:
        return replace(self, places=self.places + np.array([right, down], np.float32))


def _spots(picture: NDArray[np.uint8], most: int, side: int) -> _Spots:
    height, width, _ = picture.shape
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    grey = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), size, interpolation=method)
    found, patches = detector(most).detectAndCompute(grey, None)
    # Ties at the last place give one or two more than were asked for.
    order = np.argsort([-point.response for point in found], kind="stable")[:most]
    return _Spots(
        (np.array([found[n].pt for n in order]).reshape(-1, 2) / scale).astype(np.float32),
        (np.array([found[n].size for n in order]) / scale).astype(np.float32),
        np.deg2rad(np.array([found[n].angle for n in order], np.float32)),
        np.asarray(patches[order] if found else np.zeros((0, PATCH_LENGTH)), np.float32),
    )


def detector(most: int) -> cv2.SIFT:
    """SIFT for so many features."""
    return cv2.SIFT.create(nfeatures=most, nOctaveLayers=LAYERS, contrastThreshold=LEAST_CONTRAST)


def rooted(patches: NDArray[Any]) -> NDArray[np.float32]:
    """(n, 128) counts to the square roots of their shares, at unit length."""
    rooted: NDArray[np.float32] = np.sqrt(patches / np.maximum(patches.sum(axis=1, keepdims=True), 1e-6))
    return rooted


def _codes(roots: NDArray[np.float32]) -> NDArray[np.int8]:
    mean, directions = basis()
    turned = (roots - mean) @ directions
    turned /= np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-6)
    return np.round(turned * CODE_SCALE).clip(-127, 127).astype(np.int8)


@cache
def basis() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The mean (128,) and the directions (128, 48)."""
    data = _BASIS.read_bytes()
    if hashlib.sha256(data).hexdigest() != BASIS_SHA256:
        raise RuntimeError(f"{_BASIS.name} is not the file that belongs to this version")
    rows = np.frombuffer(data, "<f4").reshape(-1, PATCH_LENGTH).astype(np.float32)
    return rows[0], np.ascontiguousarray(rows[1:].T)
