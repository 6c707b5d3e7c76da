"""Jobs over the catalogue's database: rows that tell what is to be done, what was done, and what became of each item."""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from index_store.catalogue import outcomes, rows
from index_store.catalogue.engine import Database
from index_store.catalogue.tables import job, job_item
from index_store.entries import check_job, check_outcome, could_be_stored, cursor_at, read_cursor
from index_store.errors import NotFoundError, SameJobError
from index_store.job_records import (
    FINISHED,
    UNFINISHED,
    IdempotentAnswer,
    ItemState,
    Job,
    JobItem,
    JobItemOutcome,
    JobItemPage,
    JobPage,
    JobState,
    NewJob,
    claimed,
    in_states,
    moved,
)
from index_store.records import Json


class SqlJobs:
    """Implements `Jobs`."""

    def __init__(self, database: Database, clock: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock

    def create(self, new: NewJob, answer: IdempotentAnswer | None = None) -> Job:
        check_job(new)
        with self._database.writing() as connection:
            earlier = None if answer is None else outcomes.earlier(connection, answer)
            if isinstance(earlier, IdempotentAnswer):
                return _job(connection, earlier.body["job_id"])
            if new.alone:
                _refuse_same(connection, new)
            if answer is not None:
                outcomes.write(connection, answer, None, self._clock())
            known = connection.execute(select(job).where(job.c.job_id == new.job_id)).one_or_none()
            if known is not None:
                return rows.job_record(known)
            number = (connection.execute(select(func.max(job.c.number))).scalar() or 0) + 1
            made = rows.new_job(new, number, self._clock())
            connection.execute(insert(job), rows.job_row(made))
            _insert_pending(connection, new.job_id, enumerate(new.names))
            return made

    def get(self, job_id: str) -> Job:
        with self._database.reading() as connection:
            return _job(connection, job_id)

    def list(
        self,
        limit: int,
        cursor: str | None = None,
        *,
        state: JobState | Collection[JobState] | None = None,
        kind: str | None = None,
    ) -> JobPage:
        question = select(job).order_by(job.c.number.desc()).limit(limit + 1)
        if states := in_states(state):
            question = question.where(job.c.state.in_(states))
        if kind is not None:
            question = question.where(job.c.kind == kind)
        if cursor is not None:
            question = question.where(job.c.number < read_cursor(cursor))
        with self._database.reading() as connection:
            found = [rows.job_record(row) for row in connection.execute(question)]
        return JobPage(tuple(found[:limit]), cursor_at(found[limit - 1].number) if len(found) > limit else None)

    def set_state(self, job_id: str, state: JobState, *, problem: Json | None = None) -> Job:
        with self._database.writing() as connection:
            return self._changed(connection, moved(_job(connection, job_id), state, now=self._clock(), problem=problem))

    def claim(self, job_id: str, owner: str, *, left_behind: str, begins: bool = False) -> Job | None:
        with self._database.writing() as connection:
            found = _job(connection, job_id)
            done = _done(connection, job_id) if begins else None
            mine = claimed(found, owner, now=self._clock(), left_behind=left_behind, done=done)
            return None if mine is None else self._changed(connection, mine)

    def request_cancel(self, job_id: str) -> Job:
        with self._database.writing() as connection:
            found = _job(connection, job_id)
            if found.cancel_requested is None and found.state not in FINISHED:
                connection.execute(update(job).where(job.c.job_id == job_id).values(cancel_requested=self._clock()))
            return _job(connection, job_id)

    def _changed(self, connection: Connection, changed: Job) -> Job:
        connection.execute(update(job).where(job.c.job_id == changed.job_id).values(**rows.job_row(changed)))
        return changed

    def add_items(self, job_id: str, first: int, names: Sequence[str], *, total: int | None = None) -> None:
        with self._database.writing() as connection:
            _job(connection, job_id)
            places = range(first, first + len(names))
            mine = select(job_item.c.ordinal).where(
                job_item.c.job_id == job_id, job_item.c.ordinal >= places.start, job_item.c.ordinal < places.stop
            )
            there = set(connection.execute(mine).scalars())
            new = [(ordinal, name) for ordinal, name in zip(places, names, strict=True) if ordinal not in there]
            _insert_pending(connection, job_id, new)
            if total is not None:
                connection.execute(update(job).where(job.c.job_id == job_id).values(total=total))

    def items(
        self, job_id: str, limit: int, cursor: str | None = None, *, state: ItemState | None = None
    ) -> JobItemPage:
        question = select(job_item).where(job_item.c.job_id == job_id).order_by(job_item.c.ordinal).limit(limit + 1)
        if state is not None:
            question = question.where(job_item.c.state == state)
        if cursor is not None:
            question = question.where(job_item.c.ordinal >= read_cursor(cursor))
        with self._database.reading() as connection:
            _job(connection, job_id)
            found = [rows.item_record(row) for row in connection.execute(question)]
        return JobItemPage(tuple(found[:limit]), cursor_at(found[limit].ordinal) if len(found) > limit else None)

    def counts(self, job_id: str) -> dict[str, int]:
        counted = func.coalesce(job_item.c.outcome, job_item.c.state)
        question = (
            select(counted.label("word"), func.count().label("times"))
            .where(job_item.c.job_id == job_id)
            .group_by(counted)
        )
        with self._database.reading() as connection:
            _job(connection, job_id)
            return {row.word: row.times for row in connection.execute(question)}

    def record(self, outcome: JobItemOutcome) -> JobItem:
        check_outcome(outcome)
        with self._database.writing() as connection:
            _job(connection, outcome.job_id)
            earlier = outcomes.item_at(connection, outcome.job_id, outcome.ordinal)
            if earlier is not None and earlier.state != outcomes.PENDING:
                return earlier
            outcomes.write(connection, outcome, None, self._clock())
            recorded = outcomes.item_at(connection, outcome.job_id, outcome.ordinal)
        if recorded is None:
            raise NotFoundError
        return recorded


def _job(connection: Connection, job_id: str) -> Job:
    mine = select(job).where(job.c.job_id == job_id)
    row: Row[Any] | None = connection.execute(mine).one_or_none() if could_be_stored(job_id) else None
    if row is None:
        raise NotFoundError(f"there is no job {job_id}")
    return rows.job_record(row)


def _done(connection: Connection, job_id: str) -> int:
    finished = job_item.c.job_id == job_id, job_item.c.state != outcomes.PENDING
    return connection.execute(select(func.count()).where(*finished)).scalar_one()


def _refuse_same(connection: Connection, new: NewJob) -> None:
    unfinished = job.c.kind == new.kind, job.c.state.in_(UNFINISHED), job.c.job_id != new.job_id
    for found in map(rows.job_record, connection.execute(select(job).where(*unfinished))):
        if found.request == new.request:
            raise SameJobError(found.job_id)


def _insert_pending(connection: Connection, job_id: str, named: Iterable[tuple[int, str]]) -> None:
    pending = [{"job_id": job_id, "ordinal": place, "name": name, "state": outcomes.PENDING} for place, name in named]
    if pending:
        connection.execute(insert(job_item), pending)
