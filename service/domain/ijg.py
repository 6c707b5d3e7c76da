"""The quantisation tables that the Independent JPEG Group's library makes of a quality, which most programs use."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@cache
def ijg_luminance(quality: int) -> NDArray[np.int64]:
    """(64,): the steps of the luminance table at a quality, 1..100, row by row (libjpeg's jcparam.c)."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality  # noqa: PLR2004 - as there
    return np.asarray(np.clip((np.array(_LUMINANCE) * scale + 50) // 100, 1, 255), np.int64)


_LUMINANCE: Final = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55),
    *(14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87, 80, 62),
    *(18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92),
    *(49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
"""ITU-T T.81, table K.1."""
