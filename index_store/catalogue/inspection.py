"""Everything that is stored, page by page, read as bytes: what `fsck` sees of a catalogue."""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    cast,
    delete,
    func,
    insert,
    select,
    update,
)

from index_store.catalogue import rows, tables
from index_store.catalogue.checksums import bare, covered, is_sound, sealed
from index_store.catalogue.engine import Database
from index_store.entries import could_be_stored
from index_store.inspection import ContentRow, ImageRow, VectorRow
from index_store.records import Change, NewVector, Space

_AT_ONCE = 500


class SqlInspection:
    """Implements `Inspection`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def damage(self) -> list[str]:
        with self._database.reading() as connection:
            if connection.dialect.name != "sqlite":
                return []
        # One table at a time: while it is read, nobody can commit.
        said: list[str] = []
        for table in tables.metadata.sorted_tables:
            with self._database.reading() as connection:
                said += connection.exec_driver_sql(f"PRAGMA quick_check('{table.name}')").scalars().all()
        return [line for line in said if line != "ok"]

    def spaces(self) -> tuple[Space, ...]:
        with self._database.reading() as connection:
            return tuple(rows.space_record(row) for row in connection.execute(select(tables.space)))

    def contents(self, after: str, limit: int) -> Sequence[ContentRow]:
        return [
            ContentRow(
                _text(row.sha256), _number(row.bytes), bool(row.too_little_detail), is_sound(tables.content, row)
            )
            for row in self._sealed_page(tables.content, after, limit)
        ]

    def images(self, after: str, limit: int) -> Sequence[ImageRow]:
        table = tables.image
        return [
            ImageRow(
                _text(row.image_id),
                _text(row.content_id),
                _text(row.state),
                _number(row.sequence),
                is_sound(table, row),
                None if row.person_id is None else _text(row.person_id),
            )
            for row in self._sealed_page(table, after, limit, table.c.state)
        ]

    def vectors(self, after: int, limit: int) -> Sequence[VectorRow]:
        table = tables.vector
        return [
            VectorRow(
                row.id,
                _text(row.content_id),
                _number(row.space_id),
                _number(row.ordinal),
                row.box is None,
                _bytes(row._mapping["values"]),  # noqa: SLF001 - `values` is a method of the row
                is_sound(table, row),
            )
            for row in self._sealed_page(table, after, limit, table.c.id)
        ]

    def changes(self, after: int, limit: int) -> Sequence[Change]:
        table = tables.change
        return [
            Change(
                row.sequence,
                _text(row.kind),  # type: ignore[arg-type]  # a kind that is none is for `fsck` to tell
                _text(row.image_id),
                _text(row.content_id),
                _text(row.created),
                None if row.space_id is None else _number(row.space_id),
                None if row.vectors is None else _number(row.vectors),
            )
            for row in self._page(table, list(table.c), after, limit)
        ]

    def persons(self, names: Collection[str]) -> set[str]:
        found: set[str] = set()
        key = tables.person.c.person_id
        with self._database.reading() as connection:
            for some in rows.chunks(name for name in names if could_be_stored(name)):
                found.update(connection.execute(select(key).where(key.in_(some))).scalars())
        return found

    def loose_outcomes(self, limit: int) -> list[tuple[str, int]]:
        item, job = tables.job_item, tables.job
        joined = select(item.c.job_id, item.c.ordinal).outerjoin(job, job.c.job_id == item.c.job_id)
        with self._database.reading() as connection:
            found = connection.execute(joined.where(job.c.job_id.is_(None)).limit(limit))
            return [(row.job_id, row.ordinal) for row in found]

    def old_answers(self, before: str) -> int:
        counted = select(func.count()).where(tables.idempotency.c.created < before)
        with self._database.reading() as connection:
            return connection.execute(counted).scalar_one()

    def mend_vectors(
        self,
        *,
        forget: Collection[int],
        add: Sequence[tuple[str, NewVector]] = (),
        undescribe: Collection[tuple[str, int]] = (),
    ) -> None:
        table, unwanted = tables.vector, sorted(forget)
        with self._database.writing() as connection:
            for start in range(0, len(unwanted), _AT_ONCE):
                connection.execute(delete(table).where(table.c.id.in_(unwanted[start : start + _AT_ONCE])))
            for content_id, space_id in undescribe:
                mine = table.c.content_id == content_id, table.c.space_id == space_id
                connection.execute(delete(table).where(*mine))
                change = tables.change
                told = change.c.content_id == content_id, change.c.space_id == space_id
                connection.execute(
                    update(change).where(*told, change.c.kind == "described").values(kind="forgotten", vectors=None)
                )
            new = [sealed(table, rows.vector_row(vector, content_id)) for content_id, vector in add]
            if new:
                connection.execute(insert(table), new)

    def _sealed_page(self, table: Table, after: str | int, limit: int, *more: Any) -> Sequence[Row[Any]]:
        return self._page(table, [*covered(table), table.c.checksum, *more], after, limit)

    def _page(self, table: Table, columns: list[Any], after: str | int, limit: int) -> Sequence[Row[Any]]:
        [key] = table.primary_key.columns
        with self._database.reading() as connection:
            question = (
                select(*(bare(connection, column) for column in columns))
                .where(key > _start(connection, after))
                .order_by(key)
                .limit(limit)
            )
            return connection.execute(question).all()


def _start(connection: Connection, after: str | int) -> ColumnElement[Any]:
    """A key may be any bytes on SQLite, so it is handed over as bytes there."""
    if isinstance(after, str) and connection.dialect.name == "sqlite":
        return cast(bindparam("after", after.encode("utf-8", "surrogateescape"), LargeBinary), Text)
    return bindparam("after", after)


def _text(value: object) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""


def _number(value: object) -> int:
    return value if isinstance(value, int) else -1
