"""What a person has said about two contents outweighs what was proved of them."""

import sqlite3
from contextlib import closing

import pytest

from index_store.catalogue import open_catalogue
from index_store.records import ProvedMatch
from index_store.testing import a_hand_in, a_hash


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
