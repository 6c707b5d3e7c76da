"""The catalogue over SQL: opens the database, and gives every call its transaction."""

from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy import Connection, insert, select

from index_store import ids
from index_store.catalogue import bulk, copying, groups, reading, rows, tables, writing
from index_store.catalogue.answers import SqlAnswers
from index_store.catalogue.descriptions import SqlDescriptions
from index_store.catalogue.engine import Database
from index_store.catalogue.inspection import SqlInspection
from index_store.catalogue.jobs import SqlJobs
from index_store.catalogue.keys import SqlKeys, put_setting
from index_store.catalogue.migrate import migrate
from index_store.catalogue.persons import SqlPersons
from index_store.catalogue.policies import SqlPolicies
from index_store.catalogue.proofs import SqlProofs
from index_store.catalogue.removals import SqlRemovals
from index_store.errors import BadEntryError, BadTransitionError, CatalogueConflictError, NotFoundError, StoreError
from index_store.failpoints import reached
from index_store.group_records import AlreadyDone, Group, GroupAnswer, GroupItem
from index_store.records import (
    Committed,
    ContentWithImages,
    Delta,
    FirstLook,
    HandIn,
    Image,
    ImageFilter,
    Page,
    Removal,
    Return,
    Space,
    SpaceState,
    Stale,
    Stats,
    VectorPage,
)

_CONFLICTS = 2
"""How often a transaction is made again that the database gave up for another one's sake. Ours never meet; a stranger's
session might."""


