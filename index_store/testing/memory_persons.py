"""Persons that are forgotten with the process."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from index_store.entries import check_is_new, check_person, check_person_can_go, cursor_at, read_cursor
from index_store.errors import NotFoundError
from index_store.person_records import NewPerson, Person, PersonPage, first_told
from index_store.records import Image
from index_store.testing.as_json import as_json_keeps


class MemoryPersons:
    """Implements `Persons`."""

    def __init__(self, clock: Callable[[], str], images: Callable[[], Iterable[Image]]) -> None:
        self._clock = clock
        self._images = images
        self._persons: dict[str, Person] = {}

    def create(self, new: NewPerson) -> Person:
        check_person(new)
        check_is_new(new.person_id, known=new.person_id in self._persons)
        return self._keep(new, self._clock())

    def make_known(self, person_id: str | None, moment: str) -> None:
        """A person of whom there is an image."""
        if person_id and person_id not in self._persons:
            self._keep(NewPerson(person_id), moment)

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
