"""A real PostgreSQL for tests: one server, and an empty catalogue in it for each test.

The server comes in the wheel `pgserver`, listens on a socket in a folder of its own, and runs as any user, root too. It
syncs like a real one: what is measured and proved with it is not made easier. Making a database syncs some hundred
files, so one that was lent is emptied and lent again.
"""

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index_store.catalogue import open_catalogue

_TABLES = (
    *("vector", "image", "match", "decision", "content", "space", "change", "api_key", "setting"),
    *("person", "policy", "removal_item", "removal", "job_item", "job", "idempotency", "writer"),
)
"""Each before those it refers to."""
_BEFORE = "SET synchronous_commit = off; SET lock_timeout = '10s'"
"""Nothing here needs to be durable; and a test that left a transaction open is told so."""


class PostgresServer:
    """Lends databases. `uri` is that of the server's own one, for a superuser."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._numbers = itertools.count(1)
        self._idle: list[str] = []

    def new_database(self, options: str = "") -> str:
        """The URL of a new database without a catalogue."""
        name = f"keepone_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
        return self.uri.replace("/postgres?", f"/{name}?")

    @contextmanager
    def catalogue(self) -> Iterator[str]:
        """The URL of an empty catalogue, for as long as the block."""
        url = self._idle.pop() if self._idle else self.new_database()
        open_catalogue(url).close()
        yield url
        emptied = [f"DELETE FROM {table}" for table in _TABLES]  # noqa: S608 - our own names
        self.run("; ".join([_BEFORE, *emptied, "INSERT INTO writer VALUES (1)"]), url)
        self._idle.append(url)

    def run(self, statements: str, url: str | None = None) -> None:
        """Run statements as the superuser, in the server's own database or that of the URL."""
        import psycopg  # noqa: PLC0415 - optional

        with psycopg.connect(url or self.uri, autocommit=True) as connection:
            connection.execute(statements.encode())


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server for as long as the block. Raises `ModuleNotFoundError` where `pgserver` is not installed."""
    with warnings.catch_warnings(action="ignore"):  # about a folder for its lock, of no interest here
        import pgserver  # noqa: PLC0415 - optional

        with tempfile.TemporaryDirectory(prefix="keepone-pg-") as folder:
            server = pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
            try:
                yield PostgresServer(server.get_uri())
            finally:
                server.cleanup()
