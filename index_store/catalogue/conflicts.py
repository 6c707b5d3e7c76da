"""One picture under two persons, or twice under one, as the rows tell it: the same bytes, the same pixels, or copies as
they were proved.

Nothing is compared here and nothing is kept: a pair is in conflict for as long as its images are there. A page goes
through the contents behind its cursor, a stretch at a time, until it is full: all pages together go through them once.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from index_store.catalogue import rows
from index_store.catalogue.tables import content, decision, image, match
from index_store.entries import PROVED_COPIES, pair_cursor, read_pair_cursor
from index_store.person_records import Conflict, ConflictPage, held_in
from index_store.records import Image

_FIRST_STRETCH = 512
_OWNED = and_(image.c.state == "active", image.c.person_id.is_not(None), image.c.person_id != "")


def page(connection: Connection, limit: int, cursor: str | None, least: float, *, of_one_person: bool) -> ConflictPage:
    """See `Persons.conflicts`. A consistent read."""
    pairs: list[Conflict] = []
    begin, stretch = ("", "") if cursor is None else read_pair_cursor(cursor), _FIRST_STRETCH
    while len(pairs) <= limit:
        end = _behind(connection, begin[0], stretch)
        question = _pairs(least, begin, end, limit + 1 - len(pairs), of_one_person=of_one_person)
        pairs += [
            Conflict(row.first, row.second, row.relation, row.probability) for row in connection.execute(question)
        ]
        if end is None:
            break
        begin, stretch = (end, ""), 2 * stretch
    shown = pairs[:limit]
    owned = _images(connection, shown, 2 if of_one_person else 1)
    told = tuple(replace(one, images=held_in(one, owned, of_one_person=of_one_person)) for one in shown)
    return ConflictPage(told, pair_cursor(told[-1].first, told[-1].second) if len(pairs) > limit else None)


def _behind(connection: Connection, first: str, stretch: int) -> str | None:
    """The content that stands so many behind one, where a stretch ends; None where there are not so many."""
    names = select(content.c.sha256).where(content.c.sha256 >= first).order_by(content.c.sha256)
    return connection.execute(names.offset(stretch).limit(1)).scalar()


def _pairs(
    least: float, begin: tuple[str, str], end: str | None, limit: int, *, of_one_person: bool
) -> Select[tuple[str, str, str, float]]:
    """The first so many behind a pair, and before a content."""
    alike = (_same_bytes(of_one_person=of_one_person), _same_pixels(of_one_person=of_one_person))
    proved = [_next(one, begin, end, limit) for one in _proved(least, of_one_person=of_one_person)]
    found = union_all(*(_next(one, begin, end, limit) for one in alike), _told_once(proved)).subquery()
    return select(found).order_by(found.c.first, found.c.second).limit(limit)


def _next(pairs: Select[Any], begin: tuple[str, str], end: str | None, limit: int) -> Select[Any]:
    """Of one kind, by an index, which understands a bound of the first name alone."""
    first, second = (pairs.selected_columns[name] for name in ("first", "second"))
    pairs = pairs.where(first >= begin[0], or_(first > begin[0], second > begin[1]))
    if end is not None:
        pairs = pairs.where(first < end)
    return select(pairs.order_by(first, second).limit(limit).subquery())


def _told_once(proved: Sequence[Select[Any]]) -> Select[Any]:
    """Each pair once, whichever of the two was handed in last; told as an edit if either proof says so."""
    found = union_all(*proved).subquery()
    said = _said(func.min(found.c.relation), func.max(found.c.probability))
    return select(found.c.first, found.c.second, *said).group_by(found.c.first, found.c.second)


def _same_bytes(*, of_one_person: bool) -> Select[Any]:
    name = content.c.sha256
    told = select(name.label("first"), name.label("second"), *_said(literal("identical"), literal(1.0)))
    return told.where(_owned_by(name, name, of_one_person=of_one_person))


def _same_pixels(*, of_one_person: bool) -> Select[Any]:
    one, other = content.alias(), content.alias()
    told = select(
        one.c.sha256.label("first"), other.c.sha256.label("second"), *_said(literal("same_pixels"), literal(1.0))
    )
    same = and_(one.c.pixel_hash == other.c.pixel_hash, one.c.sha256 < other.c.sha256)
    whose = _owned_by(one.c.sha256, other.c.sha256, of_one_person=of_one_person)
    return told.join_from(one, other, same).where(whose)


def _proved(least: float, *, of_one_person: bool) -> tuple[Select[Any], Select[Any]]:
    """Those whose query comes first by its name, and those whose reference does: each in the order of an index."""
    query, reference = match.c.query_content, match.c.reference_content
    different = exists().where(
        or_(
            and_(decision.c.first_content == query, decision.c.second_content == reference),
            and_(decision.c.first_content == reference, decision.c.second_content == query),
        ),
        decision.c.decision == "different",
    )
    copies = and_(match.c.relation.in_(PROVED_COPIES), match.c.probability >= least, ~different)
    whose = _owned_by(query, reference, of_one_person=of_one_person)
    forwards, backwards = (
        select(one.label("first"), other.label("second"), *_said(match.c.relation, match.c.probability)).where(
            one < other, copies, whose
        )
        for one, other in ((query, reference), (reference, query))
    )
    return forwards, backwards


def _said(relation: Any, probability: Any) -> tuple[Any, Any]:
    return relation.label("relation"), probability.label("probability")


def _owned_by(one: ColumnElement[str], other: ColumnElement[str], *, of_one_person: bool) -> ColumnElement[bool]:
    """Whether two contents are of one person, or of two; of one content that is itself: whether two images of it are."""
    left, right = image.alias(), image.alias()
    whose = left.c.person_id == right.c.person_id if of_one_person else left.c.person_id != right.c.person_id
    owned = [
        and_(side.c.state == "active", side.c.person_id.is_not(None), side.c.person_id != "") for side in (left, right)
    ]
    two = left.c.sequence < right.c.sequence if one is other else true()
    return exists().where(left.c.content_id == one, right.c.content_id == other, whose, two, *owned)


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
