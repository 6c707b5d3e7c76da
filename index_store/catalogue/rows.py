"""Rows to records and back: the one place that knows both spellings."""

from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from functools import cache
from operator import attrgetter
from typing import Any

import numpy as np
from sqlalchemy import Row

from index_store.description_records import PlacedVector
from index_store.job_records import IdempotentAnswer, Job, JobItem, JobItemOutcome, NewJob
from index_store.person_records import Person
from index_store.policy_records import PolicyRecord
from index_store.records import ApiKey, Content, HandIn, Image, NewVector, ProvedMatch, Space, StoredVector
from index_store.removal_records import NewRemoval, RemovalItem, RemovalRecord

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


def placed_vector(row: Row[*tuple[Any, ...]]) -> PlacedVector:
    values = np.frombuffer(row._mapping["values"], dtype=HALF)  # noqa: SLF001 - `values` is a method of the row
    box = None if row.box is None else (row.box[0], row.box[1], row.box[2], row.box[3])
    return PlacedVector(row.id, row.content_id, row.ordinal, box, values)


def job_record(row: Row[Any]) -> Job:
    return Job(*_named(row, Job))


def item_record(row: Row[Any]) -> JobItem:
    return JobItem(*_named(row, JobItem))


def answer_record(row: Row[Any]) -> IdempotentAnswer:
    return IdempotentAnswer(*_named(row, IdempotentAnswer))


def _named(row: Row[Any], record: type) -> tuple[Any, ...]:
    found: tuple[Any, ...] = _getter(record)(row)
    return found


@cache
def _getter(record: type) -> "attrgetter[Any]":
    return attrgetter(*(field.name for field in fields(record)))


def content_row(content: Content, created: str) -> dict[str, Any]:
    return {field.name: getattr(content, field.name) for field in fields(content)} | {"created": created}


def image_row(image: Image) -> dict[str, Any]:
    return {field.name: getattr(image, field.name) for field in fields(image)}


def job_row(job: Job) -> dict[str, Any]:
    return {field.name: getattr(job, field.name) for field in fields(job)}


def new_job(new: NewJob, number: int, created: str) -> Job:
    """The job as it stands at first: queued, or running if it comes with an owner."""
    return Job(
        job_id=new.job_id,
        kind=new.kind,
        state="queued" if new.owner is None else "running",
        total=len(new.names) or None if new.total is None else new.total,
        request=new.request,
        problem=None,
        cancel_requested=None,
        created=created,
        started=None if new.owner is None else created,
        finished=None,
        created_by=new.created_by,
        owner=new.owner,
        seen=None if new.owner is None else created,
        attempt=0 if new.owner is None else 1,
        number=number,
    )


def person_record(row: Row[Any], images: int) -> Person:
    return Person(row.person_id, row.name, row.metadata, row.created, row.changed, row.number, images)


def person_row(person: Person) -> dict[str, Any]:
    return {name: value for name, value in record_row(person).items() if name != "images"}


def removal_record(row: Row[Any]) -> RemovalRecord:
    return RemovalRecord(*_named(row, RemovalRecord))


def removal_item_record(row: Row[Any]) -> RemovalItem:
    return RemovalItem(*_named(row, RemovalItem))


def policy_record(row: Row[Any]) -> PolicyRecord:
    return PolicyRecord(*_named(row, PolicyRecord))


def record_row(record: RemovalRecord | RemovalItem | Person | PolicyRecord) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def new_removal(new: NewRemoval, number: int, created: str) -> RemovalRecord:
    """The removal as it stands at first."""
    return RemovalRecord(
        removal_id=new.removal_id,
        kind=new.kind,
        state="planned",
        request=new.request,
        plan_hash=new.plan_hash,
        items=len(new.items),
        bytes=sum(item.bytes for item in new.items),
        created=created,
        created_by=new.created_by,
        changed=created,
        number=number,
    )


def planned_items(new: NewRemoval) -> list[RemovalItem]:
    """Its items as they stand at first, numbered from 1: a cursor has no word for 0."""
    return [
        RemovalItem(new.removal_id, ordinal, "planned", one.loser, one.keeper, one.bytes, one.why, None, None, None)
        for ordinal, one in enumerate(new.items, 1)
    ]


def finished_item(outcome: JobItemOutcome, image: Image | None, name: str, finished: str) -> JobItem:
    """The item as it stands for ever. What the outcome leaves open is taken from the image that it made."""
    return JobItem(
        job_id=outcome.job_id,
        ordinal=outcome.ordinal,
        name=name if outcome.name is None else outcome.name,
        state=outcome.state,
        outcome=outcome.outcome or (image.outcome if image else outcome.state),
        image_id=outcome.image_id or (image.image_id if image else None),
        content_id=outcome.content_id or (image.content_id if image else None),
        verdict=outcome.verdict or (image.verdict if image else None),
        problem=outcome.problem,
        finished=finished,
    )


def item_row(item: JobItem) -> dict[str, Any]:
    return {field.name: getattr(item, field.name) for field in fields(item)}


def kept_answer(answer: IdempotentAnswer, image: Image | None) -> IdempotentAnswer:
    return answer if image is None or answer.image_id else replace(answer, image_id=image.image_id)


def answer_row(answer: IdempotentAnswer) -> dict[str, Any]:
    return {field.name: getattr(answer, field.name) for field in fields(answer)}


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
