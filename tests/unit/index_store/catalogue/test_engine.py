"""How the database is opened, locked, and how its refusals are named."""

import os
import sqlite3
import stat
from contextlib import closing

import pytest

from index_store.catalogue import open_catalogue
from index_store.catalogue.engine import Database
from index_store.errors import CatalogueBusyError, StoreFullError, StoreUnavailableError, UnsupportedStoreError
from index_store.testing import a_hand_in


@pytest.fixture
def url(tmp_path):
    open_catalogue(f"sqlite:///{tmp_path}/catalogue.db").close()
    return f"sqlite:///{tmp_path}/catalogue.db"


def pragma(url, name):
    database = Database(url, busy_seconds=1)
    with database.reading() as connection:
        value = connection.exec_driver_sql(f"PRAGMA {name}").scalar()
    database.close()
    return value


@pytest.mark.parametrize(
    ("name", "value"), [("journal_mode", "delete"), ("synchronous", 3), ("foreign_keys", 1), ("busy_timeout", 1000)]
)
def test_every_connection_keeps_its_promises(url, name, value):
    """A rollback journal, synced in full and once more for its folder."""
    assert pragma(url, name) == value


def test_the_file_is_private(url):
    """It holds people's pictures' names, and digests of keys."""
    assert stat.S_IMODE(os.stat(url.removeprefix("sqlite:///")).st_mode) == 0o600  # noqa: PTH116 - a URL's tail


@pytest.mark.parametrize(
    "url",
    [
        "mysql://host/db",
        "postgresql://host",
        "sqlite://",
        "sqlite:///:memory:",
        "nonsense",
        "mystery:///x",
        "sqlite:///x?mode=ro",
    ],
)
def test_what_is_not_a_catalogue_of_this_version_is_refused(url):
    """By name, and not at the first query."""
    with pytest.raises(UnsupportedStoreError):
        open_catalogue(url)


def test_a_file_that_is_not_a_database_is_refused(tmp_path):
    """And not written over."""
    (tmp_path / "holiday.jpg").write_bytes(b"\xff\xd8" * 5000)
    with pytest.raises(UnsupportedStoreError, match="not an SQLite database"):
        open_catalogue(f"sqlite:///{tmp_path}/holiday.jpg")
    assert (tmp_path / "holiday.jpg").read_bytes() == b"\xff\xd8" * 5000


def test_a_folder_is_not_a_catalogue(tmp_path):
    """The reason is the system's."""
    with pytest.raises(StoreUnavailableError, match="directory"):
        open_catalogue(f"sqlite:///{tmp_path}")


def test_a_catalogue_held_open_in_wal_mode_is_refused(url):
    """Another program switched it; two ways of writing at once would be unsafe."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as other:
        other.execute("PRAGMA journal_mode=WAL").fetchone()
        other.execute("SELECT count(*) FROM image").fetchone()
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM image").fetchone()
        with pytest.raises((UnsupportedStoreError, CatalogueBusyError)):
            open_catalogue(url, busy_seconds=0.1)


def test_a_writer_that_waits_too_long_says_so_and_writes_nothing(url):
    """Another process holds the lock: readers go on, a writer gives up after its patience."""
    catalogue = open_catalogue(url, busy_seconds=0.1)
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CatalogueBusyError):
            catalogue.append(a_hand_in("a"), searched_to=0)
        with pytest.raises(CatalogueBusyError):
            catalogue.check_writable()
        assert catalogue.head() == 0
        other.execute("ROLLBACK")
    catalogue.append(a_hand_in("a"), searched_to=0)
    catalogue.close()


def test_a_full_disk_is_told_and_leaves_the_catalogue_usable(url):
    """SQLite's own page limit stands in for the disk."""
    catalogue = open_catalogue(url)
    with catalogue._database.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreFullError):
        catalogue.append(a_hand_in("a", metadata={"big": "x" * 100_000}), searched_to=0)
    assert catalogue.head() == 0
    assert catalogue.stats().contents == 0
    catalogue.close()


def test_a_crash_before_the_commit_leaves_no_trace(url):
    """Content, vectors, image, matches and change are one transaction."""
    catalogue = open_catalogue(url)

    class Crash(Exception):  # noqa: N818 - not an error of ours
        pass

    def clock_that_crashes():
        raise Crash

    catalogue._clock = clock_that_crashes
    with pytest.raises(Crash):
        catalogue.append(a_hand_in("a"), searched_to=0)
    catalogue.close()
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as behind:
        for table in ("content", "image", "vector", "match", "change"):
            assert behind.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608 - our own names
