"""A follower's index equals what the tables say, after any history."""

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_store.catalogue import open_catalogue
from index_store.errors import StoreError
from index_store.records import Removal
from index_store.testing import MemoryCatalogue, NaiveIndex, a_hand_in
from index_store.testing.samples import DIMENSION
from index_store.vectors import ExactIndex, Follower, follower

FINDABLE = """
    SELECT v.id, v.content_id FROM vector v
    WHERE EXISTS (SELECT 1 FROM image i WHERE i.content_id = v.content_id AND i.state = 'active')
"""
steps = st.lists(
    st.one_of(
        st.tuples(st.just("hand in"), st.integers(0, 4)),
        st.tuples(st.just("remove"), st.integers(0, 20)),
        st.tuples(st.just("catch up"), st.just(0)),
    ),
    max_size=30,
)


def play(catalogue, space, history, followers):
    """Tell a history to a catalogue; the followers catch up where it says so."""
    images = []
    for step, number in history:
        if step == "hand in":
            images.append(catalogue.append(a_hand_in(str(number), space), searched_to=catalogue.head()).image)
        elif step == "remove" and images:
            catalogue.append(Removal(images[number % len(images)].image_id), searched_to=0)
        elif step == "catch up":
            for one in followers:
                one.catch_up()


@settings(max_examples=40, deadline=None)
@given(history=steps, batch=st.integers(1, 5))
def test_after_any_history_an_index_holds_what_the_tables_say(history, batch):
    """Whenever it caught up, and in batches however small; the oracle is one SQL question asked behind its back."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(follower, "_CHANGES_AT_ONCE", batch)
        catalogue = open_catalogue(f"sqlite:///{folder}/c.db")
        space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
        steady, late = (Follower(catalogue, ExactIndex(DIMENSION), space) for _ in range(2))
        play(catalogue, space, history, [steady])
        for one in (steady, late):
            assert one.catch_up() == catalogue.head()
            with closing(sqlite3.connect(f"{folder}/c.db")) as behind:
                expected = sorted(behind.execute(FINDABLE).fetchall())
            found = one.index.search(np.eye(DIMENSION, dtype=np.float32), 99)
            assert sorted((n.vector_id, n.content_id) for n in found) == expected
            assert one.index.size == len(expected)
        catalogue.close()


@settings(max_examples=60, deadline=None)
@given(history=steps, after=st.integers(0, 20))
def test_the_exact_index_answers_like_the_naive_one(history, after):
    """Also for newer vectors only, after contents went and came back."""
    catalogue = MemoryCatalogue()
    space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
    exact, naive = (Follower(catalogue, index, space) for index in (ExactIndex(DIMENSION), NaiveIndex()))
    play(catalogue, space, history, [exact])
    assert exact.catch_up() == naive.catch_up()
    queries = np.eye(DIMENSION, dtype=np.float32)[:3]
    for k in (1, 3, 99):
        found, expected = exact.index.search(queries, k, after), naive.index.search(queries, k, after)
        assert [(n.vector_id, n.query_row) for n in found] == [(n.vector_id, n.query_row) for n in expected]
        assert np.allclose([n.similarity for n in found], [n.similarity for n in expected], atol=1e-5)


def test_a_log_that_ends_before_the_index_is_another_log():
    """A catalogue restored from a backup must not be searched with yesterday's index."""
    catalogue, other = MemoryCatalogue(), MemoryCatalogue()
    space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
    catalogue.append(a_hand_in("a", space), searched_to=0)
    index = ExactIndex(DIMENSION)
    Follower(catalogue, index, space).catch_up()
    with pytest.raises(StoreError, match="replaced"):
        Follower(other, index, space).catch_up()


def test_a_log_that_shrinks_under_the_reader_is_an_error_and_no_endless_loop():
    """Its head was told, and the changes up to it are gone: the catalogue was replaced while it was read."""
    catalogue = MemoryCatalogue()
    space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
    catalogue.head = lambda: 5
    with pytest.raises(StoreError, match="replaced"):
        Follower(catalogue, ExactIndex(DIMENSION), space).catch_up()


def test_vectors_of_another_space_never_enter_an_index(monkeypatch):
    """Whatever a log says: distances across spaces, or generations of one, would mean nothing."""
    catalogue = MemoryCatalogue()
    space = catalogue.ensure_space("clip:x", "1" * 64, DIMENSION, "cosine")
    catalogue.append(a_hand_in("a", space), searched_to=0)
    told = catalogue.changes_since(0, space.space_id, 10)
    strangers = tuple(replace(vector, space_id=space.space_id + 1) for vector in told.vectors)
    monkeypatch.setattr(catalogue, "changes_since", lambda *_: replace(told, vectors=strangers))
    index = ExactIndex(DIMENSION)
    with pytest.raises(StoreError, match="another space"):
        Follower(catalogue, index, space).catch_up()
    assert (index.size, index.sequence) == (0, 0)
