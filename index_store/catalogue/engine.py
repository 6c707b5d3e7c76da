"""One catalogue database, whatever its kind: readers side by side, writers one after another.

Within a process writers queue on a mutex first. It is quick and fair, which SQLite's sleeping and retrying is not; and
on PostgreSQL it keeps a queue of writers from holding all the connections that readers need. Among processes the
database keeps the order: see `engine_sqlite` and `engine_postgres`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from index_store.catalogue import engine_postgres, engine_sqlite
from index_store.errors import (
    BadEntryError,
    BadTransitionError,
    CatalogueBusyError,
    NotFoundError,
    UnsupportedStoreError,
)
from index_store.syncing import refuse_after_failure

_KINDS = {
    "sqlite": engine_sqlite.open_backend,
    "postgresql": engine_postgres.open_backend,
    "postgresql+psycopg": engine_postgres.open_backend,
    "postgres": engine_postgres.open_backend,
}


class Database:
    """One catalogue database. `software` says what it is."""

    def __init__(self, url: str, *, busy_seconds: float) -> None:
        parsed = _parsed(url)
        if parsed.drivername not in _KINDS:
            raise UnsupportedStoreError(
                f"{parsed.drivername} catalogues are not supported; use sqlite:///path or postgresql://host/database"
            )
        self._busy_seconds = busy_seconds
        self._writer = threading.Lock()
        self._backend = _KINDS[parsed.drivername](parsed, busy_seconds)
        try:
            with self.reading() as connection:
                self.software = self._backend.inspect(connection)
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent snapshot. Keep it short: on SQLite a writer cannot finish its commit while it lasts."""
        with self._translated(), self._backend.readers.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """The writer's turn, from before the first read to after the commit. Leaving by an exception rolls back."""
        with self._queued(), self._translated(), self._backend.writers.begin() as connection:
            self._backend.take_turn(connection)
            yield connection

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A turn at changing the tables."""
        with self._queued(), self._translated(), self._backend.writers.begin() as connection:
            self._backend.hold_schema(connection)
            yield connection

    @contextmanager
    def savepoint(self, connection: Connection) -> Iterator[None]:
        """A part of a transaction that can be refused alone.

        Only a refusal of the entry is undone here. After an error of the store (a full disk, say) the transaction may
        be gone already, savepoint and all, and whoever opened it rolls back.
        """
        with self._translated():
            part = connection.begin_nested()
            try:
                with self._translated():
                    yield
            except (BadEntryError, BadTransitionError, NotFoundError):
                part.rollback()
                raise
            part.commit()

    def close(self) -> None:
        self._backend.readers.dispose()

    @contextmanager
    def _queued(self) -> Iterator[None]:
        refuse_after_failure()
        if not self._writer.acquire(timeout=self._busy_seconds):
            raise CatalogueBusyError
        try:
            yield
        finally:
            self._writer.release()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Driver errors become the family of `index_store.errors`."""
        try:
            yield
        except DBAPIError as error:
            raise self._backend.named(error.orig) from error
        except PoolTimeoutError as error:
            raise CatalogueBusyError("every connection to the catalogue is in use") from error
        except self._backend.driver_errors as error:
            raise self._backend.named(error) from error


def _parsed(url: str) -> URL:
    """The error never repeats any of the URL: a password with a bare slash in it ends up in the oddest places."""
    try:
        return make_url(url)
    except (ArgumentError, ValueError):
        raise UnsupportedStoreError(
            "that is not a catalogue URL; in a password, write / as %2F, @ as %40, : as %3A and % as %25"
        ) from None
