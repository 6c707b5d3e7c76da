"""A connection that keeps its promises: how SQLite is opened, locked and synced here.

* Rollback journal. Write-ahead logging has a corruption race in the SQLite versions most Pythons link (fixed in
  3.51.3), and several of our processes write.
* `synchronous=EXTRA`: FULL, and the folder synced once more after the journal is unlinked. With FULL alone a power cut
  just after a commit may bring the journal back and roll an acknowledged commit back.
* Writers say `BEGIN IMMEDIATE`, so the lock is taken before anything is read and no transaction has to be upgraded
  (an upgrade can fail with "busy" at once, whatever the timeout). Readers say `BEGIN`: one snapshot for all they read.
* Within a process writers queue on a mutex first. SQLite's own waiting is sleep and retry, which is neither quick nor
  fair; the mutex is both, and leaves the polling to the rarer case of two processes.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from index_store.catalogue.mounts import network_file_system
from index_store.entries import dump_json
from index_store.errors import (
    BadEntryError,
    CatalogueBusyError,
    NotFoundError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
    UnsupportedStoreError,
)

_CONNECTIONS = 32
_WRITES = "keepone_writes"


class Database:
    """One catalogue database: readers run side by side, writers one after another."""

    def __init__(self, url: str, *, busy_seconds: float) -> None:
        self._busy_seconds = busy_seconds
        self._engine = _sqlite_engine(_checked(url), busy_seconds)
        self._writer_engine = self._engine.execution_options(**{_WRITES: True})
        self._writer = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent snapshot. Keep it short: while it lasts a writer cannot finish its commit."""
        with _translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The writer's lock, from before the first read to after the commit. Leaving by an exception rolls back."""
        if not self._writer.acquire(timeout=self._busy_seconds):
            raise CatalogueBusyError
        try:
            with _translated(), self._writer_engine.begin() as connection:
                yield connection
        finally:
            self._writer.release()

    @contextmanager
    def savepoint(self, connection: Connection) -> Iterator[None]:
        """A part of a transaction that can be refused alone.

        Only a refusal of the entry is undone here. After an error of the store (a full disk, say) the transaction may
        be gone already, savepoint and all, and whoever opened it rolls back.
        """
        with _translated():
            part = connection.begin_nested()
            try:
                with _translated():
                    yield
            except (BadEntryError, NotFoundError):
                part.rollback()
                raise
            part.commit()

    def close(self) -> None:
        self._engine.dispose()


def _checked(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise UnsupportedStoreError(f"not a catalogue URL: {error}") from error
    if backend != "sqlite":
        raise UnsupportedStoreError(f"{backend} catalogues are not supported by this version; use sqlite:///path")
    if not parsed.database or parsed.database == ":memory:" or parsed.query:
        raise UnsupportedStoreError("a catalogue is a file: give sqlite:///path without options")
    return parsed


def _sqlite_engine(url: URL, busy_seconds: float) -> Engine:
    path = Path(url.database or "").absolute()
    kind = network_file_system(path)
    if kind is not None:
        raise UnsupportedStoreError(
            f"{path} lies on a network file system ({kind}), whose locks SQLite cannot trust; use a local disk"
        )
    if path.is_dir():
        raise StoreUnavailableError(f"{path} is a directory")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
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


@contextmanager
def _translated() -> Iterator[None]:
    """Driver errors become the family of `index_store.errors`."""
    try:
        yield
    except DBAPIError as error:
        raise _named(error.orig) from error
    except PoolTimeoutError as error:
        raise CatalogueBusyError("every connection to the catalogue is in use") from error
    except sqlite3.Error as error:  # while a connection is being prepared SQLAlchemy does not wrap
        raise _named(error) from error


def _named(error: BaseException | None) -> StoreError:
    code = getattr(error, "sqlite_errorcode", None)
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
