"""How PostgreSQL is opened and locked, and how its refusals are named."""

import sys
import threading
from contextlib import closing

import pytest

from index_store.catalogue import open_catalogue
from index_store.catalogue.engine import Database
from index_store.errors import (
    BadEntryError,
    CatalogueBusyError,
    CatalogueConflictError,
    StoreUnavailableError,
    UnsupportedStoreError,
)
from index_store.testing import a_hand_in
from index_store.testing.samples import committed

psycopg = pytest.importorskip("psycopg")


@pytest.fixture
def catalogue(postgres_url):
    with closing(open_catalogue(postgres_url, busy_seconds=0.2)) as opened:
        yield opened


def shown(connection, name):
    return connection.exec_driver_sql(f"SHOW {name}").scalar()


def test_a_write_is_on_disk_when_it_is_acknowledged(postgres, postgres_url, catalogue):
    """Even where the database was told not to wait for its disk."""
    name = psycopg.conninfo.conninfo_to_dict(postgres_url)["dbname"]
    postgres.run(f"ALTER DATABASE {name} SET synchronous_commit = off")
    try:
        with closing(Database(postgres_url, busy_seconds=1)) as database:
            with database.reading() as connection:
                assert shown(connection, "synchronous_commit") == "off"
            with database.writing() as connection:
                assert shown(connection, "synchronous_commit") == "on"
    finally:
        postgres.run(f"ALTER DATABASE {name} RESET synchronous_commit")
    assert catalogue.head() == 0


def test_a_stricter_setting_than_ours_is_left_alone(catalogue):
    """A cluster that waits for its replicas goes on waiting for them."""
    with catalogue._database.writing() as connection:
        connection.exec_driver_sql("SET LOCAL synchronous_commit = remote_apply")
        catalogue._database._backend.take_turn(connection)
        assert shown(connection, "synchronous_commit") == "remote_apply"


def test_a_writer_that_falls_silent_is_cut_off_by_the_server(catalogue):
    """It would hold everybody up: the server ends a transaction that says nothing for a minute."""
    with catalogue._database.writing() as connection:
        assert shown(connection, "idle_in_transaction_session_timeout") == "1min"


def test_readers_see_one_snapshot_and_cannot_write(catalogue):
    """What is committed beside them they see in their next question."""
    with catalogue._database.reading() as connection:
        assert shown(connection, "transaction_isolation") == "repeatable read"
        assert shown(connection, "transaction_read_only") == "on"
        before = connection.exec_driver_sql("SELECT count(*) FROM image").scalar()
        catalogue.append(a_hand_in("a"), searched_to=0)
        assert connection.exec_driver_sql("SELECT count(*) FROM image").scalar() == before == 0


def test_a_writer_that_waits_too_long_says_so_and_writes_nothing(postgres_url, catalogue):
    """Another process has its turn: readers go on, a writer gives up after its patience."""
    with closing(open_catalogue(postgres_url)) as other, other._database.writing():
        with pytest.raises(CatalogueBusyError):
            catalogue.append(a_hand_in("a"), searched_to=0)
        assert catalogue.head() == 0
    catalogue.append(a_hand_in("a"), searched_to=0)


def test_a_catalogue_without_the_row_to_take_turns_by_refuses_to_write(postgres_url, catalogue, postgres):
    """No row, no lock: writing on would let two writers in at once."""
    postgres.run("DELETE FROM writer", postgres_url)
    with pytest.raises(StoreUnavailableError, match="turns"):
        catalogue.append(a_hand_in("a"), searched_to=0)


def test_a_connection_that_was_cut_costs_nobody_an_error(postgres_url, catalogue, postgres):
    """A server that was restarted, say: the next question finds a new connection."""
    catalogue.append(a_hand_in("a"), searched_to=0)
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}", postgres_url)  # noqa: S608
    assert catalogue.head() == 1
    catalogue.append(a_hand_in("b"), searched_to=1)


def test_a_writer_cut_off_before_its_commit_leaves_no_trace(postgres, catalogue):
    """The caller is told that the store could not be used, and the same call may be made again."""
    real = catalogue._clock

    def cut():
        with catalogue._database.reading() as other:
            query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%%'"
            [pid] = other.exec_driver_sql(query).scalars()
        postgres.run(f"SELECT pg_terminate_backend({pid})")
        return real()

    catalogue._clock = cut
    with pytest.raises(StoreUnavailableError):
        catalogue.append(a_hand_in("a"), searched_to=0)
    catalogue._clock = real
    assert (catalogue.head(), catalogue.stats().contents) == (0, 0)
    assert committed(catalogue.append(a_hand_in("a"), searched_to=0)).sequence == 1


def test_a_transaction_the_database_gave_up_is_made_again(catalogue, monkeypatch):
    """For a stranger's sake, and twice at the most."""
    made = []
    real = catalogue._append_many

    def given_up_once(group):
        made.append(group)
        if len(made) == 1:
            raise CatalogueConflictError
        return real(group)

    monkeypatch.setattr(catalogue, "_append_many", given_up_once)
    assert committed(catalogue.append(a_hand_in("a"), searched_to=0)).sequence == 1
    assert len(made) == 2


def test_text_too_long_for_its_column_is_a_bad_entry(catalogue):
    """And not a fault of the store."""
    with pytest.raises(BadEntryError):
        catalogue.append(a_hand_in("a", image_id="img_" + "x" * 100), searched_to=0)


def test_catalogues_opened_at_once_are_made_once(postgres):
    """The first to come makes the tables; the others wait and find them."""
    url, failed = postgres.new_database(), []

    def open_it():
        try:
            open_catalogue(url).close()
        except Exception as error:  # noqa: BLE001 - told below
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_database_in_another_encoding_is_refused(postgres):
    """Names in it could not be kept."""
    url = postgres.new_database("ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(UnsupportedStoreError, match="LATIN1"):
        open_catalogue(url)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://keepone:se%2Fcret@127.0.0.1:1/keepone",
        "postgres://keepone:se%2Fcret@nowhere.invalid/keepone",
    ],
)
def test_a_server_that_cannot_be_reached_is_named_without_its_password(url):
    """The reason goes to logs and terminals."""
    with pytest.raises(StoreUnavailableError) as caught:
        open_catalogue(url, busy_seconds=0.2)
    assert "cret" not in str(caught.value)


def test_a_url_that_cannot_be_read_is_refused_without_repeating_it():
    """A bare slash in a password makes a part of it look like a port."""
    with pytest.raises(UnsupportedStoreError) as caught:
        open_catalogue("postgresql://keepone:se/cret@host:se/keepone")
    assert "se" not in str(caught.value).split()
    assert "cret" not in str(caught.value)


def test_without_the_library_the_extra_is_named(monkeypatch):
    """Not a traceback about a module."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UnsupportedStoreError, match="keepone\\[postgres\\]"):
        open_catalogue("postgresql://host/keepone")
