"""A changed byte in a row that never changes is seen, whatever it was changed to; and old rows get their check sums."""

import sqlite3
from contextlib import closing, contextmanager

import numpy as np
import pytest

from index_store.catalogue import open_catalogue
from index_store.catalogue.checksums import covered
from index_store.catalogue.tables import content, image, vector
from index_store.testing import a_hand_in

COLUMNS = [(table, column.name) for table in (content, image, vector) for column in covered(table)]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A catalogue with two pictures of everything."""
    path = tmp_path_factory.mktemp("checksums") / "catalogue.db"
    with closing(open_catalogue(f"sqlite:///{path}")) as catalogue:
        space = catalogue.ensure_space("builtin", "1", 8, "cosine")
        for name in ("a", "b"):
            entry = a_hand_in(name, space, external_id=f"outer {name}", person_id="p", metadata={"n": [1, 0.5]})
            catalogue.append(entry, searched_to=catalogue.head())
    return path


@pytest.fixture(scope="module")
def inspection(path):
    with closing(open_catalogue(f"sqlite:///{path}")) as catalogue:
        yield catalogue.inspection


@contextmanager
def changed(path, table, column, value):
    """The first row of the table with this SQL in place of its value, for as long as the block."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f'CREATE TEMP TABLE was AS SELECT "{column}" AS it FROM {table} WHERE rowid = 1')  # noqa: S608
        connection.execute(f'UPDATE {table} SET "{column}" = {value} WHERE rowid = 1')  # noqa: S608
        yield
        connection.execute(f'UPDATE {table} SET "{column}" = (SELECT it FROM was) WHERE rowid = 1')  # noqa: S608


def soundness(inspection):
    """By table: whether each row is sound, those that are not first."""
    shown = {
        "content": inspection.contents("", 9),
        "image": inspection.images("", 9),
        "vector": inspection.vectors(0, 9),
    }
    return {table: sorted(row.sound for row in rows) for table, rows in shown.items()}


@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[f"{table.name}.{column}" for table, column in COLUMNS])
def test_a_changed_value_is_seen_in_every_covered_column(path, inspection, table, column):
    """Even where it is no text, no JSON or no number any more."""
    for rubbish in ["X'fffe00'", "CAST(X'fffe00' AS TEXT)", "'x'", "7"]:
        with changed(path, table.name, column, rubbish):
            found = soundness(inspection)
        assert found.pop(table.name) == [False, True], rubbish
        assert all(all(rows) for rows in found.values())


def test_a_changed_check_sum_is_seen(path, inspection):
    """A row that nobody vouches for is as bad as a changed one."""
    with changed(path, "content", "checksum", "''"):
        assert soundness(inspection)["content"] == [False, True]


def test_whole_numbers_and_odd_spellings_do_not_look_like_changes(catalogue_url):
    """What comes back from a database is not to the letter what went in."""
    with closing(open_catalogue(catalogue_url)) as catalogue:
        odd = {"2": (1, 2), "ä": [1e22, -0.0, np.float64(0.1).item()], "none": None}
        catalogue.append(a_hand_in("a", probability=1, metadata=odd, verdict_block=odd), searched_to=0)
        assert [row.sound for row in catalogue.inspection.images("", 9)] == [True]
