"""Further descriptor spaces beside the one of copy detection: each a model, its index, and what the catalogue keeps.

The built-in space decides on copies. What further ones say stands beside it: pictures of like meaning, the same face.
A picture's vectors of them are written after its commit, once for each space, so that a commit never waits for a model
and nothing is lost if the process dies between the two: whatever a space lacks is told by the catalogue, and filled.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from index_store.description_records import Description
from index_store.records import NewVector
from service import log
from service.domain.errors import BadDescriptorError, UnknownSpaceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from index_store.records import Space
    from index_store.vectors.follower import Follower
    from service.descriptors.protocol import Described, SpaceModel

    Descriptions = Mapping[str, tuple[Described, ...] | None]
    """What each space has of a picture, by the space's name; None where its model failed on it."""


@dataclass(frozen=True, slots=True)
class FurtherSpace:
    """One of them, opened."""

    space: Space
    """At the generation that the model is."""
    model: SpaceModel
    follower: Follower

    @property
    def name(self) -> str:
        return self.space.name


def space_named(name: str, spaces: Iterable[FurtherSpace]) -> FurtherSpace:
    """Raises UnknownSpaceError, naming those that there are."""
    known = {one.name: one for one in spaces}
    if name not in known:
        raise UnknownSpaceError(f"There is no descriptor space {name!r}; there is: {', '.join(known) or 'none'}.")
    return known[name]


def describe(picture: NDArray[np.uint8], spaces: Iterable[FurtherSpace]) -> Descriptions:
    """What each space has of an upright sRGB picture (H, W, 3). A model that fails is logged: it must not stop a verdict."""
    return {one.name: _described_by_one(one, picture) for one in spaces}


def _described_by_one(space: FurtherSpace, picture: NDArray[np.uint8]) -> tuple[Described, ...] | None:
    try:
        return described_by(space.model, [picture])[0]
    except Exception as error:  # noqa: BLE001 - a library's own; copies are told of without it
        log.event("a model fails on a picture", level=logging.WARNING, space=space.name, error=error)
        return None


def described_by(model: SpaceModel, pictures: Sequence[NDArray[np.uint8]]) -> list[tuple[Described, ...]]:
    """What the model has of each picture. Raises BadDescriptorError: a NaN would match everything, or nothing, for ever."""
    told = model.describe(pictures)
    if len(told) != len(pictures):
        raise BadDescriptorError(f"{model.name} was asked about {len(pictures)} pictures and told of {len(told)}.")
    return [tuple(_usable(one, model) for one in of_picture) for of_picture in told]


def _usable(one: Described, model: SpaceModel) -> Described:
    """With its box cut to the picture: a detector may see a face that is not all in it."""
    with np.errstate(over="ignore"):  # what does not fit is not finite, and refused below
        half = one.vector.astype(np.float16)
    if one.vector.shape != (model.dimension,) or not np.isfinite(half).all() or not half.any():
        raise BadDescriptorError(f"{model.name} gave a descriptor that is zero, not finite or of another length.")
    if one.box is None:
        return one
    left, top, right, bottom = (min(1.0, max(0.0, float(edge))) for edge in one.box)
    if not (left < right and top < bottom):
        raise BadDescriptorError(f"{model.name} gave a face that lies outside the picture.")
    return replace(one, box=(left, top, right, bottom))


def description_of(content_id: str, space: Space, told: Sequence[Described]) -> Description:
    """What is to be remembered of it."""
    vectors = (
        NewVector(space.space_id, one.vector.astype(np.float16), number, one.box) for number, one in enumerate(told)
    )
    return Description(content_id, space.space_id, tuple(vectors))
