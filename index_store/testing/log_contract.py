"""What appending to the log must do: order, staleness, and entries that are refused."""

# ruff: noqa: S101, PLR2004 - a contract suite is tests: their names tell, they assert, and they expect literals

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from index_store.catalogue.protocol import Catalogue
from index_store.errors import BadEntryError, NotFoundError
from index_store.records import Committed, HandIn, NewVector, Removal, Space, Stale
from index_store.testing.opened import OpensCatalogue
from index_store.testing.samples import DIMENSION, a_content, a_hand_in, a_hash, a_vector, committed, refused


class LogContract(OpensCatalogue):
    """Subclass it, and say how to make an empty catalogue."""

    def test_an_empty_log_ends_at_zero(self) -> None:
        with self.opened() as (catalogue, space):
            assert catalogue.head() == 0
            delta = catalogue.changes_since(0, space.space_id, 10)
            assert (delta.sequence, delta.vectors, delta.removed) == (0, (), ())

    def test_sequences_count_up_from_one(self) -> None:
        with self.opened() as (catalogue, space):
            taken = [committed(catalogue.append(a_hand_in(name, space), searched_to=n)) for n, name in enumerate("abc")]
            assert [one.sequence for one in taken] == [1, 2, 3]
            assert [one.image.sequence for one in taken] == [1, 2, 3]
            assert catalogue.head() == 3

    def test_an_entry_that_did_not_see_the_newest_vectors_is_stale_and_writes_nothing(self) -> None:
        with self.opened() as (catalogue, space):
            catalogue.append(a_hand_in("a", space), searched_to=0)
            entry = a_hand_in("b", space)
            assert catalogue.append(entry, searched_to=0) == Stale(1)
            assert catalogue.head() == 1
            assert catalogue.contents([entry.content_id]) == {}
            assert committed(catalogue.append(entry, searched_to=1)).sequence == 2

    def test_one_more_reference_to_a_content_does_not_make_an_entry_stale(self) -> None:
        with self.opened() as (catalogue, space):
            catalogue.append(a_hand_in("a", space), searched_to=0)
            catalogue.append(a_hand_in("a", space), searched_to=1)
            assert committed(catalogue.append(a_hand_in("b", space), searched_to=1)).sequence == 3

    def test_a_removal_makes_older_searches_stale(self) -> None:
        with self.opened() as (catalogue, space):
            image = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            catalogue.append(a_hand_in("a", space), searched_to=1)
            catalogue.append(Removal(image.image_id), searched_to=0)
            assert catalogue.append(a_hand_in("b", space), searched_to=2) == Stale(3)

    def test_a_content_that_comes_back_makes_older_searches_stale(self) -> None:
        with self.opened() as (catalogue, space):
            image = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            catalogue.append(Removal(image.image_id), searched_to=1)
            catalogue.append(a_hand_in("a", space), searched_to=2)
            assert catalogue.append(a_hand_in("b", space), searched_to=2) == Stale(3)

    def test_a_search_past_the_end_of_the_log_is_refused(self) -> None:
        with self.opened() as (catalogue, space), refused(BadEntryError):
            catalogue.append(a_hand_in("a", space), searched_to=5)

    def test_known_bytes_are_referenced_and_never_written_twice(self) -> None:
        with self.opened() as (catalogue, space):
            catalogue.append(a_hand_in("a", space), searched_to=0)
            other = replace(a_hand_in("a", space), content=a_content("a", format="PNG"))
            image = committed(catalogue.append(other, searched_to=1)).image
            assert (image.outcome, image.content_id) == ("referenced", a_hash("a"))
            assert catalogue.contents([a_hash("a")])[a_hash("a")].content.format == "JPEG"
            assert catalogue.stats().vectors == 1

    def test_an_image_may_point_at_a_content_without_bringing_bytes(self) -> None:
        with self.opened() as (catalogue, space):
            catalogue.append(a_hand_in("a", space), searched_to=0)
            entry = a_hand_in("a", content=None, handed_in_bytes=77, relation="reencoded")
            image = committed(catalogue.append(entry, searched_to=1)).image
            assert (image.outcome, image.handed_in_bytes) == ("referenced", 77)

    def test_pointing_at_an_unknown_content_is_refused(self) -> None:
        with self.opened() as (catalogue, _), refused(NotFoundError):
            catalogue.append(a_hand_in("a", content=None), searched_to=0)

    def test_entries_that_contradict_themselves_are_refused_and_write_nothing(self) -> None:
        with self.opened() as (catalogue, space):
            for entry in _contradictions(space):
                with refused(BadEntryError):
                    catalogue.append(entry, searched_to=0)
            assert catalogue.head() == 0
            assert catalogue.stats().contents == 0

    def test_perceptual_hashes_are_told_of_findable_contents_only(self) -> None:
        with self.opened() as (catalogue, space):
            entry = a_hand_in("a", space)
            image = committed(catalogue.append(entry, searched_to=0)).image
            assert entry.content is not None
            neighbours = [a_hash("a"), a_hash("b")]
            looked = catalogue.first_look(a_hash("b"), a_hash("pixels of b"), neighbours)
            assert looked.phashes == {a_hash("a"): entry.content.phash}
            catalogue.append(Removal(image.image_id), searched_to=1)
            assert catalogue.first_look(a_hash("b"), a_hash("pixels of b"), neighbours).phashes == {}

    def test_an_image_id_is_taken_once(self) -> None:
        with self.opened() as (catalogue, space):
            entry = a_hand_in("a", space)
            catalogue.append(entry, searched_to=0)
            with refused(BadEntryError):
                catalogue.append(replace(a_hand_in("b", space), image_id=entry.image_id), searched_to=1)
            assert catalogue.known([a_hash("b")]) == set()

    def test_of_threads_that_searched_to_the_same_head_one_commits_a_round(self) -> None:
        with self.opened() as (catalogue, space):
            rounds, threads = 5, 8
            for number in range(rounds):
                answers = _race(catalogue, [a_hand_in(f"{number}/{one}", space) for one in range(threads)])
                assert sorted(type(answer).__name__ for answer in answers) == ["Committed"] + ["Stale"] * (threads - 1)
            assert catalogue.head() == rounds


