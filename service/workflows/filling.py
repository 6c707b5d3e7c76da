"""Describing whatever a further space lacks, from the stored originals.

What is missing is read off the catalogue, and what is described is written there, each once: so this may be stopped or
killed at any moment, begun again, and run by two processes at once, and nothing is lost or done twice. A picture that
cannot be read, or that the model fails on, is passed over and told; it stays missing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from index_store.errors import CorruptBlobError, MissingBlobError
from index_store.failpoints import reached
from service import log
from service.descriptors import sizes
from service.domain.errors import BadPictureError, OverloadedError, SettingsError, WeightsError
from service.workflows.spaces import described_by, description_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from service.descriptors.protocol import Described
    from service.workflows.parts import Parts
    from service.workflows.spaces import FurtherSpace

AT_ONCE = 16
"""Pictures that a model is asked about together, and that are committed together."""
PIXEL_BYTES = 64 * 2**20
"""Decoded pictures that wait for each other, at the most; one larger picture is described alone."""
_UNREADABLE = (BadPictureError, MissingBlobError, CorruptBlobError)
_NOT_THE_PICTURES = (WeightsError, SettingsError, OverloadedError, MemoryError)
"""What a model raises that has nothing to do with what it was asked about."""
_PLAIN = np.repeat(np.add.outer(np.arange(64), np.arange(64)).astype(np.uint8)[..., None], 3, axis=2)
"""A picture, dark to light, that no model in order fails on."""


@dataclass(frozen=True, slots=True)
class Step:
    """What was done with a few pictures."""

    described: int
    """Newly, those without a face included."""
    unreadable: dict[str, str]
    """Content ids of those that could not be read or described, and why."""


def fill(
    space: FurtherSpace,
    parts: Parts,
    *,
    wants_to_stop: Callable[[], bool] = lambda: False,
    told: Callable[[Step], None] = lambda _: None,
) -> bool:
    """Describe all that is missing, however much comes meanwhile; False if it was stopped before.

    Then the space is in use, whole unless pictures were passed over, and older generations of it are not. Raises
    OverloadedError, StoreError and what the model raises; what was described before stays described.
    """
    lost: set[str] = set()
    after, described = "", 0
    while True:
        if wants_to_stop():
            return False
        missing = parts.catalogue.descriptions.missing(space.space.space_id, after, AT_ONCE)
        if missing:
            found_lacking(space, parts)
            step = _step(space, [name for name in missing if name not in lost], parts)
            lost.update(step.unreadable)
            told(step)
            after, described = missing[-1], described + step.described
        elif described:  # what came meanwhile may lie before what has been looked at
            after, described = "", 0
        else:
            parts.catalogue.descriptions.use(space.space.space_id, is_whole=not lost)
            return True


def found_lacking(space: FurtherSpace, parts: Parts) -> None:
    """Whoever sees that a space lacks something says so: it is not whole again before it was filled."""
    if is_whole(space, parts):
        parts.catalogue.descriptions.use(space.space.space_id, is_whole=False)


def is_whole(space: FurtherSpace, parts: Parts) -> bool:
    """Whether nothing is known to be missing in it, as its row says."""
    rows = parts.catalogue.descriptions.spaces()
    return any(row.space_id == space.space.space_id and row.state == "active" for row in rows)


def _step(space: FurtherSpace, content_ids: Sequence[str], parts: Parts) -> Step:
    unreadable: dict[str, str] = {}
    described = 0
    for some in _portions(content_ids, unreadable, parts):
        told = _told(space, some, unreadable)
        new = [description_of(name, space.space, one) for name, one in told.items()]
        reached("describe.described")
        described += parts.catalogue.descriptions.add(new).count("described")
        reached("describe.committed")
    return Step(described, unreadable)


def _told(
    space: FurtherSpace, some: Sequence[tuple[str, NDArray[np.uint8]]], unreadable: dict[str, str]
) -> dict[str, tuple[Described, ...]]:
    """What the model has of each, but of those that it fails on even alone. Raises what a model raises that is not well."""
    names = [name for name, _ in some]
    try:
        return dict(zip(names, described_by(space.model, [picture for _, picture in some]), strict=True))
    except _NOT_THE_PICTURES:
        raise
    except Exception as error:  # noqa: BLE001 - the library's own, whatever it is; raised again if the model is not well
        if len(some) > 1:
            return {name: one for pair in some for name, one in _told(space, [pair], unreadable).items()}
        # One picture must not block all that come after it; a device that is gone fails on any other picture too.
        described_by(space.model, [_PLAIN])
        log.event(
            "a model fails on a picture", level=logging.WARNING, space=space.name, content_id=names[0], error=error
        )
        unreadable[names[0]] = f"{space.name} fails on it: {type(error).__name__}: {error}"
        return {}


def _portions(
    content_ids: Sequence[str], unreadable: dict[str, str], parts: Parts
) -> Iterator[list[tuple[str, NDArray[np.uint8]]]]:
    """The pictures, decoded, in lists that memory has room for."""
    waiting: list[tuple[str, NDArray[np.uint8]]] = []
    held = 0
    for content_id in content_ids:
        try:
            # What has rotted is not what was stored, however well it still decodes.
            with parts.pool.decode(parts.blobs.get(content_id, verify=True), wait_s=None) as decoded:
                picture = sizes.copied(decoded.pixels)
        except _UNREADABLE as error:
            unreadable[content_id] = str(error)
            continue
        if waiting and held + picture.nbytes > PIXEL_BYTES:
            yield waiting
            waiting, held = [], 0
        waiting.append((content_id, picture))
        held += picture.nbytes
    if waiting:
        yield waiting
