"""The eight ways a picture can be mirrored and turned by right angles.

One perceptual hash misses a mirrored copy entirely, so a query is asked in all eight poses. A pose says what to do to
the *query* so that it lies like the reference: transpose first, then mirror along x, then along y.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from service.domain.values import Edit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.domain.values import Matrix3


@dataclass(frozen=True, slots=True)
class Pose:
    transpose: bool
    mirror_x: bool
    mirror_y: bool

    def lay(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Turn a picture (H, W) or (H, W, C) so that it lies as the reference does; a view, no copy."""
        if self.transpose:
            picture = picture.swapaxes(0, 1)
        if self.mirror_x:
            picture = picture[:, ::-1]
        if self.mirror_y:
            picture = picture[::-1]
        return picture

    @property
    def edits(self) -> tuple[Edit, ...]:
        """What a person would call it: a pose with an odd number of reflections is a mirror image."""
        reflections = self.transpose + self.mirror_x + self.mirror_y
        if reflections % 2 == 0:
            return (Edit.ROTATED,) if reflections else ()
        return (Edit.ROTATED, Edit.FLIPPED) if self.transpose else (Edit.FLIPPED,)

    @property
    def transform(self) -> Matrix3:
        """The 3x3 matrix, row-major, that maps query shares (x, y, 1) to reference shares."""
        x_row = (0.0, 1.0, 0.0) if self.transpose else (1.0, 0.0, 0.0)
        y_row = (1.0, 0.0, 0.0) if self.transpose else (0.0, 1.0, 0.0)
        return (
            _mirrored(x_row) if self.mirror_x else x_row,
            _mirrored(y_row) if self.mirror_y else y_row,
            (0.0, 0.0, 1.0),
        )


def _mirrored(row: tuple[float, float, float]) -> tuple[float, float, float]:
    """1 minus the share that the row computes."""
    return (0.0 - row[0], 0.0 - row[1], 1.0 - row[2])


POSES: tuple[Pose, ...] = tuple(
    Pose(transpose, mirror_x, mirror_y)
    for transpose in (False, True)
    for mirror_x in (False, True)
    for mirror_y in (False, True)
)
"""All eight; the first is the picture as it stands."""


def pose_coefficients(coefficients: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosine coefficients of the picture in all eight poses, without touching its pixels again.

    `coefficients` is (n, n), rows the vertical frequencies 1..n, columns the horizontal ones. Mirroring along an axis
    changes the sign of that axis's odd frequencies; transposing swaps the axes. Returns (8, n, n) in `POSES` order.
    """
    signs = np.where(np.arange(1, coefficients.shape[0] + 1) % 2 == 1, np.float32(-1), np.float32(1))
    posed = []
    for pose in POSES:
        turned = coefficients.T if pose.transpose else coefficients
        if pose.mirror_x:
            turned = turned * signs[None, :]
        if pose.mirror_y:
            turned = turned * signs[:, None]
        posed.append(turned)
    return np.stack(posed)
