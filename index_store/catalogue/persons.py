"""Persons over the catalogue's database."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from sqlalchemy import Connection, delete, func, insert, select, update

from index_store.catalogue import conflicts, outcomes, rows
from index_store.catalogue.engine import Database
from index_store.catalogue.tables import image, person
from index_store.entries import (
    check_is_new,
    check_person,
    check_person_can_go,
    could_be_stored,
    cursor_at,
    read_cursor,
)
from index_store.errors import NotFoundError
from index_store.failpoints import reached
from index_store.job_records import IdempotentAnswer
from index_store.person_records import ConflictPage, NewPerson, Person, PersonPage, first_told


class SqlPersons:
    """Implements `Persons`."""

    def __init__(self, database: Database, clock: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock

    def create(self, new: NewPerson, answer: IdempotentAnswer | None = None) -> Person:
        check_person(new)
        with self._database.writing() as connection:
            earlier = None if answer is None else outcomes.earlier(connection, answer)
            if isinstance(earlier, IdempotentAnswer):
                return _person(connection, earlier.body["person_id"])
            check_is_new(new.person_id, known=bool(_known(connection, [new.person_id])))
            made = first_told(new, _last_number(connection) + 1, self._clock())
            connection.execute(insert(person), rows.person_row(made))
            if answer is not None:
                outcomes.write(connection, answer, None, self._clock())
        reached("person.told")
        return made

    def get(self, person_id: str) -> Person:
        with self._database.reading() as connection:
            return _person(connection, person_id)

    def list(self, limit: int, cursor: str | None = None) -> PersonPage:
        question = select(person).order_by(person.c.number.desc()).limit(limit + 1)
        if cursor is not None:
            question = question.where(person.c.number < read_cursor(cursor))
        with self._database.reading() as connection:
            found = connection.execute(question).all()
            counts = _counts(connection, [row.person_id for row in found[:limit]])
        page = tuple(rows.person_record(row, counts.get(row.person_id, 0)) for row in found[:limit])
        return PersonPage(page, cursor_at(page[-1].number) if len(found) > limit else None)

    def change(self, person_id: str, how: Callable[[Person], Person]) -> Person:
        with self._database.writing() as connection:
            old = _person(connection, person_id)
            new = how(old)
            check_person(new)
            changed = replace(old, name=new.name, metadata=new.metadata, changed=self._clock())
            mine = person.c.person_id == person_id
            connection.execute(update(person).where(mine).values(rows.person_row(changed)))
        reached("person.changed")
        return changed

    def remove(self, person_id: str) -> None:
        with self._database.writing() as connection:
            check_person_can_go(_person(connection, person_id))
            connection.execute(delete(person).where(person.c.person_id == person_id))
        reached("person.forgotten")

    def conflicts(
        self, limit: int, cursor: str | None = None, *, least: float, of_one_person: bool = False
    ) -> ConflictPage:
        with self._database.reading() as connection:
            return conflicts.page(connection, limit, cursor, least, of_one_person=of_one_person)


def make_known(connection: Connection, came: Iterable[tuple[str | None, str]]) -> None:
    """A row for each person (an id and a moment) that has none. Call under the writer's lock, with its image."""
    moments: dict[str, str] = {}
    for person_id, moment in came:
        if person_id:  # earlier builds took an empty one, which is nobody's
            moments.setdefault(person_id, moment)
    for known in _known(connection, moments):
        del moments[known]
    if moments:
        last = _last_number(connection)
        new = [first_told(NewPerson(one), number, now) for number, (one, now) in enumerate(moments.items(), last + 1)]
        connection.execute(insert(person), [rows.person_row(one) for one in new])


def _known(connection: Connection, person_ids: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for some in rows.chunks(person_ids):
        found.update(connection.execute(select(person.c.person_id).where(person.c.person_id.in_(some))).scalars())
    return found


def _last_number(connection: Connection) -> int:
    return connection.execute(select(func.max(person.c.number))).scalar() or 0


def _person(connection: Connection, person_id: str) -> Person:
    mine = select(person).where(person.c.person_id == person_id)
    row = connection.execute(mine).one_or_none() if could_be_stored(person_id) else None
    if row is None:
        raise NotFoundError(f"there is no person {person_id}")
    return rows.person_record(row, _counts(connection, [person_id]).get(person_id, 0))


def _counts(connection: Connection, person_ids: Iterable[str]) -> dict[str, int]:
    """Active images of each."""
    found: dict[str, int] = {}
    for some in rows.chunks(person_ids):
        mine = select(image.c.person_id, func.count()).where(image.c.person_id.in_(some), image.c.state == "active")
        found.update((one, count) for one, count in connection.execute(mine.group_by(image.c.person_id)))
    return found
