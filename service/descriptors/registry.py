"""Descriptor models as rows of data: to add a model is to add a row.

A *space* is a model; its *generation* is one exact state of it, a digest over everything that changes its numbers.
Vectors of two generations are never compared.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class DescriptorModel:
    """One row. `revision` is raised by hand whenever code that makes the numbers changes."""

    name: str
    revision: int
    dimension: int
    metric: str
    preprocessing: str
    least_similarity: float = -1.0
    """No neighbour that is less similar is looked at by geometry: what lies below is no first stage's find."""
    stands_out: float = 0.0
    """By how much a neighbour must be more similar than a crowd of others to be looked at by geometry."""
    weights_sha256: str | None = None

    @property
    def model_id(self) -> str:
        """What verdicts name, e.g. `dct-1`."""
        return f"{self.name}-{self.revision}"

    def _state(self) -> dict[str, object]:
        """Everything that changes the numbers; how they are used is another matter."""
        return {name: value for name, value in asdict(self).items() if name not in {"least_similarity", "stands_out"}}

    def generation(self, normalise_version: int) -> str:
        """64 hex digits; another digest means numbers that must not be compared."""
        state = json.dumps(self._state() | {"normalise_version": normalise_version}, sort_keys=True)
        return hashlib.sha256(state.encode()).hexdigest()


DCT = DescriptorModel(
    name="dct",
    revision=1,
    dimension=256,
    metric="cosine",
    preprocessing="upright sRGB, long side <= 512, averaged to 64x64 BT.601 luma, DCT rows and columns 1..16, unit length",
    least_similarity=0.75,
    stands_out=0.1,
)

MODELS = {"builtin": DCT}
"""By the name that KEEPONE_DESCRIPTORS uses."""
