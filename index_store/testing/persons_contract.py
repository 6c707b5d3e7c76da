"""What every keeper of persons must do."""

# ruff: noqa: S101 - a contract suite is tests: their names tell, they assert, and they expect literals

from dataclasses import replace

from index_store.entries import PERSON_CHARACTERS
from index_store.errors import BadCursorError, BadEntryError, BadTransitionError, NotFoundError
from index_store.group_records import GroupItem
from index_store.job_records import Begun, IdempotentAnswer
from index_store.person_records import NewPerson
from index_store.records import ProvedMatch, Removal, Return
from index_store.testing.opened import OpensCatalogue
from index_store.testing.samples import a_content, a_hand_in, a_hash, committed, refused


class PersonsContract(OpensCatalogue):
    """Subclass it, and say how to make an empty catalogue."""

    def test_a_person_is_what_was_told_of_it(self) -> None:
        with self.opened() as (catalogue, _):
            made = catalogue.persons.create(NewPerson("PERSON-0001", "Ada", {"camera": ["c10", 3]}))
            assert catalogue.persons.get("PERSON-0001") == made
            assert (made.name, made.metadata, made.images, made.number) == ("Ada", {"camera": ["c10", 3]}, 0, 1)
            assert made.created == made.changed

    def test_two_persons_never_have_one_id(self) -> None:
        with self.opened() as (catalogue, _):
            first = catalogue.persons.create(NewPerson())
            second = catalogue.persons.create(NewPerson())
            assert first.person_id != second.person_id
            with refused(BadTransitionError):
                catalogue.persons.create(NewPerson(first.person_id, "another"))
            assert catalogue.persons.get(first.person_id).name is None

    def test_what_cannot_be_told_of_is_refused(self) -> None:
        with self.opened() as (catalogue, _):
            for bad in ("", "a" * (PERSON_CHARACTERS + 1), "nul\0", "\udc80"):
                with refused(BadEntryError):
                    catalogue.persons.create(NewPerson(bad))
            for unfit in (NewPerson("one", "\0"), NewPerson("one", None, {"nan": float("nan")})):
                with refused(BadEntryError):
                    catalogue.persons.create(unfit)
            assert catalogue.persons.list(10).items == ()
            longest = "語" * PERSON_CHARACTERS
            assert catalogue.persons.create(NewPerson(longest)).person_id == longest

    def test_unknown_persons_are_not_found(self) -> None:
        with self.opened() as (catalogue, _):
            for unknown in ("nobody", "nul\0"):
                with refused(NotFoundError):
                    catalogue.persons.get(unknown)
                with refused(NotFoundError):
                    catalogue.persons.change(unknown, lambda person: person)
                with refused(NotFoundError):
                    catalogue.persons.remove(unknown)

    def test_persons_are_listed_page_by_page_newest_first(self) -> None:
        with self.opened() as (catalogue, _):
            for name in "abcde":
                catalogue.persons.create(NewPerson(name))
            catalogue.persons.remove("c")
            told, cursor = [], None
            while True:
                page = catalogue.persons.list(2, cursor)
                told.append([person.person_id for person in page.items])
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert told == [["e", "d"], ["b", "a"]]
            with refused(BadCursorError):
                catalogue.persons.list(2, "no cursor")

    def test_name_and_metadata_change_and_nothing_else(self) -> None:
        with self.opened() as (catalogue, _):
            made = catalogue.persons.create(NewPerson("one", "Ada", {"kept": 1}))
            changed = catalogue.persons.change(
                "one",
                lambda old: replace(old, person_id="two", name=None, metadata={**old.metadata, "new": 2}, number=9),
            )
            assert changed == catalogue.persons.get("one")
            assert changed == replace(made, name=None, metadata={"kept": 1, "new": 2}, changed=changed.changed)
            with refused(BadEntryError):
                catalogue.persons.change("one", lambda old: replace(old, name="\0"))
            assert catalogue.persons.get("one") == changed

    def test_whoever_has_an_image_is_known(self) -> None:
        with self.opened() as (catalogue, space):
            told = catalogue.persons.create(NewPerson("told", "Ada"))
            of = {"a": "new", "b": "told", "c": "new", "d": None}
            seen = frozenset(map(a_hash, of))
            group = [GroupItem(a_hand_in(name, space, person_id=one), 0, seen, frozenset()) for name, one in of.items()]
            answers = catalogue.append_many(group)
            images = {name: committed(answer).image for name, answer in zip(of, answers, strict=True)}
            assert {one.person_id: one.images for one in catalogue.persons.list(10).items} == {"new": 2, "told": 1}
            assert catalogue.persons.get("told") == replace(told, images=1)
            assert catalogue.persons.get("new").created == images["a"].created
            catalogue.append(Removal(images["a"].image_id), searched_to=4)
            assert catalogue.persons.get("new").images == 1

    def test_a_person_with_images_stays_and_one_whose_image_returns_is_back(self) -> None:
        with self.opened() as (catalogue, space):
            one = committed(catalogue.append(a_hand_in("a", space, person_id="one"), searched_to=0)).image
            with refused(BadTransitionError):
                catalogue.persons.remove("one")
            catalogue.append(Removal(one.image_id), searched_to=1)
            catalogue.persons.remove("one")
            with refused(NotFoundError):
                catalogue.persons.get("one")
            catalogue.append(Return(one.image_id), searched_to=2)
            assert catalogue.persons.get("one").images == 1

    def test_an_image_of_nobody_that_could_be_is_refused(self) -> None:
        with self.opened() as (catalogue, space):
            for bad in ("", "a" * (PERSON_CHARACTERS + 1)):
                with refused(BadEntryError):
                    catalogue.append(a_hand_in("a", space, person_id=bad), searched_to=0)

    def test_a_person_told_of_with_an_answer_is_made_once(self) -> None:
        with self.opened() as (catalogue, _):
            told = [
                catalogue.persons.create(
                    NewPerson(name), IdempotentAnswer("key", "k", a_hash("told"), 201, {"person_id": name})
                )
                for name in ("first", "second")
            ]
            assert [one.person_id for one in told] == ["first", "first"]
            assert [one.person_id for one in catalogue.persons.list(10).items] == ["first"]

    def test_a_refused_person_leaves_no_answer(self) -> None:
        with self.opened() as (catalogue, _):
            catalogue.persons.create(NewPerson("one"))
            answer = IdempotentAnswer("key", "k", a_hash("told"), 201, {"person_id": "one"})
            with refused(BadTransitionError):
                catalogue.persons.create(NewPerson("one"), answer)
            assert isinstance(catalogue.answers.begin("key", "k", a_hash("told")), Begun)


