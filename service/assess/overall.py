"""One number for how good a picture is, made so that it falls with everything that takes something away.

The product of what each loss leaves:

    overall = detail * sharpness^(1/2) * 1 / (1 + noise / 30) * (1 + 4 compression) / 5 * (exposure * contrast)^(1/8)

- detail: log(1 + E / 0.01) / log(1 + 24 / 0.01), at most 1, for E effective megapixels: each doubling counts the same,
  and 24 megapixels are enough for anything;
- sharpness, less what the noise adds to it: the variance of the Laplacian of white noise is 20 times its own;
- noise in grey levels; compression as it stands in the answer.

The exponents are the least that keep it falling: detail weighs more than the sharpness that scaling down adds, and
compression more than the noise that it removes. benchmarks/results/quality.json has what came of it.
"""

from __future__ import annotations

import math
from typing import Final

from service.assess.sharpness import HALF_SHARP

LEAST_DETAIL, FULL_DETAIL = 0.01, 24.0
"""Megapixels."""
STRONG_NOISE: Final = 30.0
"""Grey levels of noise that halve the number."""
OF_NOISE: Final = 20.0
LEFT_BY_NOISE: Final = 0.05
"""Share of the variance that is left whatever the noise, whose reading is rough where all is detail."""


def overall(
    *, megapixels: float, sharpness: float, noise: float, compression: float, exposure: float, contrast: float
) -> float:
    """0..1. `megapixels` are effective ones; all else as in `Quality`."""
    detail = min(1.0, math.log1p(megapixels / LEAST_DETAIL) / math.log1p(FULL_DETAIL / LEAST_DETAIL))
    clean = 1 / (1 + noise / STRONG_NOISE)
    kept = (1 + 4 * compression) / 5
    return detail * math.sqrt(_without_noise(sharpness, noise)) * clean * kept * math.pow(exposure * contrast, 0.125)


def _without_noise(sharpness: float, noise: float) -> float:
    variance = HALF_SHARP * sharpness / (1 - sharpness)
    left = max(variance - OF_NOISE * noise**2, LEFT_BY_NOISE * variance)
    return left / (left + HALF_SHARP)
