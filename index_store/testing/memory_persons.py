"""Persons that are forgotten with the process."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from itertools import combinations, combinations_with_replacement, product

from index_store.entries import (
    PROVED_COPIES,
    check_is_new,
    check_person,
    check_person_can_go,
    cursor_at,
    pair_cursor,
    read_cursor,
    read_pair_cursor,
)
from index_store.errors import NotFoundError
from index_store.job_records import IdempotentAnswer
from index_store.person_records import Conflict, ConflictPage, NewPerson, Person, PersonPage, first_told, held_in
from index_store.records import Content, Image, ProvedMatch
from index_store.testing.as_json import as_json_keeps
from index_store.testing.memory_jobs import MemoryAnswers


class MemoryPersons:
    """Implements `Persons`."""

    def __init__(
        self,
        clock: Callable[[], str],
        answers: MemoryAnswers,
        images: Callable[[], Iterable[Image]],
        contents: Mapping[str, Content],
        matches: Mapping[tuple[str, str], ProvedMatch],
    ) -> None:
        self._clock = clock
        self._answers = answers
        self._images = images
        self._contents = contents
        self._matches = matches
        self._persons: dict[str, Person] = {}

    def create(self, new: NewPerson, answer: IdempotentAnswer | None = None) -> Person:
        check_person(new)
        earlier = None if answer is None else self._answers.earlier(answer)
        if earlier is not None:
            return self.get(earlier.body["person_id"])
        check_is_new(new.person_id, known=new.person_id in self._persons)
        if answer is not None:
            self._answers.write(answer, None)
        return self._keep(new, self._clock())

    def make_known(self, person_id: str | None, moment: str) -> None:
        """A person of whom there is an image."""
        if person_id and person_id not in self._persons:
            self._keep(NewPerson(person_id), moment)

    def known(self) -> set[str]:
        return {*self._persons}

    def _keep(self, new: NewPerson, moment: str) -> Person:
        made = as_json_keeps(first_told(new, self._last_number() + 1, moment))
        self._persons[new.person_id] = made
        return made

    def _last_number(self) -> int:
        return max((one.number for one in self._persons.values()), default=0)

    def get(self, person_id: str) -> Person:
        if person_id not in self._persons:
            raise NotFoundError(f"there is no person {person_id}")
        mine = [image for image in self._images() if image.person_id == person_id and image.state == "active"]
        return replace(self._persons[person_id], images=len(mine))

    def list(self, limit: int, cursor: str | None = None) -> PersonPage:
        before = self._last_number() + 1 if cursor is None else read_cursor(cursor)
        found = [self.get(one.person_id) for one in reversed(self._persons.values()) if one.number < before]
        page = tuple(found[:limit])
        return PersonPage(page, cursor_at(page[-1].number) if len(found) > limit else None)

    def change(self, person_id: str, how: Callable[[Person], Person]) -> Person:
        old = self.get(person_id)
        new = how(old)
        check_person(new)
        changed = replace(old, name=new.name, metadata=new.metadata, changed=self._clock())
        self._persons[person_id] = as_json_keeps(replace(changed, images=0))
        return changed

    def remove(self, person_id: str) -> None:
        check_person_can_go(self.get(person_id))
        del self._persons[person_id]

    def conflicts(
        self, limit: int, cursor: str | None = None, *, least: float, of_one_person: bool = False
    ) -> ConflictPage:
        after = ("", "") if cursor is None else read_pair_cursor(cursor)
        owned = {name: self._owned(name, 2 if of_one_person else 1) for name in self._contents}
        found = [
            replace(one, images=held_in(one, owned, of_one_person=of_one_person))
            for pair in combinations_with_replacement(sorted(self._contents), 2)
            if pair > after
            and self._is_in_conflict(*pair, owned, of_one_person=of_one_person)
            and (one := self._shown_alike(*pair, least)) is not None
        ]
        more = len(found) > limit
        page = tuple(found[:limit])
        return ConflictPage(page, pair_cursor(page[-1].first, page[-1].second) if more else None)

    @staticmethod
    def _is_in_conflict(
        first: str, second: str, owned: Mapping[str, tuple[Image, ...]], *, of_one_person: bool
    ) -> bool:
        pairs = combinations(owned[first], 2) if first == second else product(owned[first], owned[second])
        return any((one.person_id == other.person_id) is of_one_person for one, other in pairs)

    def _shown_alike(self, first: str, second: str, least: float) -> Conflict | None:
        if first == second:
            return Conflict(first, second, "identical", 1.0)
        if self._contents[first].pixel_hash == self._contents[second].pixel_hash:
            return Conflict(first, second, "same_pixels", 1.0)
        pairs = ((first, second), (second, first))
        proofs = [self._matches[pair] for pair in pairs if pair in self._matches]
        good = [one for one in proofs if one.relation in PROVED_COPIES and one.probability >= least]
        if not good:
            return None
        relation, probability = min(one.relation for one in good), max(one.probability for one in good)
        return Conflict(first, second, relation, probability)

    def _owned(self, content_id: str, most: int) -> tuple[Image, ...]:
        """The first active images of each person, so many at the most."""
        owned: list[Image] = []
        for image in self._images():
            if image.content_id == content_id and image.state == "active" and image.person_id:
                mine = [one for one in owned if one.person_id == image.person_id]
                owned += [image] if len(mine) < most else []
        return tuple(owned)
