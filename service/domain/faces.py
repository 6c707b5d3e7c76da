"""Faces of a picture: where they were found, how good each is, and whether it may be a picture of one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.domain.values import Region

Point = tuple[float, float]
"""Across and down, as shares of the upright picture."""


@dataclass(frozen=True, slots=True)
class Landmarks:
    """Corners of the eyes and the base of the nose. Left and right are the picture's, not the person's."""

    left_outer: Point
    left_inner: Point
    right_inner: Point
    right_outer: Point
    nose: Point


@dataclass(frozen=True, slots=True)
class Face:
    """Where a face is, as its detector says. The box may reach beyond the picture."""

    box: Region
    confidence: float | None = None
    """0..1 where the detector tells one."""
    landmarks: Landmarks | None = None


def pixels_of(box: Region, width: int, height: int) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom in pixels of what lies in a picture of that size; None where nothing does."""
    left, right = (min(max(round(share * width), 0), width) for share in box[::2])
    top, bottom = (min(max(round(share * height), 0), height) for share in box[1::2])
    return (left, top, right, bottom) if right > left and bottom > top else None


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """Numbers are 0..1, higher is better, but where another unit stands beside them. `unknown` says why one is None."""

    size: float | None = None
    pose: float | None = None
    occlusion: float | None = None
    """1 where nothing covers the face."""
    sharpness: float | None = None
    exposure: float | None = None
    inter_eye_pixels: float | None = None
    """Between the middles of the eyes, lengthened by what a turned head hides of it."""
    yaw: float | None = None
    """Degrees to a side; plus is towards the right of the picture."""
    pitch: float | None = None
    """Degrees up or down."""
    roll: float | None = None
    """Degrees in the picture's plane; plus is clockwise."""
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundFace:
    """A face as it was judged."""

    box: Region
    confidence: float | None
    quality: FaceQuality
    presentation_attack: float | None = None
    """The risk, 0..1, that this is no living face but a print, a screen or a mask before a camera."""
    unknown: Mapping[str, str] = field(default_factory=dict)
