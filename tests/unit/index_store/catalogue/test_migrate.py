"""The migrations make the tables the code knows, once, and a newer catalogue is refused."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from index_store.catalogue import open_catalogue
from index_store.catalogue.migrate import MIGRATIONS
from index_store.catalogue.tables import SCHEMA, metadata
from index_store.errors import UnsupportedStoreError


@pytest.fixture
def path(tmp_path):
    open_catalogue(f"sqlite:///{tmp_path}/catalogue.db").close()
    return tmp_path / "catalogue.db"


def shape(engine):
    """The catalogue's own words for its tables: columns, keys, indexes, foreign keys."""
    with engine.connect() as connection:
        tables = [row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            (table, pragma): sorted(
                str(row[1:] if pragma == "index_list" else row)  # an index's own number is an accident
                for row in connection.exec_driver_sql(f"PRAGMA {pragma}('{table}')")
            )
            for table in tables
            if table != "alembic_version"
            for pragma in ("table_info", "index_list", "foreign_key_list")
        }


def test_migrating_makes_exactly_the_tables_of_the_metadata(path, tmp_path):
    """By Alembic's comparison and by what SQLite itself says of both."""
    migrated, made = create_engine(f"sqlite:///{path}"), create_engine(f"sqlite:///{tmp_path}/made.db")
    metadata.create_all(made)
    with migrated.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    assert shape(migrated) == shape(made)
    migrated.dispose()
    made.dispose()


def test_the_newest_migration_is_the_schema_the_code_names():
    """Else an up-to-date catalogue would be opened the slow way, or not at all."""
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == SCHEMA


def test_a_newer_schema_is_refused_by_name_and_left_alone(path):
    """An older program must not write into tables it does not understand."""
    with closing(sqlite3.connect(path)) as behind, behind:
        behind.execute("UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(UnsupportedStoreError, match="9999"):
        open_catalogue(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_opening_an_up_to_date_catalogue_does_not_load_alembic(path):
    """It would cost every command line a quarter of a second."""
    code = (
        "import sys; from index_store.catalogue import open_catalogue;"
        f"open_catalogue('sqlite:///{path}').close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    """All tables or none: the next opening starts afresh."""
    from alembic import op  # noqa: PLC0415 - patched here only

    real = op.create_table

    def failing(name, *columns, **options):
        if name == "setting":
            raise RuntimeError("power cut")
        return real(name, *columns, **options)

    monkeypatch.setattr(op, "create_table", failing)
    with pytest.raises(RuntimeError):
        open_catalogue(f"sqlite:///{tmp_path}/c.db")
    with closing(sqlite3.connect(tmp_path / "c.db")) as behind:
        assert behind.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    monkeypatch.undo()
    open_catalogue(f"sqlite:///{tmp_path}/c.db").close()
