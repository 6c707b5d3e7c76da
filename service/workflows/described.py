"""A picture's descriptors where no store and no parts are at hand: for matchers, in whatever process they look."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from service.descriptors.builtin import Builtin
from service.descriptors.registry import MODELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


def described(pictures: Sequence[NDArray[np.uint8]], space: str = "builtin") -> NDArray[np.float32]:
    """Upright RGB pictures, each (H, W, 3), to their descriptors: (n, dimension) at unit length. Raises WeightsError."""
    return _opened(space).embed(pictures)


@cache
def _opened(space: str) -> Builtin:
    """Once in each process."""
    return Builtin(MODELS[space])
