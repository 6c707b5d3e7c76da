"""Parts of a picture: left, top, right and bottom as shares of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.domain.values import Region


def overlap(left: Region, right: Region) -> float:
    """Intersection over union of two regions, [0, 1]."""
    wide = min(left[2], right[2]) - max(left[0], right[0])
    high = min(left[3], right[3]) - max(left[1], right[1])
    common = max(0.0, wide) * max(0.0, high)
    union = _area(left) + _area(right) - common
    return common / union if union else 0.0


def _area(region: Region) -> float:
    return max(0.0, region[2] - region[0]) * max(0.0, region[3] - region[1])
