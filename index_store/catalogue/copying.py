"""A whole catalogue copied, at one moment, while others write; and put into an empty database again.

A copy is always an SQLite file, whatever it was copied from: so one kind of backup can be tried out anywhere, and a
catalogue can move from one kind of database to the other. From SQLite it is made by SQLite's own online backup inside
one read transaction: every page as it stood when the copy began. Writers wait for it at their commit, about a second
for each gigabyte. From PostgreSQL the rows are read in one repeatable-read snapshot, for which nobody waits.
"""

import hashlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Table, delete, func, insert, select

from index_store.catalogue import tables
from index_store.catalogue.checksums import bare
from index_store.catalogue.engine import Database
from index_store.catalogue.migrate import migrate
from index_store.catalogue.mounts import network_file_system
from index_store.catalogue.writing import head_of
from index_store.entries import dump_json, is_hash
from index_store.errors import BadEntryError

_AT_ONCE = 1000
_NUMBERED = ((tables.vector, "id"), (tables.space, "space_id"))
"""Tables whose rows a database numbers by itself."""
_MUST_BE_EMPTY = (
    tables.content,
    tables.image,
    tables.change,
    tables.api_key,
    tables.job,
    tables.person,
    tables.policy,
    tables.removal,
)
BUSY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class TableSum:
    rows: int
    sha256: str
    """Over all columns of all rows as they lie there, by key."""


@contextmanager
def where_sqlite_works(folder: Path) -> Iterator[Path]:
    """The folder, or if it lies on a network file system a temporary one on a local disk, for as long as the block."""
    if network_file_system(folder) is None:
        yield folder
    else:
        with TemporaryDirectory(prefix="keepone-") as local:
            yield Path(local)


@contextmanager
def opened_file(path: Path) -> Iterator[Database]:
    """The SQLite catalogue in that file, made or brought to this version's shape."""
    database = Database(f"sqlite:///{quote(str(path))}", busy_seconds=BUSY_SECONDS)
    try:
        migrate(database)
        yield database
    finally:
        database.close()


def copy_to_file(database: Database, path: Path) -> int:
    """Copy everything into a new file, synced; the sequence it ends at. Raises `StoreError`."""
    with database.reading() as connection:
        head = head_of(connection)  # the first read: from here on it is one moment
        if connection.dialect.name == "sqlite":
            _copy_pages(connection, path)
        else:
            with opened_file(path) as copy, copy.writing() as target:
                copy_rows(connection, target)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return head


def load_file(database: Database, path: Path) -> None:
    """Put a copy into a catalogue that holds nothing yet, in one transaction; nothing is done if it holds just that.

    Raises `BadEntryError` if it holds anything else. Whoever was killed after the commit can so do it again.
    """
    with opened_file(path) as copy, copy.reading() as source, database.writing() as target:
        full = [table for table in _MUST_BE_EMPTY if target.execute(select(func.count()).select_from(table)).scalar()]
        if not full:
            copy_rows(source, target)
            _number_on(target)
        elif not _hold_the_same(source, target):
            raise BadEntryError(f"the catalogue is not empty: there are rows in {full[0].name}")


def _number_on(connection: Connection) -> None:
    """Ids were given by hand, so the next ones must be told. SQLite looks for itself."""
    if connection.dialect.name == "postgresql":
        for table, key in _NUMBERED:
            last = select(func.coalesce(func.max(table.c[key]), 1)).scalar_subquery()
            connection.execute(select(func.setval(func.pg_get_serial_sequence(table.name, key), last)))


def _hold_the_same(one: Connection, other: Connection) -> bool:
    return all(_rows_told(one, table) == _rows_told(other, table) for table in tables.metadata.sorted_tables)


def _rows_told(connection: Connection, table: Table) -> tuple[int, int]:
    """How many rows, and the sum of their hashes: in no order, for databases sort text each in its own way."""
    count = total = 0
    for row in connection.execution_options(yield_per=_AT_ONCE).execute(select(table)):
        told = dump_json([value.hex() if isinstance(value, bytes) else value for value in row])
        total += int.from_bytes(hashlib.sha256(told.encode()).digest())
        count += 1
    return count, total


def copy_rows(source: Connection, target: Connection) -> None:
    """Every row of every table; what the target held is gone."""
    for table in reversed(tables.metadata.sorted_tables):
        target.execute(delete(table))
    for table in tables.metadata.sorted_tables:
        found = source.execution_options(yield_per=_AT_ONCE).execute(select(table))
        for some in found.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in some])


def table_sums(path: Path) -> dict[str, TableSum]:
    """How many rows each table of a copy has, and a hash over them."""
    with opened_file(path) as copy, copy.reading() as connection:
        return {table.name: _sum(connection, table) for table in tables.metadata.sorted_tables}


def originals_named(path: Path) -> Iterator[tuple[str, int]]:
    """SHA-256 and size of every original that a copy needs: those of all images that are not purged.

    A row that has changed to what names no file is left to `fsck` to find.
    """
    content, image = tables.content, tables.image
    needed = select(content.c.sha256, content.c.bytes).where(
        select(image.c.image_id).where(image.c.content_id == content.c.sha256, image.c.state != "purged").exists()
    )
    with opened_file(path) as copy, copy.reading() as connection:
        found = connection.execution_options(yield_per=_AT_ONCE).execute(needed.order_by(content.c.sha256))
        yield from ((row.sha256, row.bytes) for row in found if is_hash(row.sha256) and isinstance(row.bytes, int))


def _copy_pages(connection: Connection, path: Path) -> None:
    source = connection.connection.driver_connection
    if not isinstance(source, sqlite3.Connection):
        raise TypeError
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    target = sqlite3.connect(path)
    try:
        target.execute("PRAGMA synchronous=OFF")  # the whole file is synced when it is complete
        source.backup(target)
    finally:
        target.close()


def _sum(connection: Connection, table: Any) -> TableSum:
    digest, count = hashlib.sha256(), 0
    question = select(*(bare(connection, column) for column in table.c)).order_by(*table.primary_key.columns)
    for row in connection.execution_options(yield_per=_AT_ONCE).execute(question):
        digest.update(dump_json([value.hex() if isinstance(value, bytes) else value for value in row]).encode() + b"\n")
        count += 1
    return TableSum(count, digest.hexdigest())
