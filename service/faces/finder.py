"""What every face detector does: an upright picture to the faces in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from service.domain.faces import Face


class FaceFinder(Protocol):
    """One detector, opened. Several threads may ask it at once."""

    def find(self, picture: NDArray[np.uint8]) -> tuple[Face, ...]:
        """Of an upright sRGB picture (H, W, 3): the faces, the surest first."""
