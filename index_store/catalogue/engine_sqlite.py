"""How SQLite is opened, locked and synced here.

* Rollback journal. Write-ahead logging has a corruption race in the SQLite versions most Pythons link (fixed in
  3.51.3), and several of our processes write.
* `synchronous=EXTRA`: FULL, and the folder synced once more after the journal is unlinked. With FULL alone a power cut
  just after a commit may bring the journal back and roll an acknowledged commit back.
* Writers say `BEGIN IMMEDIATE`, so the lock is taken before anything is read and no transaction has to be upgraded
  (an upgrade can fail with "busy" at once, whatever the timeout). Readers say `BEGIN`: one snapshot for all they read.
"""

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from index_store import syncing
from index_store.catalogue.backend import Backend
from index_store.catalogue.mounts import network_file_system
from index_store.entries import dump_json
from index_store.errors import (
    BadEntryError,
    CatalogueBusyError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    UnsupportedStoreError,
)

_CONNECTIONS = 32
_FAILED_SYNCS = (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)
_WRITES = "keepone_writes"


def open_backend(url: URL, busy_seconds: float) -> Backend:
    """A file, made private if it is new. Raises `UnsupportedStoreError` or `StoreUnavailableError`."""
    if not url.database or url.database == ":memory:" or url.query:
        raise UnsupportedStoreError("a catalogue is a file: give sqlite:///path without options")
    engine = _engine(url, busy_seconds)
    return Backend(
        readers=engine,
        writers=engine.execution_options(**{_WRITES: True}),
        inspect=lambda _connection: f"SQLite {sqlite3.sqlite_version}, rollback journal",
        take_turn=_begun_already,
        hold_schema=_begun_already,
        named=_named,
        driver_errors=(sqlite3.Error,),  # while a connection is being prepared SQLAlchemy does not wrap
    )


def _begun_already(_connection: Connection) -> None:
    """`BEGIN IMMEDIATE` was the taking of the turn."""


def _engine(url: URL, busy_seconds: float) -> Engine:
    path = Path(url.database or "").absolute()
    kind = network_file_system(path)
    if kind is not None:
        raise UnsupportedStoreError(
            f"{path} lies on a network file system ({kind}), whose locks SQLite cannot trust; use a local disk"
        )
    if path.is_dir():
        raise StoreUnavailableError(f"{path} is a directory")
    try:
        syncing.make_folder(path.parent)
        # Made private before SQLite would make it 0644. Only a new file is opened: closing any descriptor of a live one
        # would drop the locks that this process's other connections hold on it.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreUnavailableError(f"{path} cannot be opened for writing: {error.strerror}") from error
    engine = create_engine(
        url.set(database=str(path)),
        connect_args={"timeout": busy_seconds, "check_same_thread": False},
        json_serializer=dump_json,
        max_overflow=0,
        pool_size=_CONNECTIONS,
        pool_timeout=busy_seconds,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # sqlite3 must not begin transactions by itself: `_begin` does
    mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
    if mode != "delete":
        raise UnsupportedStoreError(f"the catalogue is in journal mode {mode}, held open by another program")
    connection.execute("PRAGMA synchronous=EXTRA")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _named(error: BaseException | None) -> StoreError:
    code = getattr(error, "sqlite_errorcode", None)
    if code in _FAILED_SYNCS:
        syncing.fail()
    primary = None if code is None else code & 0xFF  # extended codes keep their family in the low byte
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CatalogueBusyError()
    if primary == sqlite3.SQLITE_FULL:
        return StoreFullError("the disk of the catalogue is full")
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return BadEntryError(f"the entry contradicts what is stored: {error}")
    if primary == sqlite3.SQLITE_NOTADB:
        return UnsupportedStoreError("the catalogue's file is not an SQLite database")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PERM):
        return StoreUnavailableError(f"the catalogue cannot be used: {error}")
    return StoreError(f"the catalogue refused: {error}")
