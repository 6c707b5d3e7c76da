"""What every vector index must do, and the index that is too simple to be wrong."""

# ruff: noqa: S101, PLR2004 - a contract suite is tests: their names tell, they assert, and they expect literals

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from index_store.errors import StoreError
from index_store.records import Delta, StoredVector
from index_store.testing.samples import DIMENSION, a_hash, a_vector, refused
from index_store.vectors.protocol import Neighbour, VectorIndex, check_follows


class NaiveIndex:
    """A list, and one cosine at a time in double precision. The oracle."""

    def __init__(self) -> None:
        self.vectors: list[StoredVector] = []
        self._sequence = 0

    @property
    def sequence(self) -> int:
        return self._sequence

    @property
    def size(self) -> int:
        return len(self.vectors)

    def apply(self, delta: Delta) -> None:
        check_follows(delta, self._sequence)
        changed = {*delta.removed, *(vector.content_id for vector in delta.vectors)}
        self.vectors = [vector for vector in self.vectors if vector.content_id not in changed]
        self.vectors.extend(delta.vectors)
        self._sequence = delta.sequence

    def search(self, queries: NDArray[np.float32], k: int, after: int = 0) -> Sequence[Neighbour]:
        found = []
        for vector in self.vectors:
            if vector.sequence > after and len(queries):
                values = vector.values.astype(np.float64)
                cosines = [float(query @ values / np.linalg.norm(values)) for query in queries.astype(np.float64)]
                best = max(cosines)
                found.append(Neighbour(vector.content_id, vector.vector_id, best, cosines.index(best)))
        return sorted(found, key=lambda one: (-one.similarity, one.vector_id))[: max(k, 0)]


def told(*names: str, since: int = 0, removed: Sequence[str] = ()) -> Delta:
    """A delta of one change a name, numbered on from `since`; vector ids are the changes' numbers."""
    vectors = [
        StoredVector(number, a_hash(name), 1, number, a_vector(name)) for number, name in enumerate(names, since + 1)
    ]
    gone = tuple(a_hash(name) for name in removed)
    return Delta(since, since + len(names) + len(gone), tuple(vectors), gone)


def asked(*names: str) -> NDArray[np.float32]:
    rows = np.array([a_vector(name) for name in names], np.float32).reshape(len(names), DIMENSION)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


class IndexContract:
    """Subclass it, and say how to make an empty index of `DIMENSION` dimensions."""

    def make_index(self) -> VectorIndex:
        raise NotImplementedError

    def filled(self, *deltas: Delta) -> VectorIndex:
        index = self.make_index()
        for delta in deltas:
            index.apply(delta)
        return index

    def test_an_empty_index_finds_nothing(self) -> None:
        index = self.make_index()
        assert (index.sequence, index.size, list(index.search(asked("a"), 5))) == (0, 0, [])

    def test_a_stored_vector_finds_itself_first(self) -> None:
        index = self.filled(told(*map(str, range(50))))
        assert (index.sequence, index.size) == (50, 50)
        for number in range(50):
            first = index.search(asked(str(number)), 3)[0]
            assert (first.content_id, first.vector_id) == (a_hash(str(number)), number + 1)
            assert abs(first.similarity - 1) < 1e-3

    def test_neighbours_come_best_first_and_no_more_than_asked_for(self) -> None:
        found = self.filled(told(*map(str, range(50)))).search(asked("a"), 7)
        similarities = [one.similarity for one in found]
        assert len(found) == 7
        assert similarities == sorted(similarities, reverse=True)

    def test_asking_for_none_or_for_too_many_is_no_error(self) -> None:
        index = self.filled(told("a", "b"))
        assert list(index.search(asked("a"), 0)) == []
        assert len(index.search(asked("a"), 99)) == 2
        assert list(index.search(asked(), 5)) == []

    def test_of_many_query_rows_the_closest_counts_and_is_named(self) -> None:
        index = self.filled(told("a", "b", "c"))
        found = {one.content_id: one for one in index.search(asked("x", "c", "b"), 5)}
        assert len(found) == 3
        assert (found[a_hash("c")].query_row, found[a_hash("b")].query_row) == (1, 2)

    def test_equal_vectors_come_in_the_order_of_their_ids(self) -> None:
        same = [StoredVector(n, a_hash(str(n)), 1, n, a_vector("same")) for n in range(1, 9)]
        found = self.filled(Delta(0, 8, tuple(same), ())).search(asked("same"), 3)
        assert [one.vector_id for one in found] == [1, 2, 3]

    def test_a_removed_content_is_not_found(self) -> None:
        index = self.filled(told("a", "b"), told(since=2, removed=["a"]))
        assert [one.content_id for one in index.search(asked("a"), 5)] == [a_hash("b")]
        assert index.size == 1

    def test_removing_what_is_not_there_changes_nothing(self) -> None:
        assert self.filled(told("a", "b"), told(since=2, removed=["nobody"])).size == 2

    def test_a_content_that_comes_again_is_found_once_and_counts_as_new(self) -> None:
        index = self.filled(told("a", "b"), told(since=2, removed=["a"]), told("a", since=3))
        assert [one.content_id for one in index.search(asked("a"), 1)] == [a_hash("a")]
        assert [one.content_id for one in index.search(asked("a"), 5, after=2)] == [a_hash("a")]
        again = self.filled(told("a", "b"), told("a", since=2))
        assert (again.size, len(again.search(asked("a"), 5))) == (2, 2)

    def test_a_search_can_be_of_newer_vectors_only(self) -> None:
        index = self.filled(told("a", "b"), told("c", since=2))
        assert [one.content_id for one in index.search(asked("a"), 5, after=2)] == [a_hash("c")]
        assert list(index.search(asked("a"), 5, after=3)) == []

    def test_a_delta_that_leaves_a_gap_or_repeats_is_refused(self) -> None:
        index = self.filled(told("a", "b"))
        for delta in (told("c", since=3), told("a", "b")):
            with refused(StoreError):
                index.apply(delta)
        assert (index.sequence, index.size) == (2, 2)
