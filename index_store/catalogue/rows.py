"""Rows to records and back: the one place that knows both spellings."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

import numpy as np
from sqlalchemy import Row

from index_store.records import ApiKey, Content, HandIn, Image, NewVector, ProvedMatch, Space, StoredVector

_IN_ONE_QUESTION = 500  # well below any database's limit on bound parameters
HALF = np.dtype("<f2")
"""How a vector lies in its column: little-endian float16, whatever machine wrote it."""


def chunks(items: Iterable[str]) -> Iterator[list[str]]:
    """The distinct items, in lists short enough for one IN (…)."""
    distinct = list(dict.fromkeys(items))
    for start in range(0, len(distinct), _IN_ONE_QUESTION):
        yield distinct[start : start + _IN_ONE_QUESTION]


def content_record(row: Row[Any]) -> Content:
    return Content(*_named(row, Content))


def image_record(row: Row[Any]) -> Image:
    return Image(*_named(row, Image))


def space_record(row: Row[Any]) -> Space:
    return Space(*_named(row, Space))


def key_record(row: Row[Any]) -> ApiKey:
    return ApiKey(*_named(row, ApiKey))


def vector_record(row: Row[*tuple[Any, ...]], sequence: int) -> StoredVector:
    values = np.frombuffer(row.values, dtype=HALF)
    return StoredVector(row.id, row.content_id, row.space_id, sequence, values)


def _named(row: Row[Any], record: type) -> list[Any]:
    mapping = row._mapping  # noqa: SLF001 - SQLAlchemy's public name, underscored so as not to hide a column
    return [mapping[field.name] for field in fields(record)]


def content_row(content: Content, created: str) -> dict[str, Any]:
    return {field.name: getattr(content, field.name) for field in fields(content)} | {"created": created}


def image_row(image: Image) -> dict[str, Any]:
    return {field.name: getattr(image, field.name) for field in fields(image)}


def new_image(entry: HandIn, *, stored: bool, created: str, sequence: int) -> Image:
    """The image a hand-in becomes."""
    return Image(
        image_id=entry.image_id,
        content_id=entry.content_id,
        external_id=entry.external_id,
        person_id=entry.person_id,
        metadata=entry.metadata,
        state="active",
        outcome="stored" if stored else "referenced",
        verdict=entry.verdict,
        relation=entry.relation,
        probability=entry.probability,
        verdict_block=entry.verdict_block,
        handed_in_bytes=entry.handed_in_bytes,
        created=created,
        sequence=sequence,
    )


def vector_row(vector: NewVector, content_id: str) -> dict[str, Any]:
    return {
        "content_id": content_id,
        "space_id": vector.space_id,
        "ordinal": vector.ordinal,
        "box": vector.box,
        "values": vector.values.astype(HALF).tobytes(),
    }


def match_row(match: ProvedMatch, created: str) -> dict[str, Any]:
    return {field.name: getattr(match, field.name) for field in fields(match)} | {"created": created}
