"""What must be read back of what was written."""

# ruff: noqa: S101, PLR2004 - a contract suite is tests: their names tell, they assert, and they expect literals

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from index_store.entries import PERSON_CHARACTERS
from index_store.errors import BadCursorError, NotFoundError
from index_store.records import Image, ImageFilter, ProvedMatch, Removal
from index_store.testing.opened import OpensCatalogue
from index_store.testing.samples import a_content, a_hand_in, a_hash, committed, refused


class RecordsContract(OpensCatalogue):
    """Subclass it, and say how to make an empty catalogue."""

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
            assert catalogue.first_look(a_hash("c"), pixels, []).exact == (a_hash("c"), a_hash("a"), a_hash("b"))
            assert catalogue.first_look(a_hash("b"), a_hash("other pixels"), []).exact == (a_hash("b"),)

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

    def test_a_name_may_be_long(self) -> None:
        """As long as a path may be, and so random that no index could make it shorter."""
        with self.opened() as (catalogue, space):
            name = "".join(a_hash(str(number)) for number in range(64))
            person_id = name[:PERSON_CHARACTERS]
            entry = a_hand_in("a", space, external_id=name, person_id=person_id)
            image = committed(catalogue.append(entry, searched_to=0)).image
            for where in (ImageFilter(external_id=name), ImageFilter(person_id=person_id)):
                assert catalogue.images(where, 10).items == (image,)

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

    def test_what_cannot_be_stored_is_not_found_rather_than_a_fault(self) -> None:
        with self.opened() as (catalogue, _):
            for text in ("a\0b", "\udc80"):
                with refused(NotFoundError):
                    catalogue.image(text)
                assert catalogue.images(ImageFilter(external_id=text), 10).items == ()

    def test_the_references_of_a_content_at_any_time_are_told_by_the_log(self) -> None:
        with self.opened() as (catalogue, space):
            first = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            second = committed(catalogue.append(a_hand_in("a", space), searched_to=1)).image
            catalogue.append(a_hand_in("b", space), searched_to=2)
            catalogue.append(Removal(first.image_id), searched_to=3)
            catalogue.append(Removal(second.image_id), searched_to=4)
            assert [catalogue.references_at(first.content_id, upto) for upto in range(6)] == [0, 1, 2, 2, 1, 0]


def _proof(query: str, reference: str) -> ProvedMatch:
    return ProvedMatch(a_hash(query), a_hash(reference), "edited", 0.9, {"inliers": 40}, "builtin-1", "1")
