"""Outcomes of job items and of removals' items, and answers to idempotency keys, written once. Call under the writer's lock.

The first outcome stands: `earlier` finds it, and `write` is only called when there is none.
"""

from sqlalchemy import Connection, insert, select, update

from index_store.catalogue import removals, rows
from index_store.catalogue.tables import idempotency, job_item
from index_store.errors import KeyReusedError
from index_store.group_records import AlsoCommitted
from index_store.job_records import IdempotentAnswer, JobItem, JobItemOutcome
from index_store.records import Image
from index_store.removal_records import RemovalItem, RemovalItemOutcome

PENDING, DONE, RUNNING = "pending", "done", "running"


def earlier(connection: Connection, also: AlsoCommitted) -> JobItem | IdempotentAnswer | RemovalItem | None:
    """What was recorded before for this item or key. Raises `KeyReusedError`, `BadTransitionError`, `NotFoundError`."""
    if isinstance(also, RemovalItemOutcome):
        return removals.settled_before(connection, also.removal_id, also.outcome)
    if isinstance(also, JobItemOutcome):
        item = item_at(connection, also.job_id, also.ordinal)
        return None if item is None or item.state == PENDING else item
    mine = (idempotency.c.key_id == also.key_id) & (idempotency.c.key == also.key)
    row = connection.execute(select(idempotency).where(mine)).one_or_none()
    if row is None:
        return None
    if row.payload_digest != also.payload_digest:
        raise KeyReusedError
    return rows.answer_record(row) if row.state == DONE else None


def write(connection: Connection, also: AlsoCommitted, image: Image | None, created: str) -> None:
    """Record it, with what it leaves open taken from the image."""
    if isinstance(also, IdempotentAnswer):
        _write_answer(connection, also, image, created)
        return
    if isinstance(also, RemovalItemOutcome):
        removals.settle(connection, also.removal_id, also.outcome, now=created)
        return
    pending = item_at(connection, also.job_id, also.ordinal)
    finished = rows.item_row(rows.finished_item(also, image, pending.name if pending else "", created))
    if pending is None:
        connection.execute(insert(job_item), finished)
    else:
        mine = (job_item.c.job_id == also.job_id) & (job_item.c.ordinal == also.ordinal)
        connection.execute(update(job_item).where(mine).values(finished))


def item_at(connection: Connection, job_id: str, ordinal: int) -> JobItem | None:
    mine = select(job_item).where(job_item.c.job_id == job_id, job_item.c.ordinal == ordinal)
    row = connection.execute(mine).one_or_none()
    return None if row is None else rows.item_record(row)


def _write_answer(connection: Connection, answer: IdempotentAnswer, image: Image | None, created: str) -> None:
    values = rows.answer_row(rows.kept_answer(answer, image)) | {"state": DONE}
    mine = (idempotency.c.key_id == answer.key_id) & (idempotency.c.key == answer.key)
    if connection.execute(update(idempotency).where(mine).values(values)).rowcount == 0:
        connection.execute(insert(idempotency), values | {"created": created})
