"""A million descriptors that lie as real ones do, with the real ones among them.

Uniformly random directions are the easiest thing to search: nothing is near anything. Real descriptors crowd along a
few directions and in families. So a made one is a real one blended with another real one and shaken along the axes in
which real ones vary: a picture that could have been taken. The real pictures are planted at known places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.descriptors.registry import BUILTIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIMENSION = BUILTIN.dimension
SEED = 20261121


def mixture(real: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float16]:
    """(count, 256) made descriptors as the catalogue stores them."""
    spread = real.std(axis=0)
    made = np.empty((count, DIMENSION), np.float16)
    for start in range(0, count, 50_000):
        size = min(50_000, count - start)
        share = rng.uniform(0.5, 1.0, (size, 1)).astype(np.float32)
        rows = share * real[rng.integers(len(real), size=size)] + (1 - share) * real[rng.integers(len(real), size=size)]
        rows += 0.5 * spread * rng.standard_normal(rows.shape, np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        made[start : start + size] = rows
    return made


def queries(real: NDArray[np.float32], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """(count, 1, 256): a real picture, lightly edited, as a check asks."""
    spread = real.std(axis=0)
    chosen = real[rng.choice(len(real), count, replace=False)]
    edited = chosen + 0.15 * spread * rng.standard_normal(chosen.shape, np.float32)
    edited /= np.linalg.norm(edited, axis=1, keepdims=True)
    return np.asarray(edited[:, None], np.float32)
