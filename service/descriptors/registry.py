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
    side: int
    """Pixels of the square that a picture is seen as."""
    weights: str
    """The file, beside this one."""
    weights_sha256: str
    least_similarity: float = -1.0
    """No neighbour that is less similar is looked at by geometry: what lies below is no first stage's find."""

    @property
    def model_id(self) -> str:
        """What verdicts name, e.g. `dct-1`."""
        return f"{self.name}-{self.revision}"

    def _state(self) -> dict[str, object]:
        """Everything that changes the numbers; how they are used is another matter."""
        return {name: value for name, value in asdict(self).items() if name != "least_similarity"}

    def generation(self, normalise_version: int) -> str:
        """64 hex digits; another digest means numbers that must not be compared."""
        state = json.dumps(self._state() | {"normalise_version": normalise_version}, sort_keys=True)
        return hashlib.sha256(state.encode()).hexdigest()


BUILTIN = DescriptorModel(
    name="builtin",
    revision=1,
    dimension=256,
    metric="cosine",
    preprocessing="upright sRGB, long side <= 512, squeezed to 128x128 by averaging, unit length",
    side=128,
    weights="builtin-1.onnx",
    weights_sha256="e31b4c2e540715d461b947dde28d2693b6e11ac3effc09898afd3c71326cb3b6",
    least_similarity=0.25,
)

MODELS = {"builtin": BUILTIN}
"""By the name that KEEPONE_DESCRIPTORS uses."""
