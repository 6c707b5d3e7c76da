"""Policies over the catalogue's database."""

from collections.abc import Callable

from sqlalchemy import Connection, func, insert, select

from index_store.catalogue import outcomes, rows
from index_store.catalogue.engine import Database
from index_store.catalogue.tables import policy
from index_store.entries import check_policy, could_be_stored, cursor_at, read_cursor
from index_store.errors import BadTransitionError, NotFoundError
from index_store.failpoints import reached
from index_store.job_records import IdempotentAnswer
from index_store.policy_records import NewPolicy, PolicyPage, PolicyRecord


class SqlPolicies:
    """Implements `Policies`."""

    def __init__(self, database: Database, clock: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock

    def create(self, new: NewPolicy, answer: IdempotentAnswer | None = None) -> PolicyRecord:
        check_policy(new)
        with self._database.writing() as connection:
            earlier = None if answer is None else outcomes.earlier(connection, answer)
            if isinstance(earlier, IdempotentAnswer):
                return _policy(connection, earlier.body["name"])
            if _row(connection, new.name) is not None:
                raise BadTransitionError(f"There is a policy {new.name} already; another opinion has another name.")
            number = (connection.execute(select(func.max(policy.c.number))).scalar() or 0) + 1
            made = PolicyRecord(new.name, new.document, self._clock(), new.created_by, number)
            connection.execute(insert(policy), rows.record_row(made))
            if answer is not None:
                outcomes.write(connection, answer, None, made.created)
        reached("policy.told")
        return made

    def get(self, name: str) -> PolicyRecord:
        with self._database.reading() as connection:
            return _policy(connection, name)

    def list(self, limit: int, cursor: str | None = None) -> PolicyPage:
        question = select(policy).order_by(policy.c.number.desc()).limit(limit + 1)
        if cursor is not None:
            question = question.where(policy.c.number < read_cursor(cursor))
        with self._database.reading() as connection:
            found = [rows.policy_record(row) for row in connection.execute(question)]
        return PolicyPage(tuple(found[:limit]), cursor_at(found[limit - 1].number) if len(found) > limit else None)


def _policy(connection: Connection, name: str) -> PolicyRecord:
    found = _row(connection, name) if could_be_stored(name) else None
    if found is None:
        raise NotFoundError(f"there is no policy {name}")
    return found


def _row(connection: Connection, name: str) -> PolicyRecord | None:
    row = connection.execute(select(policy).where(policy.c.name == name)).one_or_none()
    return None if row is None else rows.policy_record(row)
