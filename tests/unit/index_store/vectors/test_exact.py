"""The exact index under growth, removal and many threads."""

import threading

import numpy as np
import pytest

from index_store.records import Delta, StoredVector
from index_store.testing import a_hash
from index_store.vectors import ExactIndex

DIMENSION = 16


def batch(rng, start, count, removed=()):
    values = rng.standard_normal((count, DIMENSION)).astype(np.float16)
    vectors = tuple(
        StoredVector(start + n, a_hash(str(start + n)), 1, start + n, row) for n, row in enumerate(values, 1)
    )
    return Delta(start, start + count, vectors, tuple(a_hash(str(number)) for number in removed))


def test_it_grows_and_forgets_without_losing_a_vector():
    """Rows that are gone are left behind when the matrix grows, so endless replacing takes bounded room."""
    rng, index = np.random.default_rng(0), ExactIndex(DIMENSION)
    index.apply(batch(rng, 0, 500))
    for round_ in range(1, 30):
        index.apply(batch(rng, 500 * round_, 500, removed=range(500 * (round_ - 1) + 1, 500 * round_ + 1)))
    assert index.size == 500
    assert len(index._shelf.matrix) <= 4096
    found = index.search(np.eye(DIMENSION, dtype=np.float32), 9999)
    assert sorted(one.vector_id for one in found) == list(range(14_501, 15_001))


def test_a_delta_it_cannot_read_changes_nothing():
    """A wrong length is found before the first row is touched."""
    rng, index = np.random.default_rng(0), ExactIndex(DIMENSION)
    index.apply(batch(rng, 0, 5))
    broken = StoredVector(6, a_hash("1"), 1, 6, np.ones(DIMENSION + 1, np.float16))
    with pytest.raises(ValueError, match="broadcast"):
        index.apply(Delta(5, 6, (broken,), (a_hash("2"),)))
    assert (index.sequence, index.size) == (5, 5)
    index.apply(Delta(5, 6, (), (a_hash("1"),)))
    assert index.size == 4


@pytest.mark.parametrize("shape", [(16,), (2, 15), (2, 2, 16)])
def test_queries_of_another_shape_are_refused(shape):
    """They belong to another space."""
    with pytest.raises(ValueError, match="shape"):
        ExactIndex(DIMENSION).search(np.zeros(shape, np.float32), 5)


def test_searches_beside_a_writer_never_see_half_a_delta():
    """Each delta replaces all contents at once: a search sees one generation whole, and never two."""
    rng, index, size = np.random.default_rng(0), ExactIndex(DIMENSION), 200
    index.apply(batch(rng, 0, size))
    done, wrong = threading.Event(), []
    queries = np.eye(DIMENSION, dtype=np.float32)[:8]

    def search():
        while not done.is_set():
            generations = {(one.vector_id - 1) // size for one in index.search(queries, 2 * size)}
            found = len(index.search(queries, 2 * size))
            if len(generations) != 1 or found != size:
                wrong.append((generations, found))

    searchers = [threading.Thread(target=search) for _ in range(3)]
    for one in searchers:
        one.start()
    for round_ in range(1, 60):
        index.apply(batch(rng, size * round_, size, removed=range(size * (round_ - 1) + 1, size * round_ + 1)))
    done.set()
    for one in searchers:
        one.join()
    assert wrong == []


def test_a_delta_that_ran_out_of_memory_can_be_applied_again(monkeypatch):
    """Growing comes before anything is forgotten, so nothing that was removed comes back."""
    rng, index = np.random.default_rng(0), ExactIndex(DIMENSION)
    index.apply(batch(rng, 0, 1024))
    delta = batch(rng, 1024, 10, removed=[1])

    def no_memory(*_args, **_kwargs):
        raise MemoryError

    with monkeypatch.context() as broken:
        broken.setattr(index, "_empty", no_memory)
        with pytest.raises(MemoryError):
            index.apply(delta)
    index.apply(delta)
    assert index.size == 1024 + 10 - 1
    assert 1 not in [one.vector_id for one in index.search(np.eye(DIMENSION, dtype=np.float32), 9999)]
