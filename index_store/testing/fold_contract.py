"""What followers read of the log: what came, what went, and in which spaces."""

# ruff: noqa: S101 - a contract suite is tests: their names tell, they assert, and they expect literals

from dataclasses import replace

import numpy as np

from index_store.errors import BadEntryError, KeeperGoneError, NotFoundError
from index_store.records import Committed, ImageFilter, Removal, Return, Stale
from index_store.testing.opened import OpensCatalogue
from index_store.testing.samples import DIMENSION, a_hand_in, a_hash, a_vector, committed, refused


class FoldContract(OpensCatalogue):
    """Subclass it, and say how to make an empty catalogue."""

    def test_removing_an_image_is_done_once_however_often_it_is_asked(self) -> None:
        with self.opened() as (catalogue, space):
            image = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            first = committed(catalogue.append(Removal(image.image_id), searched_to=0))
            again = committed(catalogue.append(Removal(image.image_id), searched_to=0))
            assert (first.sequence, again.sequence, catalogue.head()) == (2, 2, 2)
            assert again.image == first.image == replace(image, state="removed")
            assert catalogue.image(image.image_id).state == "removed"

    def test_removing_an_unknown_image_is_an_error(self) -> None:
        with self.opened() as (catalogue, _), refused(NotFoundError):
            catalogue.append(Removal("img_unknown"), searched_to=0)

    def test_a_removed_image_comes_back_as_it_was(self) -> None:
        with self.opened() as (catalogue, space):
            one = committed(catalogue.append(a_hand_in("a", space, metadata={"k": 1}), searched_to=0)).image
            two = committed(catalogue.append(a_hand_in("a", space), searched_to=1)).image
            for image in (one, two):
                catalogue.append(Removal(image.image_id), searched_to=0)
            first = committed(catalogue.append(Return(one.image_id), searched_to=0))
            assert (first.sequence, first.image, catalogue.image(one.image_id)) == (5, one, one)
            delta = catalogue.changes_since(4, space.space_id, 10)
            assert [(vector.content_id, vector.sequence) for vector in delta.vectors] == [(a_hash("a"), 5)]
            second = committed(catalogue.append(Return(two.image_id), searched_to=0))
            assert catalogue.changes_since(5, space.space_id, 10).vectors == (), "its vectors were found already"
            again = committed(catalogue.append(Return(two.image_id), searched_to=0))
            assert (second.sequence, again.sequence, catalogue.head()) == (6, 6, 6)
            assert catalogue.contents([a_hash("a")])[a_hash("a")].images == (one, two)
            assert catalogue.references_at(a_hash("a"), 4) == 0
            assert [catalogue.references_at(a_hash("a"), sequence) for sequence in (2, 3, 5, 6)] == [2, 1, 1, 2]

    def test_an_unknown_image_cannot_come_back(self) -> None:
        with self.opened() as (catalogue, _), refused(NotFoundError):
            catalogue.append(Return("img_unknown"), searched_to=0)

    def test_what_came_back_makes_older_searches_stale(self) -> None:
        with self.opened() as (catalogue, space):
            image = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            catalogue.append(Removal(image.image_id), searched_to=0)
            catalogue.append(Return(image.image_id), searched_to=0)
            assert isinstance(catalogue.append(a_hand_in("b", space), searched_to=2), Stale)
            assert isinstance(catalogue.append(a_hand_in("b", space), searched_to=3), Committed)

    def test_of_images_removed_for_one_anothers_sake_one_stays(self) -> None:
        with self.opened() as (catalogue, space):
            one, two, three = (
                committed(catalogue.append(a_hand_in(name, space), searched_to=n)).image.image_id
                for n, name in enumerate("abc")
            )
            catalogue.append(Removal(one, keeper=two), searched_to=0)
            for loser, keeper in ((two, one), (two, two), (one, three)):
                with refused(KeeperGoneError):
                    catalogue.append(Removal(loser, keeper=keeper), searched_to=0)
            with refused(NotFoundError):
                catalogue.append(Removal(two, keeper="img_unknown"), searched_to=0)
            catalogue.append(Removal(two, keeper=three), searched_to=0)
            assert catalogue.stats().images == 1

    def test_a_delta_lists_new_vectors_in_order_with_their_values(self) -> None:
        with self.opened() as (catalogue, space):
            for number, name in enumerate("ab"):
                catalogue.append(a_hand_in(name, space), searched_to=number)
            delta = catalogue.changes_since(0, space.space_id, 10)
            assert [(one.content_id, one.sequence) for one in delta.vectors] == [(a_hash("a"), 1), (a_hash("b"), 2)]
            assert np.array_equal(delta.vectors[1].values, a_vector("b"))
            assert delta.vectors[0].vector_id < delta.vectors[1].vector_id
            assert catalogue.changes_since(1, space.space_id, 10).vectors[0].content_id == a_hash("b")

    def test_a_delta_reads_no_further_than_its_limit(self) -> None:
        with self.opened() as (catalogue, space):
            for number, name in enumerate("abc"):
                catalogue.append(a_hand_in(name, space), searched_to=number)
            delta = catalogue.changes_since(1, space.space_id, 1)
            assert (delta.since, delta.sequence, len(delta.vectors)) == (1, 2, 1)

    def test_vectors_of_another_space_are_not_in_the_delta(self) -> None:
        with self.opened() as (catalogue, space):
            other = catalogue.ensure_space("builtin", "2", DIMENSION, "cosine")
            catalogue.append(a_hand_in("a", space), searched_to=0)
            delta = catalogue.changes_since(0, other.space_id, 10)
            assert (delta.vectors, delta.sequence) == ((), 1)

    def test_a_content_is_found_while_it_has_an_active_image(self) -> None:
        with self.opened() as (catalogue, space):
            one = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            two = committed(catalogue.append(a_hand_in("a", space), searched_to=1)).image
            catalogue.append(Removal(one.image_id), searched_to=2)
            delta = catalogue.changes_since(2, space.space_id, 10)
            assert (delta.vectors, delta.removed) == ((), ())
            catalogue.append(Removal(two.image_id), searched_to=3)
            assert catalogue.changes_since(3, space.space_id, 10).removed == (a_hash("a"),)
            assert catalogue.known([a_hash("a")]) == set()
            assert catalogue.first_look(a_hash("a"), a_hash("pixels of a"), []).exact == ()
            back = committed(catalogue.append(a_hand_in("a", space), searched_to=4))
            assert back.image.outcome == "referenced"
            delta = catalogue.changes_since(4, space.space_id, 10)
            assert [(vector.content_id, vector.sequence) for vector in delta.vectors] == [(a_hash("a"), 5)]
            assert catalogue.known([a_hash("a")]) == {a_hash("a")}

    def test_a_delta_tells_only_how_things_ended(self) -> None:
        with self.opened() as (catalogue, space):
            image = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            catalogue.append(Removal(image.image_id), searched_to=1)
            assert catalogue.changes_since(0, space.space_id, 10).removed == (a_hash("a"),)
            catalogue.append(a_hand_in("a", space), searched_to=2)
            delta = catalogue.changes_since(0, space.space_id, 10)
            assert ([vector.sequence for vector in delta.vectors], delta.removed) == ([3], ())
            early = catalogue.changes_since(0, space.space_id, 2)
            assert (early.vectors, early.removed) == ((), (a_hash("a"),))

    def test_a_space_is_made_once_and_never_changes_shape(self) -> None:
        with self.opened() as (catalogue, space):
            assert catalogue.ensure_space("builtin", "1", DIMENSION, "cosine") == space
            assert catalogue.ensure_space("builtin", "2", DIMENSION, "cosine").space_id != space.space_id
            with refused(BadEntryError):
                catalogue.ensure_space("builtin", "1", DIMENSION + 1, "cosine")

    def test_a_probe_of_writing_leaves_the_log_alone(self) -> None:
        with self.opened() as (catalogue, _):
            catalogue.check_writable()
            catalogue.check_writable()
            assert catalogue.head() == 0

    def test_vectors_are_read_in_pages_by_id(self) -> None:
        with self.opened() as (catalogue, space):
            for n, name in enumerate("abcde"):
                catalogue.append(a_hand_in(name, space), searched_to=n)
            first = catalogue.vectors(space.space_id, 5, 0, 3)
            rest = catalogue.vectors(space.space_id, 5, first.next_id or 0, 3)
            assert [len(first.vectors), len(rest.vectors)] == [3, 2]
            assert rest.next_id is None
            read = [*first.vectors, *rest.vectors]
            assert [one.content_id for one in read] == [a_hash(name) for name in "abcde"]
            assert [one.sequence for one in read] == [1, 2, 3, 4, 5]
            assert all(np.array_equal(one.values, a_vector(name)) for one, name in zip(read, "abcde", strict=True))

    def test_vectors_are_those_findable_at_that_sequence_whatever_came_after(self) -> None:
        with self.opened() as (catalogue, space):
            other = catalogue.ensure_space("other", "1", DIMENSION, "cosine")
            catalogue.append(a_hand_in("z", other), searched_to=0)
            one = committed(catalogue.append(a_hand_in("a", space), searched_to=1)).image
            catalogue.append(a_hand_in("b", space), searched_to=2)
            two = committed(catalogue.append(a_hand_in("a", space), searched_to=3)).image
            catalogue.append(Removal(one.image_id), searched_to=4)
            catalogue.append(Removal(two.image_id), searched_to=5)
            catalogue.append(a_hand_in("a", space), searched_to=6)
            catalogue.append(Return(one.image_id), searched_to=0)
            back = catalogue.images(ImageFilter(), 1).items[0]
            for image in (one, back):
                catalogue.append(Removal(image.image_id), searched_to=0)
            catalogue.append(Return(two.image_id), searched_to=0)
            expected = [
                {},
                {},
                {"a": 2},
                {"a": 2, "b": 3},
                {"a": 2, "b": 3},
                {"a": 2, "b": 3},
                {"b": 3},
                {"a": 7, "b": 3},
                {"a": 7, "b": 3},
                {"a": 7, "b": 3},
                {"b": 3},
                {"a": 11, "b": 3},
            ]
            for upto, wanted in enumerate(expected):
                page = catalogue.vectors(space.space_id, upto, 0, 99)
                found = {vector.content_id: vector.sequence for vector in page.vectors}
                assert found == {a_hash(name): sequence for name, sequence in wanted.items()}, upto

    def test_a_page_without_a_findable_vector_is_not_the_last(self) -> None:
        with self.opened() as (catalogue, space):
            image = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            catalogue.append(a_hand_in("b", space), searched_to=1)
            catalogue.append(Removal(image.image_id), searched_to=2)
            page = catalogue.vectors(space.space_id, 3, 0, 1)
            assert page.vectors == ()
            assert page.next_id is not None
            assert len(catalogue.vectors(space.space_id, 3, page.next_id, 1).vectors) == 1
