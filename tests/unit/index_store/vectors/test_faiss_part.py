"""The unchanging part finds what the exact comparison finds."""

import numpy as np
import pytest

from index_store.errors import BadSnapshotError
from index_store.records import StoredVector
from index_store.testing import a_hash
from index_store.vectors import faiss_part
from index_store.vectors.faiss_part import FaissPart, cells_for


def none_gone(part):
    return np.zeros(part.count, np.bool_)


def test_every_stored_vector_finds_itself(kind, columns):
    """Five hundred of them, in each kind, after a journey through bytes."""
    part = FaissPart.built(columns(700), 9)
    assert part.kind.startswith(kind)
    index = faiss_part._deserialised(part.sections()["faiss"])
    loaded = FaissPart(part.columns, index, kind=part.kind, sequence=9)
    queries = part.columns.unit_rows(slice(None))
    for row in range(500):
        near = loaded.nearest(queries[row : row + 1], 1, none_gone(part))
        assert near.rows.tolist() == [row]
        assert abs(near.similarities[0] - 1) < 1e-3


def test_the_nearest_of_many_query_rows_are_the_exact_ones(kind, columns):
    """Similarities too. Compressed kinds miss some of these: short vectors in random directions are the worst there is."""
    part, rng = FaissPart.built(columns(2000), 9), np.random.default_rng(5)
    found = 0
    for _ in range(20):
        queries = rng.standard_normal((8, 32)).astype(np.float32)
        queries /= np.linalg.norm(queries, axis=1, keepdims=True)
        near = part.nearest(queries, 10, none_gone(part))
        exact = part.compared_with(np.arange(2000), queries, 10)
        found += len(set(near.rows.tolist()) & set(exact.rows.tolist()))
        if kind == "flat":
            assert near.rows.tolist() == exact.rows.tolist()
            assert near.query_rows.tolist() == exact.query_rows.tolist()
        assert near.similarities[0] == pytest.approx(exact.similarities[0], abs=1e-6)
    assert found >= {"flat": 200, "turned": 196, "ivf": 170}[kind]


@pytest.mark.usefixtures("kind")
def test_what_is_gone_is_passed_over_however_much_it_is(columns):
    """Also when all that FAISS fetched first is gone."""
    part = FaissPart.built(columns(700), 9)
    gone = np.ones(700, np.bool_)
    gone[[5, 300, 699]] = False
    near = part.nearest(part.columns.unit_rows(slice(0, 1)), 10, gone)
    assert sorted(near.rows.tolist()) == [5, 300, 699]


def test_equal_vectors_come_in_the_order_of_their_ids(kind, columns, monkeypatch):
    """Though FAISS may give ties in any order, here the worst, and fetches fewer than there are."""
    many = columns(700)
    many.values[:600] = many.values[100]
    part = FaissPart.built(many, 9)
    assert part.kind.startswith(kind)

    def worst_first(queries, fetch):
        similarities = part.columns.unit_rows(slice(None)) @ queries.T
        order = np.lexsort((-np.arange(700), -np.round(similarities[:, 0], 5)))[:fetch]
        return np.sort(order), order[-1:]

    monkeypatch.setattr(part, "_asked", worst_first)
    near = part.nearest(many.unit_rows(slice(100, 101)), 7, none_gone(part))
    assert near.rows.tolist() == list(range(7))


@pytest.mark.parametrize(("count", "cells"), [(150_000, 2048), (1_000_000, 4096), (4_000_000, 8192)])
def test_cells_grow_with_the_root_of_the_vectors(count, cells):
    """So that the cells, and what is in each, are looked through in like time."""
    assert cells_for(count) == cells


def test_what_faiss_cannot_read_is_a_bad_snapshot():
    """Whatever it raised."""
    with pytest.raises(BadSnapshotError):
        faiss_part._deserialised(np.frombuffer(b"IxFI" + b"\xff" * 60, np.uint8))


def test_a_stored_vector_is_what_the_catalogue_stores(columns):
    """The same sixteen bits, so nothing is rounded twice."""
    made = columns(3)
    part = FaissPart.built(made, 9)
    stored = StoredVector(3, a_hash("a"), 1, 1, made.values[0])
    assert part.sections()["values"][0].tobytes() == stored.values.astype("<f2").tobytes()