class SqlCatalogue:
    """Implements `Catalogue`; the other seams are attributes, over the same database."""

    def __init__(self, database: Database, clock: Callable[[], str] = ids.now) -> None:
        self._database = database
        self.software = database.software
        self._clock = clock
        self.keys = SqlKeys(database, clock)
        self.jobs = SqlJobs(database, clock)
        self.answers = SqlAnswers(database, clock)
        self.persons = SqlPersons(database, clock)
        self.policies = SqlPolicies(database, clock)
        self.proofs = SqlProofs(database)
        self.removals = SqlRemovals(database, clock)
        self.descriptions = SqlDescriptions(database, clock)
        self.inspection = SqlInspection(database)

    def append(self, entry: HandIn | Removal | Return, *, searched_to: int) -> Committed | Stale:
        [answer] = self.append_many((GroupItem(entry, searched_to),))
        if isinstance(answer, StoreError):
            raise answer
        if isinstance(answer, AlreadyDone):  # only what is committed `also` can have been done before
            raise TypeError
        return answer

    def append_many(self, group: Group) -> list[GroupAnswer]:
        for _ in range(_CONFLICTS):
            try:
                return self._append_many(group)
            except CatalogueConflictError:
                continue
        return self._append_many(group)

    def _append_many(self, group: Group) -> list[GroupAnswer]:
        with self._database.writing() as connection:
            reached("catalogue.locked")
            answers = self._at_once(connection, group) if len(group) > 1 else None
            if answers is None:
                began = writing.head_of(connection)
                answers = [self._answer(connection, item, began) for item in group]
        reached("catalogue.committed")
        return answers

    def _at_once(self, connection: Connection, group: Group) -> list[GroupAnswer] | None:
        made = bulk.plan(connection, group, self._clock)
        if made is None:
            return None
        try:
            with self._database.savepoint(connection):
                bulk.write(connection, made)
        except BadEntryError:
            return None
        return made.answers

    def _answer(self, connection: Connection, item: GroupItem, began: int) -> GroupAnswer:
        """An error about the item rolls back to its savepoint; an error of the store rolls back the group."""
        try:
            with self._database.savepoint(connection):
                return groups.append(connection, item, began=began, created=self._clock())
        except (BadEntryError, BadTransitionError, NotFoundError) as error:
            return error

    def head(self) -> int:
        with self._database.reading() as connection:
            return writing.head_of(connection)

    def changes_since(self, sequence: int, space_id: int, limit: int) -> Delta:
        with self._database.reading() as connection:
            return reading.delta(connection, sequence, space_id, limit)

    def vectors(self, space_id: int, up_to_sequence: int, after_id: int, limit: int) -> VectorPage:
        with self._database.reading() as connection:
            return reading.vectors(connection, space_id, up_to_sequence, after_id, limit)

    def ensure_space(
        self, name: str, generation: str, dimension: int, metric: str, state: SpaceState = "active"
    ) -> Space:
        space = tables.space
        same = select(space).where(space.c.name == name, space.c.generation == generation)
        with self._database.reading() as connection:
            row = connection.execute(same).one_or_none()
        if row is None:
            with self._database.writing() as connection:
                row = connection.execute(same).one_or_none()
                if row is None:
                    new = {"name": name, "generation": generation, "dimension": dimension, "metric": metric}
                    connection.execute(insert(space), new | {"state": state})
                    row = connection.execute(same).one()
        found = rows.space_record(row)
        if (found.dimension, found.metric) != (dimension, metric):
            raise BadEntryError(f"space {name}/{generation} has {found.dimension} dimensions and metric {found.metric}")
        return found

    def undescribed(self, space_id: int) -> int:
        with self._database.reading() as connection:
            return reading.undescribed(connection, space_id)

    def check_writable(self) -> None:
        with self._database.writing() as connection:
            put_setting(connection, "heartbeat", self._clock().encode(), self._clock())

    def contents(self, ids: Iterable[str]) -> dict[str, ContentWithImages]:
        with self._database.reading() as connection:
            return reading.contents(connection, ids)

    def first_look(self, sha256: str, pixel_hash: str, neighbours: Iterable[str]) -> FirstLook:
        with self._database.reading() as connection:
            return reading.first_look(connection, sha256, pixel_hash, neighbours)

    def known(self, sha256s: Iterable[str]) -> set[str]:
        with self._database.reading() as connection:
            return reading.known(connection, sha256s)

    def references_at(self, content_id: str, sequence: int) -> int:
        with self._database.reading() as connection:
            return reading.references_at(connection, content_id, sequence)

    def image(self, image_id: str) -> Image:
        with self._database.reading() as connection:
            return reading.image_by_id(connection, image_id)

    def images(self, where: ImageFilter, limit: int, cursor: str | None = None) -> Page:
        with self._database.reading() as connection:
            return reading.images(connection, where, limit, cursor)

    def stats(self) -> Stats:
        with self._database.reading() as connection:
            return reading.stats(connection)

    def copy_to(self, path: Path) -> int:
        """Copy it all, as of one moment, into a new SQLite file; the sequence it ends at."""
        return copying.copy_to_file(self._database, path)

    def load_from(self, path: Path) -> None:
        """Take in such a copy, if it is not here already. Raises `BadEntryError` if anything else is."""
        copying.load_file(self._database, path)

    def close(self) -> None:
        self._database.close()


def open_catalogue(url: str, *, busy_seconds: float = 10.0, clock: Callable[[], str] = ids.now) -> SqlCatalogue:
    """Open `sqlite:///path` or `postgresql://user:password@host/database`, making or upgrading the tables as needed.

    Safe to share among threads; open one per process.

    Args:
        url: where the catalogue lies.
        busy_seconds: how long to wait for another writer before `CatalogueBusyError`.
        clock: what rows are stamped with (`index_store.ids.now` format); nothing is ever ordered by it.

    Raises:
        UnsupportedStoreError: another kind of database, a network file system, a server that may lose what it
            acknowledged, or a newer schema.
        StoreUnavailableError: the file cannot be made or written, or the server cannot be reached.
    """
    database = Database(url, busy_seconds=busy_seconds)
    try:
        migrate(database)
    except BaseException:
        database.close()
        raise
    return SqlCatalogue(database, clock)
