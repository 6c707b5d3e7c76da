"""Removals over the catalogue's database."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, func, insert, select, update

from index_store.catalogue import rows
from index_store.catalogue.engine import Database
from index_store.catalogue.tables import image, removal, removal_item
from index_store.entries import check_removal, could_be_stored, cursor_at, read_cursor
from index_store.errors import NotFoundError
from index_store.failpoints import reached
from index_store.records import Json
from index_store.removal_records import (
    NewRemoval,
    RemovalItem,
    RemovalItemPage,
    RemovalItemState,
    RemovalOutcome,
    RemovalPage,
    RemovalRecord,
    RemovalState,
    check_purging,
    check_settle,
    check_under_way,
    moved,
    settled,
    stays,
)


class SqlRemovals:
    """Implements `Removals`."""

    def __init__(self, database: Database, clock: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock

    def plan(self, new: NewRemoval) -> RemovalRecord:
        check_removal(new)
        with self._database.writing() as connection:
            known = connection.execute(select(removal).where(removal.c.removal_id == new.removal_id)).one_or_none()
            if known is not None:
                return rows.removal_record(known)
            number = (connection.execute(select(func.max(removal.c.number))).scalar() or 0) + 1
            made = rows.new_removal(new, number, self._clock())
            connection.execute(insert(removal), rows.record_row(made))
            items = [rows.record_row(item) for item in rows.planned_items(new)]
            if items:
                connection.execute(insert(removal_item), items)
        reached("removal.planned")
        return made

    def get(self, removal_id: str) -> RemovalRecord:
        with self._database.reading() as connection:
            return _removal(connection, removal_id)

    def list(self, limit: int, cursor: str | None = None, *, state: RemovalState | None = None) -> RemovalPage:
        question = select(removal).order_by(removal.c.number.desc()).limit(limit + 1)
        if state is not None:
            question = question.where(removal.c.state == state)
        if cursor is not None:
            question = question.where(removal.c.number < read_cursor(cursor))
        with self._database.reading() as connection:
            found = [rows.removal_record(row) for row in connection.execute(question)]
        return RemovalPage(tuple(found[:limit]), cursor_at(found[limit - 1].number) if len(found) > limit else None)

    def items(
        self, removal_id: str, limit: int, cursor: str | None = None, *, state: RemovalItemState | None = None
    ) -> RemovalItemPage:
        mine = select(removal_item).where(removal_item.c.removal_id == removal_id)
        question = mine.order_by(removal_item.c.ordinal).limit(limit + 1)
        if state is not None:
            question = question.where(removal_item.c.state == state)
        if cursor is not None:
            question = question.where(removal_item.c.ordinal >= read_cursor(cursor))
        with self._database.reading() as connection:
            _removal(connection, removal_id)
            found = [rows.removal_item_record(row) for row in connection.execute(question)]
        return RemovalItemPage(tuple(found[:limit]), cursor_at(found[limit].ordinal) if len(found) > limit else None)

    def counts(self, removal_id: str) -> dict[str, int]:
        question = (
            select(removal_item.c.state, func.count().label("times"))
            .where(removal_item.c.removal_id == removal_id)
            .group_by(removal_item.c.state)
        )
        with self._database.reading() as connection:
            _removal(connection, removal_id)
            return {row.state: row.times for row in connection.execute(question)}

    def keepers(self, kind: str) -> tuple[Json, ...]:
        question = (
            select(removal_item.c.keeper)
            .join(removal, removal.c.removal_id == removal_item.c.removal_id)
            .where(removal.c.kind == kind, removal_item.c.state == "removed")
        )
        with self._database.reading() as connection:
            return tuple(connection.execute(question).scalars())

    def set_state(self, removal_id: str, state: RemovalState) -> RemovalRecord:
        with self._database.writing() as connection:
            changed = moved(_removal(connection, removal_id), state, now=self._clock())
            mine = removal.c.removal_id == removal_id
            connection.execute(update(removal).where(mine).values(state=changed.state, changed=changed.changed))
        reached("removal.state-set")
        return changed

    def record(self, removal_id: str, outcomes: Sequence[RemovalOutcome]) -> None:
        with self._database.writing() as connection:
            _removal(connection, removal_id)
            for outcome in outcomes:
                settle(connection, removal_id, outcome, now=self._clock())
        reached("removal.recorded")

    def purge(self, removal_id: str, ordinals: Sequence[int]) -> dict[int, str]:
        left: dict[int, str] = {}
        with self._database.writing() as connection:
            check_purging(_removal(connection, removal_id))
            for ordinal in ordinals:
                item = _item_at(connection, removal_id, ordinal)
                loser, keeper = item.loser["image_id"], item.keeper["image_id"]
                if why := stays(loser, keeper, _image_state(connection, loser), _image_state(connection, keeper)):
                    left[ordinal] = why
                    continue
                connection.execute(update(image).where(image.c.image_id == loser).values(state="purged"))
                settle(connection, removal_id, RemovalOutcome(ordinal, "purged"), now=self._clock())
        reached("removal.purged")
        return left

    def unneeded(self, contents: Iterable[str]) -> set[str]:
        found: set[str] = set()
        with self._database.reading() as connection:
            for some in rows.chunks(contents):
                named = select(image.c.content_id).where(image.c.content_id.in_(some)).group_by(image.c.content_id)
                kept = func.sum(case((image.c.state == "purged", 0), else_=1))
                found.update(connection.execute(named.having(kept == 0)).scalars())
        return found


def settled_before(connection: Connection, removal_id: str, outcome: RemovalOutcome) -> RemovalItem | None:
    """The item if it has this outcome already; None if it can have it now. Raises BadTransitionError, NotFoundError."""
    item = _item_at(connection, removal_id, outcome.ordinal)
    check_settle(item, outcome)
    if item.state == outcome.state:
        return item
    check_under_way(_removal(connection, removal_id), outcome)
    return None


def _item_at(connection: Connection, removal_id: str, ordinal: int) -> RemovalItem:
    """Raises NotFoundError."""
    row = connection.execute(select(removal_item).where(_place(removal_id, ordinal))).one_or_none()
    if row is None:
        raise NotFoundError(f"removal {removal_id} has no item {ordinal}")
    return rows.removal_item_record(row)


def settle(connection: Connection, removal_id: str, outcome: RemovalOutcome, *, now: str) -> None:
    """Write one outcome, under the writer's lock."""
    changed = settled(_item_at(connection, removal_id, outcome.ordinal), outcome, now=now)
    mine = _place(removal_id, outcome.ordinal)
    values = {"state": changed.state, "place": changed.place, "problem": changed.problem, "settled": changed.settled}
    connection.execute(update(removal_item).where(mine).values(**values))


def _image_state(connection: Connection, image_id: str) -> str | None:
    return connection.execute(select(image.c.state).where(image.c.image_id == image_id)).scalar()


def _place(removal_id: str, ordinal: int) -> ColumnElement[bool]:
    return (removal_item.c.removal_id == removal_id) & (removal_item.c.ordinal == ordinal)


def _removal(connection: Connection, removal_id: str) -> RemovalRecord:
    mine = select(removal).where(removal.c.removal_id == removal_id)
    row: Row[Any] | None = connection.execute(mine).one_or_none() if could_be_stored(removal_id) else None
    if row is None:
        raise NotFoundError(f"there is no removal {removal_id}")
    return rows.removal_record(row)
