"""What was cut off at black and white in one of two pictures, and is still there in the other.

Where light or colour was pushed beyond the end of the scale, levels that differed became one and the same, and no
change of light brings the difference back (for clipping as a trace of enhancement see Stamm and Liu, "Forensic detection
of image manipulation using statistical intrinsic fingerprints", IEEE TIFS 2010). A highlight that the camera itself has
cut off is at one level in both, whatever was done to its light since: it tells nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLACK, WHITE = 1, 254
"""Levels from which on a channel is cut off: saving as JPEG moves them by one."""
FEWEST = 40
"""Pixels of a channel that must be cut off to be looked at; every other one of every other row is."""


def crushed(cut: NDArray[np.uint8], other: NDArray[np.uint8], same: NDArray[np.bool_]) -> float:
    """Levels (RMS over all that both show) by which `other` (h, w, 3) varies where `cut` is black or white in a channel,
    beyond what an affine map of the colours of `cut` explains.
    """
    inside = same[::2, ::2]
    here, there = (one[::2, ::2][inside] for one in (cut, other))
    if not len(here):
        return 0.0
    lost = 0.0
    for channel in range(3):
        for at_end in (here[:, channel] <= BLACK, here[:, channel] >= WHITE):
            if at_end.sum() >= FEWEST:
                lost += _unexplained(here[at_end], there[at_end, channel])
    return float((lost / (3 * len(here))) ** 0.5)


def _unexplained(colours: NDArray[np.uint8], levels: NDArray[np.uint8]) -> float:
    """The sum of squares that is left of the levels after an affine map of the colours."""
    known = np.column_stack([colours.astype(np.float64), np.full(len(colours), 255.0)])
    wanted = levels.astype(np.float64)
    # The ridge keeps a channel that is the same everywhere from being divided by.
    weights = np.linalg.solve(known.T @ known + np.eye(4), known.T @ wanted)
    left = known @ weights - wanted
    return float(left @ left)
