"""What every descriptor model does beside the built-in one: pictures to vectors, one for the whole or one for each face.

A *picture space* has one vector for each picture; a *face space* has one for each face found, with its box, and none
where there is none. What comes out of either is proposed as *similar* or *same person*; it never proves a copy by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from service.domain.values import Region


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """One vector, (dimension,) float32 as the model gives it, of the whole picture or of the face in `box`.

    It is finite and not zero; its length is the model's own, because the plain Euclidean distance depends on it.
    """

    vector: NDArray[np.float32]
    box: Region | None = None
    """Left, top, right and bottom as shares of the upright picture; None for the whole picture."""


class SpaceModel(Protocol):
    """One model at one exact state, opened. Several threads may ask it at once."""

    name: str
    """As `KEEPONE_DESCRIPTORS` and `similar:<space>` spell it, e.g. `clip:ViT-B-32/laion2b_s34b_b79k`, `deepface:Dlib`."""
    dimension: int
    of_faces: bool
    state: Mapping[str, object]
    """Everything that changes its numbers, weights by their SHA-256: what the generation is a digest of."""
    thresholds: Mapping[str, float]
    """By metric (`cosine`, `euclidean`, `euclidean_l2`), the largest distance at which two are one; what the model's own
    makers name, and empty where they name none."""

    def describe(self, pictures: Sequence[NDArray[np.uint8]]) -> list[tuple[Described, ...]]:
        """Upright sRGB pictures, each (H, W, 3), to their vectors; an empty tuple where there is nothing to describe."""

    def close(self) -> None:
        """Let go of memory and device."""
