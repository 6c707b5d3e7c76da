"""Bring the tables to the shape this code knows, under the writer's lock, or say clearly why not.

The migrations ship inside the package. Opening an up-to-date catalogue reads one row and never imports Alembic, which
would cost a command line a quarter of a second.
"""

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from index_store.catalogue.engine import Database
from index_store.catalogue.tables import SCHEMA
from index_store.errors import UnsupportedStoreError

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(database: Database) -> None:
    """Upgrade to `SCHEMA` in one transaction. Raises `UnsupportedStoreError` when the catalogue is newer than that."""
    with database.reading() as connection:
        if revision(connection) == SCHEMA:
            return
    with database.migrating() as connection:
        found = revision(connection)  # again: another process may have been first
        if found != SCHEMA:
            _upgrade(connection, found)


def revision(connection: Connection) -> str | None:
    """The schema revision on disk; None for a new file."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection, found: str | None) -> None:
    from alembic import command  # noqa: PLC0415 - slow to import, and rarely needed
    from alembic.config import Config  # noqa: PLC0415 - likewise
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - likewise

    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    if found is not None and found not in known:
        raise UnsupportedStoreError(
            f"the catalogue has schema {found}, made by a newer Keepone; this one knows up to {SCHEMA}"
        )
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, SCHEMA)