def _race(catalogue: Catalogue, entries: list[HandIn]) -> list[Committed | Stale]:
    """Append all the entries at once, each having searched to the same head."""
    head, ready = catalogue.head(), threading.Barrier(len(entries))

    def append(entry: HandIn) -> Committed | Stale:
        ready.wait()
        return catalogue.append(entry, searched_to=head)

    with ThreadPoolExecutor(len(entries)) as pool:
        return list(pool.map(append, entries))


def _contradictions(space: Space) -> Iterator[HandIn]:
    yield a_hand_in("a", space, content_id="../../etc/passwd")
    yield a_hand_in("a", space, content_id=a_hash("b"))
    yield a_hand_in("a", space, content=None)
    yield a_hand_in("a", space, probability=float("nan"))
    yield a_hand_in("a", space, external_id="\udc80")
    yield a_hand_in("a", space, metadata={"x": float("nan")})
    yield a_hand_in("a", space, metadata={"x": object()})
    yield a_hand_in("a", space, content=a_content("a", phash=b"short"))
    good = a_vector("a")
    for space_id, values in [
        (space.space_id, np.zeros(DIMENSION, np.float16)),
        (space.space_id, np.full(DIMENSION, np.nan, np.float16)),
        (space.space_id, good[:-1]),
        (space.space_id + 99, good),
    ]:
        yield a_hand_in("a", vectors=(NewVector(space_id, values),))
    yield a_hand_in("a", vectors=(NewVector(space.space_id, good), NewVector(space.space_id, good)))
