"""Entries for tests, told apart by a name: equal names give equal bytes, hashes and vectors."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from index_store.group_records import GroupAnswer
from index_store.records import Committed, Content, HalfVector, HandIn, NewVector, Space

DIMENSION = 8


def a_hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def a_vector(name: str, dimension: int = DIMENSION) -> HalfVector:
    """A direction of its own for each name, of length 1."""
    values = np.random.default_rng(list(name.encode())).standard_normal(dimension)
    return (values / np.linalg.norm(values)).astype(np.float16)


def a_content(name: str, **fields: Any) -> Content:
    given: dict[str, Any] = {
        "sha256": a_hash(name),
        "bytes": 1000,
        "format": "JPEG",
        "width": 640,
        "height": 480,
        "pixel_hash": a_hash(f"pixels of {name}"),
        "phash": hashlib.sha256(name.encode()).digest(),
        "normalise_version": 1,
    }
    return Content(**given | fields)


def a_hand_in(name: str, space: Space | None = None, **fields: Any) -> HandIn:
    """A new picture, with one vector if a space is given."""
    given: dict[str, Any] = {
        "content_id": a_hash(name),
        "content": a_content(name),
        "handed_in_bytes": 1000,
        "verdict": "unique",
        "probability": 0.0,
        "verdict_block": {"verdict": "unique"},
    }
    if space is not None:
        given["vectors"] = (NewVector(space.space_id, a_vector(name, space.dimension)),)
    return HandIn(**given | fields)


def committed(answer: GroupAnswer) -> Committed:
    assert isinstance(answer, Committed), answer  # noqa: S101 - this is a test's assertion
    return answer


@contextmanager
def refused(error: type[Exception]) -> Iterator[None]:
    """The block must raise this error (what `pytest.raises` does, without pytest)."""
    try:
        yield
    except error:
        return
    raise AssertionError(f"expected {error.__name__}")
