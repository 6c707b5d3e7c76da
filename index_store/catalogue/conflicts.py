"""One picture under two persons, or twice under one, as the rows tell it: the same bytes, the same pixels, or copies as
they were proved.

Nothing is compared here and nothing is kept: a pair is in conflict for as long as its images are there.
"""

from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)

from index_store.catalogue import rows
from index_store.catalogue.tables import content, decision, image, match
from index_store.entries import PROVED_COPIES, pair_cursor, read_pair_cursor
from index_store.person_records import Conflict, ConflictPage, held_in
from index_store.records import Image

_OWNED = and_(image.c.state == "active", image.c.person_id.is_not(None), image.c.person_id != "")


def page(connection: Connection, limit: int, cursor: str | None, least: float, *, of_one_person: bool) -> ConflictPage:
    """See `Persons.conflicts`. A consistent read."""
    found = _pairs(least, of_one_person=of_one_person).subquery()
    question = select(found).order_by(found.c.first, found.c.second).limit(limit + 1)
    if cursor is not None:
        first, second = read_pair_cursor(cursor)
        question = question.where(or_(found.c.first > first, and_(found.c.first == first, found.c.second > second)))
    pairs = [Conflict(row.first, row.second, row.relation, row.probability) for row in connection.execute(question)]
    shown = pairs[:limit]
    owned = _images(connection, shown, 2 if of_one_person else 1)
    told = tuple(replace(one, images=held_in(one, owned, of_one_person=of_one_person)) for one in shown)
    return ConflictPage(told, pair_cursor(told[-1].first, told[-1].second) if len(pairs) > limit else None)


def _pairs(least: float, *, of_one_person: bool) -> CompoundSelect[Any]:
    return union_all(
        _same_bytes(of_one_person=of_one_person),
        _same_pixels(of_one_person=of_one_person),
        _proved(least, of_one_person=of_one_person),
    )


def _same_bytes(*, of_one_person: bool) -> Select[Any]:
    name = image.c.content_id
    told = select(name.label("first"), name.label("second"), *_said(literal("identical"), literal(1.0))).where(_OWNED)
    if not of_one_person:
        return told.group_by(name).having(func.count(image.c.person_id.distinct()) > 1)
    # Several persons may each have it twice, and it is told once.
    return told.group_by(name, image.c.person_id).having(func.count() > 1).distinct()


def _same_pixels(*, of_one_person: bool) -> Select[Any]:
    one, other = content.alias(), content.alias()
    told = select(one.c.sha256, other.c.sha256, *_said(literal("same_pixels"), literal(1.0)))
    same = and_(one.c.pixel_hash == other.c.pixel_hash, one.c.sha256 < other.c.sha256)
    whose = _owned_by(one.c.sha256, other.c.sha256, of_one_person=of_one_person)
    return told.join_from(one, other, same).where(whose)


def _proved(least: float, *, of_one_person: bool) -> Select[Any]:
    """Each pair once, whichever of the two was handed in last; told as an edit if either proof says so."""
    query, reference = match.c.query_content, match.c.reference_content
    first = case((query < reference, query), else_=reference)
    second = case((query < reference, reference), else_=query)
    said = _said(func.min(match.c.relation), func.max(match.c.probability))
    different = exists().where(
        or_(
            and_(decision.c.first_content == query, decision.c.second_content == reference),
            and_(decision.c.first_content == reference, decision.c.second_content == query),
        ),
        decision.c.decision == "different",
    )
    copies = and_(match.c.relation.in_(PROVED_COPIES), match.c.probability >= least, ~different)
    told = select(first.label("first"), second.label("second"), *said)
    whose = _owned_by(query, reference, of_one_person=of_one_person)
    return told.where(copies, whose).group_by(first, second)


def _said(relation: Any, probability: Any) -> tuple[Any, Any]:
    return relation.label("relation"), probability.label("probability")


def _owned_by(one: ColumnElement[str], other: ColumnElement[str], *, of_one_person: bool) -> ColumnElement[bool]:
    """Whether two contents are of one person, or of two."""
    left, right = image.alias(), image.alias()
    whose = left.c.person_id == right.c.person_id if of_one_person else left.c.person_id != right.c.person_id
    owned = [
        and_(side.c.state == "active", side.c.person_id.is_not(None), side.c.person_id != "") for side in (left, right)
    ]
    return exists().where(left.c.content_id == one, right.c.content_id == other, whose, *owned)


def _images(connection: Connection, pairs: list[Conflict], most: int) -> dict[str, list[Image]]:
    """The first images of each person, so many at the most, by content."""
    found: dict[str, list[Image]] = {name: [] for pair in pairs for name in (pair.first, pair.second)}
    for some in rows.chunks(found):
        order = func.row_number().over(partition_by=(image.c.content_id, image.c.person_id), order_by=image.c.sequence)
        placed = select(image.c.sequence, order.label("place")).where(_OWNED, image.c.content_id.in_(some)).subquery()
        firsts = select(placed.c.sequence).where(placed.c.place <= most)
        mine = select(image).where(image.c.sequence.in_(firsts)).order_by(image.c.sequence)
        for row in connection.execute(mine):
            found[row.content_id].append(rows.image_record(row))
    return found
