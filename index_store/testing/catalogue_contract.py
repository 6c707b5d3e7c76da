"""What every catalogue must do, in the words of `catalogue/protocol.py`."""

# ruff: noqa: S101, PLR2004 - a contract suite is tests: their names tell, they assert, and they expect literals

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from index_store.catalogue.protocol import Catalogue
from index_store.errors import BadCursorError, BadEntryError, NotFoundError
from index_store.records import Committed, HandIn, Image, ImageFilter, NewVector, ProvedMatch, Removal, Space, Stale
from index_store.testing.samples import DIMENSION, a_content, a_hand_in, a_hash, a_vector, committed, refused


class CatalogueContract:
    """Subclass it, and say how to make an empty catalogue."""

    def make_catalogue(self) -> Catalogue:
        raise NotImplementedError

    @contextmanager
    def opened(self) -> Iterator[tuple[Catalogue, Space]]:
        catalogue = self.make_catalogue()
        try:
            yield catalogue, catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
        finally:
            catalogue.close()

    # The log

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
            expected = [
                {},
                {},
                {"a": 2},
                {"a": 2, "b": 3},
                {"a": 2, "b": 3},
                {"a": 2, "b": 3},
                {"b": 3},
                {"a": 7, "b": 3},
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

    def test_perceptual_hashes_are_told_of_known_contents_only(self) -> None:
        with self.opened() as (catalogue, space):
            entry = a_hand_in("a", space)
            catalogue.append(entry, searched_to=0)
            assert entry.content is not None
            assert catalogue.phashes([a_hash("a"), a_hash("b")]) == {a_hash("a"): entry.content.phash}

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

    # Removal and the fold

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
            assert catalogue.find_exact(a_hash("a"), a_hash("pixels of a")) == []
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

    # The records

    def test_what_was_handed_in_comes_back_whole(self) -> None:
        with self.opened() as (catalogue, space):
            content = a_content("a", facts={"notes": ["x"]}, quality={"overall": 0.5}, authenticity={"risk": None})
            given = {"external_id": "ä/1.jpg", "person_id": "P1", "metadata": {"k": [1, {"z": None}]}}
            block = {"verdict": "duplicate", "matches": [{"probability": 0.99}]}
            entry = a_hand_in(
                "a", space, content=replace(content, too_little_detail=True), verdict_block=block, **given
            )
            image = committed(catalogue.append(entry, searched_to=0)).image
            assert catalogue.image(entry.image_id) == image
            assert (image.external_id, image.person_id, image.metadata) == tuple(given.values())
            assert image.verdict_block == block
            found = catalogue.contents([entry.content_id])[entry.content_id]
            assert found.content == replace(content, too_little_detail=True, created=found.content.created)
            assert found.images == (image,)
            assert datetime.fromisoformat(image.created).tzinfo is not None

    def test_an_unknown_image_is_an_error(self) -> None:
        with self.opened() as (catalogue, _), refused(NotFoundError):
            catalogue.image("img_unknown")

    def test_contents_name_their_active_images_oldest_first_and_count_them_all(self) -> None:
        with self.opened() as (catalogue, space):
            images = [
                committed(catalogue.append(a_hand_in("a", space), searched_to=min(n, 1))).image for n in range(20)
            ]
            catalogue.append(Removal(images[0].image_id), searched_to=0)
            found = catalogue.contents([a_hash("a"), a_hash("nobody")])
            assert list(found) == [a_hash("a")]
            assert found[a_hash("a")].references == 19
            assert found[a_hash("a")].images == tuple(images[1:17])

    def test_many_ids_may_be_asked_for_at_once(self) -> None:
        with self.opened() as (catalogue, space):
            catalogue.append(a_hand_in("a", space), searched_to=0)
            many = [a_hash(str(number)) for number in range(2500)] + [a_hash("a")]
            assert catalogue.known(many) == {a_hash("a")}
            assert list(catalogue.contents(many)) == [a_hash("a")]

    def test_exact_copies_are_found_by_bytes_first_and_then_by_pixels(self) -> None:
        with self.opened() as (catalogue, space):
            pixels = a_hash("same pixels")
            for number, name in enumerate("abc"):
                content = a_content(name, pixel_hash=pixels)
                catalogue.append(a_hand_in(name, space, content=content), searched_to=number)
            assert catalogue.find_exact(a_hash("c"), pixels)[0] == a_hash("c")
            assert sorted(catalogue.find_exact(a_hash("c"), pixels)) == sorted(map(a_hash, "abc"))
            assert catalogue.find_exact(a_hash("c"), pixels) == [a_hash("c"), a_hash("a"), a_hash("b")]
            assert catalogue.find_exact(a_hash("b"), a_hash("other pixels")) == [a_hash("b")]

    def test_contents_that_a_space_does_not_describe_are_counted(self) -> None:
        with self.opened() as (catalogue, space):
            first = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            flat = replace(a_content("b"), too_little_detail=True)
            catalogue.append(a_hand_in("b", content=flat), searched_to=1)
            other = catalogue.ensure_space("builtin", "another generation", space.dimension, "cosine")
            assert catalogue.undescribed(space.space_id) == 0
            assert catalogue.undescribed(other.space_id) == 1
            catalogue.append(Removal(first.image_id), searched_to=2)
            assert catalogue.undescribed(other.space_id) == 0

    def test_images_are_listed_newest_first_page_by_page(self) -> None:
        with self.opened() as (catalogue, space):
            images = [committed(catalogue.append(a_hand_in(str(n), space), searched_to=n)).image for n in range(5)]
            catalogue.append(Removal(images[3].image_id), searched_to=5)
            listed: list[Image] = []
            cursor = None
            while True:
                page = catalogue.images(ImageFilter(), 2, cursor)
                listed += page.items
                cursor = page.next_cursor
                if cursor is None:
                    break
                assert len(page.items) == 2
            assert listed == [images[n] for n in (4, 2, 1, 0)]

    def test_images_are_filtered(self) -> None:
        with self.opened() as (catalogue, space):
            bad = a_content("a", quality={"overall": 0.2}, authenticity={"risk": 0.9})
            good = a_content("b", quality={"overall": 0.9}, authenticity={"risk": 0.1})
            first = a_hand_in("a", space, content=bad, external_id="x", person_id="P", verdict="duplicate")
            catalogue.append(replace(first, relation="edited"), searched_to=0)
            catalogue.append(a_hand_in("b", space, content=good), searched_to=1)
            catalogue.append(a_hand_in("c", space), searched_to=2)
            now = datetime.now(UTC)
            for where, expected in [
                (ImageFilter(), "cba"),
                (ImageFilter(verdict="duplicate"), "a"),
                (ImageFilter(relation="edited"), "a"),
                (ImageFilter(person_id="P"), "a"),
                (ImageFilter(external_id="x"), "a"),
                (ImageFilter(external_id="y"), ""),
                (ImageFilter(min_risk=0.1), "ba"),
                (ImageFilter(max_quality=0.5), "a"),
                (ImageFilter(min_risk=0.5, verdict="unique"), ""),
                (ImageFilter(since=now - timedelta(minutes=5)), "cba"),
                (ImageFilter(since=now + timedelta(minutes=5)), ""),
            ]:
                listed = [image.content_id for image in catalogue.images(where, 10).items]
                assert listed == [a_hash(name) for name in expected], where

    def test_a_cursor_nobody_wrote_is_refused(self) -> None:
        with self.opened() as (catalogue, _):
            for cursor in ("", "0", "nonsense", "-5", "MA", "ä", "MQ==", "9" * 99):
                with refused(BadCursorError):
                    catalogue.images(ImageFilter(), 10, cursor)

    def test_stats_count_what_is_there(self) -> None:
        with self.opened() as (catalogue, space):
            image = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            catalogue.append(a_hand_in("a", content=None, handed_in_bytes=300), searched_to=1)
            gone = committed(catalogue.append(a_hand_in("b", space), searched_to=1)).image
            catalogue.append(Removal(gone.image_id), searched_to=3)
            stats = catalogue.stats()
            assert (stats.images, stats.contents, stats.vectors) == (2, 1, 1)
            assert (stats.bytes_handed_in, stats.bytes_stored, stats.bytes_saved) == (1300, 2000, 300)
            assert (stats.sequence, image.outcome) == (4, "stored")

    def test_matches_with_an_end_we_do_not_hold_do_no_harm(self) -> None:
        with self.opened() as (catalogue, space):
            catalogue.append(a_hand_in("a", space), searched_to=0)
            matches = tuple(_proof("b", other) for other in ("a", "nobody", "b", "a"))
            entry = a_hand_in("b", space, matches=matches, verdict="duplicate", probability=0.9)
            assert committed(catalogue.append(entry, searched_to=1)).sequence == 2


def _race(catalogue: Catalogue, entries: list[HandIn]) -> list[Committed | Stale]:
    """Append all the entries at once, each having searched to the same head."""
    head, ready = catalogue.head(), threading.Barrier(len(entries))

    def append(entry: HandIn) -> Committed | Stale:
        ready.wait()
        return catalogue.append(entry, searched_to=head)

    with ThreadPoolExecutor(len(entries)) as pool:
        return list(pool.map(append, entries))


def _proof(query: str, reference: str) -> ProvedMatch:
    return ProvedMatch(a_hash(query), a_hash(reference), "edited", 0.9, {"inliers": 40}, "builtin-1", "1")


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
