"""Answers to idempotency keys, over the catalogue's database.

Of many requests with one key the first is told `Begun`, the rest `InProgress` until its answer is there. A process that
dies in between leaves its key begun for ever, so a caller says from when on a key counts as left behind. That is the
only place where a clock decides anything, and it decides little: should the first one be alive after all, its answer
and the second one's effect still meet in `append_many`, which keeps the first answer only.
"""

from collections.abc import Callable

from sqlalchemy import delete, insert, select, update

from index_store.catalogue import outcomes, rows
from index_store.catalogue.engine import Database
from index_store.catalogue.tables import idempotency
from index_store.entries import check_answer
from index_store.errors import KeyReusedError
from index_store.job_records import Begun, IdempotentAnswer, InProgress


class SqlAnswers:
    """Implements `Answers`."""

    def __init__(self, database: Database, clock: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock

    def begin(
        self, key_id: str, key: str, payload_digest: str, *, left_behind: str = ""
    ) -> Begun | InProgress | IdempotentAnswer:
        check_answer(IdempotentAnswer(key_id, key, payload_digest, 0))
        mine = (idempotency.c.key_id == key_id) & (idempotency.c.key == key)
        with self._database.writing() as connection:
            row = connection.execute(select(idempotency).where(mine)).one_or_none()
            if row is None:
                fresh = {"key_id": key_id, "key": key, "payload_digest": payload_digest, "state": outcomes.RUNNING}
                connection.execute(insert(idempotency), fresh | {"created": self._clock()})
                return Begun()
            if row.payload_digest != payload_digest:
                raise KeyReusedError
            if row.state == outcomes.DONE:
                return rows.answer_record(row)
            if row.created >= left_behind:
                return InProgress(row.created)
            connection.execute(update(idempotency).where(mine).values(created=self._clock()))
            return Begun()

    def finish(self, answer: IdempotentAnswer) -> IdempotentAnswer:
        check_answer(answer)
        with self._database.writing() as connection:
            earlier = outcomes.earlier(connection, answer)
            if earlier is None:
                outcomes.write(connection, answer, None, self._clock())
                return answer
        if not isinstance(earlier, IdempotentAnswer):  # an answer's earlier self is an answer; the type cannot say so
            raise TypeError
        return earlier

    def abandon(self, key_id: str, key: str) -> None:
        mine = (idempotency.c.key_id == key_id) & (idempotency.c.key == key)
        with self._database.writing() as connection:
            connection.execute(delete(idempotency).where(mine, idempotency.c.state == outcomes.RUNNING))

    def forget_before(self, moment: str) -> int:
        with self._database.writing() as connection:
            return connection.execute(delete(idempotency).where(idempotency.c.created < moment)).rowcount
