"""A real PostgreSQL for tests: one server, and a fresh, migrated database in a few hundredths of a second.

The server comes in the wheel `pgserver`, listens on a socket in a folder of its own, and runs as any user, root too. It
syncs like a real one: what is measured and proved with it is not made easier.
"""

import itertools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from index_store.catalogue import open_catalogue

_TEMPLATE = "keepone_template"


class PostgresServer:
    """Hands out databases. `uri` is that of the server's own one, for a superuser."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._numbers = itertools.count(1)
        open_catalogue(self.empty_database(_TEMPLATE)).close()

    def empty_database(self, name: str, template: str = "template0") -> str:
        """The URL of a new database without a catalogue, or a copy of the template."""
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.uri.replace("/postgres?", f"/{name}?")

    def fresh_database(self) -> str:
        """The URL of a new, empty catalogue."""
        return self.empty_database(f"keepone_{next(self._numbers)}", _TEMPLATE)

    def run(self, statement: str) -> None:
        """Run one statement as the superuser, outside any transaction."""
        import psycopg  # noqa: PLC0415 - optional

        with psycopg.connect(self.uri, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server for as long as the block. Raises `ModuleNotFoundError` where `pgserver` is not installed."""
    import pgserver  # noqa: PLC0415 - optional

    with tempfile.TemporaryDirectory(prefix="keepone-pg-", ignore_cleanup_errors=True) as folder:
        server = pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield PostgresServer(server.get_uri())
        finally:
            with suppress(OSError):
                server.cleanup()
