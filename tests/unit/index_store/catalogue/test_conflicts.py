"""What a person has said about two contents outweighs what was proved of them."""

import sqlite3
from contextlib import closing

import pytest

from index_store.catalogue import conflicts, open_catalogue
from index_store.records import ProvedMatch
from index_store.testing import a_hand_in, a_hash
from index_store.testing.samples import a_content


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_what_somebody_called_different_is_no_conflict(tmp_path, order):
    """In whichever order the two were named."""
    with closing(open_catalogue(f"sqlite:///{tmp_path}/c.db")) as catalogue:
        catalogue.append(a_hand_in("a", person_id="one"), searched_to=0)
        proof = ProvedMatch(a_hash("b"), a_hash("a"), "edited", 0.99, {}, "m", "p")
        catalogue.append(a_hand_in("b", person_id="two", matches=(proof,)), searched_to=1)
        for said, left in (("same", 1), ("different", 0)):
            with closing(sqlite3.connect(tmp_path / "c.db")) as behind, behind:
                row = (*map(a_hash, order), said, "somebody", "2026-01-01T00:00:00.000000Z")
                behind.execute("DELETE FROM decision")
                behind.execute("INSERT INTO decision VALUES (?, ?, ?, ?, ?)", row)
            assert len(catalogue.persons.conflicts(10, least=0.9).items) == left


def test_a_page_costs_what_it_tells_and_not_what_there_is(tmp_path, monkeypatch):
    """Of pairs of equal pixels under two persons: the first page and the next, in steps of the database."""
    monkeypatch.setattr(conflicts, "_FIRST_STRETCH", 16)
    steps = {}
    for pairs in (40, 160):
        with closing(open_catalogue(f"sqlite:///{tmp_path}/{pairs}.db")) as catalogue:
            for number in range(pairs):
                for person in ("one", "two"):
                    same = a_content(f"{person} {number}", pixel_hash=a_hash(str(number)))
                    entry = a_hand_in(f"{person} {number}", person_id=person, content=same)
                    catalogue.append(entry, searched_to=catalogue.head())
            with catalogue.persons._database.reading() as connection:
                counted = []
                behind = connection.connection.driver_connection
                behind.set_progress_handler(lambda counted=counted: counted.append(1), 50)
                first = conflicts.page(connection, 3, None, 0.9, of_one_person=False)
                conflicts.page(connection, 3, first.next_cursor, 0.9, of_one_person=False)
                behind.set_progress_handler(None, 0)
                steps[pairs] = len(counted)
            assert len(first.items) == 3
    assert steps[160] < 1.5 * steps[40]


def test_pages_are_the_whole_whatever_stretches_they_are_read_in(tmp_path, monkeypatch):
    """Cliques of equal pixels, equal bytes and proofs from either side, by ones and by many."""
    with closing(open_catalogue(f"sqlite:///{tmp_path}/c.db")) as catalogue:
        for number in range(30):
            name, person = str(number % 26), "one" if number % 3 else "two"
            proof = ProvedMatch(a_hash(name), a_hash("0"), "edited", 0.99, {}, "m", "p")
            proofs = () if number >= 26 or number % 5 == 0 else (proof,)
            same = a_content(name, pixel_hash=a_hash(f"pixels {number % 26 % 5}"))
            entry = a_hand_in(name, person_id=person, content=same, matches=proofs)
            catalogue.append(entry, searched_to=catalogue.head())
        for of_one_person in (False, True):
            whole = catalogue.persons.conflicts(1000, least=0.9, of_one_person=of_one_person).items
            assert len(whole) > 20
            for stretch in (1, 4, 1000):
                monkeypatch.setattr(conflicts, "_FIRST_STRETCH", stretch)
                paged, cursor = [], None
                while True:
                    page = catalogue.persons.conflicts(2, cursor, least=0.9, of_one_person=of_one_person)
                    paged += page.items
                    cursor = page.next_cursor
                    if cursor is None:
                        break
                assert paged == list(whole)