class ConflictsContract(OpensCatalogue):
    """One picture under two persons. Subclass it, and say how to make an empty catalogue."""

    def test_the_same_bytes_and_the_same_pixels_are_told_with_whose_they_are(self) -> None:
        with self.opened() as (catalogue, space):
            for name, person in (("a", "one"), ("a", "two"), ("a", "two"), ("b", "two"), ("c", "one")):
                same = {"pixel_hash": a_hash("pixels")} if name != "c" else {}
                entry = a_hand_in(name, space, person_id=person, content=a_content(name, **same))
                catalogue.append(entry, searched_to=catalogue.head())
            told = {(one.first, one.second): one for one in catalogue.persons.conflicts(10, least=0.9).items}
            a, b = a_hash("a"), a_hash("b")
            pair = (min(a, b), max(a, b))
            assert {key: one.relation for key, one in told.items()} == {(a, a): "identical", pair: "same_pixels"}
            assert [image.person_id for image in told[a, a].images] == ["one", "two"]
            assert sorted((image.content_id, image.person_id) for image in told[pair].images) == sorted(
                [(a, "one"), (a, "two"), (b, "two")]
            )

    def test_proved_copies_are_told_from_that_probability_on(self) -> None:
        with self.opened() as (catalogue, space):
            catalogue.append(a_hand_in("a", space, person_id="one"), searched_to=0)
            for name, relation in (("b", "edited"), ("c", "sibling"), ("d", "reencoded")):
                proof = ProvedMatch(a_hash(name), a_hash("a"), relation, 0.97, {}, "m", "p")
                entry = a_hand_in(name, space, person_id="two", matches=(proof,))
                catalogue.append(entry, searched_to=catalogue.head())
            found = catalogue.persons.conflicts(10, least=0.97).items
            assert {one.relation: one.probability for one in found} == {"edited": 0.97, "reencoded": 0.97}
            assert all(a_hash("a") in {one.first, one.second} for one in found)
            assert catalogue.persons.conflicts(10, least=0.98).items == ()

    def test_one_persons_nobodys_and_gone_images_are_in_no_conflict(self) -> None:
        with self.opened() as (catalogue, space):
            for person in ("one", "one", None):
                catalogue.append(a_hand_in("a", space, person_id=person), searched_to=catalogue.head())
            gone = committed(catalogue.append(a_hand_in("a", space, person_id="two"), searched_to=catalogue.head()))
            assert len(catalogue.persons.conflicts(10, least=0.9).items) == 1
            catalogue.append(Removal(gone.image.image_id), searched_to=0)
            assert catalogue.persons.conflicts(10, least=0.9).items == ()

    def test_what_one_person_has_twice_is_told_apart(self) -> None:
        with self.opened() as (catalogue, space):
            for name, person in (
                *(("a", who) for who in ("one", "one", "one", "two", "three", "three")),
                *(("b", who) for who in ("one", "two", "two")),
                *(("c", who) for who in ("four", None)),
                ("d", "five"),
            ):
                same = {"pixel_hash": a_hash("pixels")} if name in "ab" else {}
                entry = a_hand_in(name, space, person_id=person, content=a_content(name, **same))
                catalogue.append(entry, searched_to=catalogue.head())
            proof = ProvedMatch(a_hash("e"), a_hash("d"), "edited", 0.97, {}, "m", "p")
            for person in ("five", "six"):
                entry = a_hand_in("e", space, person_id=person, matches=(proof,))
                catalogue.append(entry, searched_to=catalogue.head())
            told = {
                (one.first, one.second): one
                for one in catalogue.persons.conflicts(10, least=0.9, of_one_person=True).items
            }
            a, b, d, e = (a_hash(name) for name in "abde")
            relations = {(a, a): "identical", (b, b): "identical", (min(a, b), max(a, b)): "same_pixels"}
            assert {key: one.relation for key, one in told.items()} == {**relations, (min(d, e), max(d, e)): "edited"}
            whose = {key: sorted(image.person_id or "" for image in one.images) for key, one in told.items()}
            assert whose[a, a] == ["one", "one", "three", "three"]
            assert whose[b, b] == ["two", "two"]
            assert whose[min(a, b), max(a, b)] == ["one", "one", "two", "two"]
            assert whose[min(d, e), max(d, e)] == ["five", "five"]

    def test_conflicts_come_by_pages_each_once(self) -> None:
        with self.opened() as (catalogue, space):
            for name in "abcde":
                for person in ("one", "two"):
                    catalogue.append(a_hand_in(name, space, person_id=person), searched_to=catalogue.head())
            seen, cursor = [], None
            while True:
                page = catalogue.persons.conflicts(2, cursor, least=0.9)
                seen += [one.first for one in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert seen == sorted(a_hash(name) for name in "abcde")
            for nonsense in ("nonsense", "ä", ""):
                with refused(BadCursorError):
                    catalogue.persons.conflicts(2, nonsense, least=0.9)
