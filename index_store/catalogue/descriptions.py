"""Descriptions over the catalogue's database. The log itself says which content is described in which space."""

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    exists,
    func,
    insert,
    literal_column,
    select,
    update,
)

from index_store.catalogue import rows
from index_store.catalogue.checksums import sealed
from index_store.catalogue.engine import Database
from index_store.catalogue.tables import change, content, image, space, vector
from index_store.catalogue.writing import head_of
from index_store.description_records import Coverage, Description, DescriptionOutcome, PlacedVector
from index_store.entries import check_description
from index_store.errors import NotFoundError
from index_store.failpoints import reached
from index_store.records import Space

# Spelled out, not bound: only so do both databases know that the index of descriptions answers it.
IS_DESCRIBED: ColumnElement[bool] = change.c.kind == literal_column("'described'")
_SPACE: BindParameter[int] = bindparam("space")
_WANTED: BindParameter[str] = bindparam("wanted", expanding=True)
_HERE = exists().where(image.c.content_id == content.c.sha256, image.c.state == "active")
_IS_KNOWN = exists().where(IS_DESCRIBED, change.c.space_id == _SPACE, change.c.content_id == content.c.sha256)
_MISSING = and_(~content.c.too_little_detail, _HERE, ~_IS_KNOWN)
_KNOWN = select(change.c.content_id).where(IS_DESCRIBED, change.c.space_id == _SPACE, change.c.content_id.in_(_WANTED))


class SqlDescriptions:
    """Implements `Descriptions`."""

    def __init__(self, database: Database, clock: Callable[[], str]) -> None:
        self._database = database
        self._clock = clock

    def add(self, descriptions: Sequence[Description]) -> list[DescriptionOutcome]:
        with self._database.writing() as connection:
            dimensions = {row.space_id: row.dimension for row in connection.execute(select(space))}
            for description in descriptions:
                check_description(description, dimensions)
            answers = [self._add(connection, description) for description in descriptions]
            reached("catalogue.described")
        return answers

    def _add(self, connection: Connection, description: Description) -> DescriptionOutcome:
        content_id, mine = description.content_id, {"space": description.space_id}
        if connection.execute(_KNOWN, mine | {"wanted": [content_id]}).first() is not None:
            return "known"
        if not connection.execute(select(exists().where(content.c.sha256 == content_id, _HERE))).scalar():
            return "gone"
        if description.vectors:
            new = [rows.vector_row(one, content_id) for one in description.vectors]
            connection.execute(insert(vector), [sealed(vector, row) for row in new])
        told = {
            "sequence": head_of(connection) + 1,
            "kind": "described",
            "image_id": "",
            "content_id": content_id,
            "created": self._clock(),
            "space_id": description.space_id,
            "vectors": len(description.vectors),
        }
        connection.execute(insert(change), told)
        return "described"

    def missing(self, space_id: int, after: str, limit: int) -> list[str]:
        question = select(content.c.sha256).where(content.c.sha256 > after, _MISSING).order_by(content.c.sha256)
        return self._told(question.limit(limit), space_id)

    def missing_since(self, space_id: int, sequence: int, limit: int) -> list[str]:
        came = select(change.c.content_id).where(change.c.sequence > sequence)
        question = select(content.c.sha256).where(content.c.sha256.in_(came), _MISSING).order_by(content.c.sha256)
        return self._told(question.limit(limit), space_id)

    def _told(self, question: Select[tuple[str]], space_id: int) -> list[str]:
        with self._database.reading() as connection:
            return [*connection.execute(question, {"space": space_id}).scalars()]

    def coverage(self, space_id: int) -> Coverage:
        missing = select(func.count()).select_from(content).where(_MISSING)
        with self._database.reading() as connection:
            left = connection.execute(missing, {"space": space_id}).scalar_one()
            return Coverage(_described(connection, space_id), left)

    def described(self, space_id: int) -> int:
        with self._database.reading() as connection:
            return _described(connection, space_id)

    def of(self, space_id: int, content_ids: Iterable[str]) -> dict[str, tuple[PlacedVector, ...]]:
        found: dict[str, list[PlacedVector]] = {}
        with self._database.reading() as connection:
            for some in rows.chunks(content_ids):
                known = connection.execute(_KNOWN, {"space": space_id, "wanted": some}).scalars()
                found.update((content_id, []) for content_id in known)
                mine = select(vector).where(vector.c.space_id == space_id, vector.c.content_id.in_(some))
                for row in connection.execute(mine.order_by(vector.c.content_id, vector.c.ordinal)):
                    found.setdefault(row.content_id, []).append(rows.placed_vector(row))
        return {content_id: tuple(vectors) for content_id, vectors in found.items()}

    def spaces(self) -> tuple[Space, ...]:
        with self._database.reading() as connection:
            return tuple(rows.space_record(row) for row in connection.execute(select(space).order_by(space.c.space_id)))

    def use(self, space_id: int, *, is_whole: bool, back: bool = False) -> Space:
        with self._database.writing() as connection:
            mine = connection.execute(select(space).where(space.c.space_id == space_id)).one_or_none()
            if mine is None:
                raise NotFoundError(f"there is no space {space_id}")
            if mine.state == "retired" and not back:
                return rows.space_record(mine)
            state = "active" if is_whole else "building"
            others = and_(space.c.name == mine.name, space.c.space_id != space_id)
            # What is being filled beside an older generation is on its way to take its place.
            going = others if back else and_(others, space.c.state == "active")
            connection.execute(update(space).where(going).values(state="retired"))
            connection.execute(update(space).where(space.c.space_id == space_id).values(state=state))
            return rows.space_record(connection.execute(select(space).where(space.c.space_id == space_id)).one())


def _described(connection: Connection, space_id: int) -> int:
    mine = select(func.count()).select_from(change).where(IS_DESCRIBED, change.c.space_id == space_id)
    return connection.execute(mine).scalar_one()


__all__ = ["IS_DESCRIBED", "SqlDescriptions"]
