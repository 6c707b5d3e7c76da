"""A group committed in a handful of statements: what `groups` does item by item, decided beforehand and written at once.

Under the writer's lock nobody else can change anything, so all that the items depend on may be read first: the changes
since the earliest search, which contents are here and which are findable, what the job's items have as outcome. From
then on each item is decided in memory, in order, with the same rule, and the rows of all of them are written together.

Only the usual is done here. A group with something else in it (a removal, an idempotency key, an item twice), or one
whose rows the database refuses, is declined: `plan` answers None, or the write fails in its savepoint, and `groups`
does the group one by one. That is the reference; a test holds the two to the same answers.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select

from index_store.catalogue import outcomes, persons, rows, writing
from index_store.catalogue.checksums import sealed
from index_store.catalogue.tables import change, content, image, job_item, match, space, vector
from index_store.entries import (
    COULD_CHANGE_A_VERDICT,
    MADE_FINDABLE,
    check_also,
    check_dimensions,
    check_hand_in,
    forgives,
)
from index_store.errors import BadEntryError, NotFoundError
from index_store.failpoints import reached
from index_store.group_records import AlreadyDone, Group, GroupAnswer, GroupItem
from index_store.job_records import JobItem, JobItemOutcome
from index_store.records import ChangeKind, Committed, HandIn, Stale

_MOST_CHANGES = 10_000
"""A search that is further behind than this is not read up on in memory."""

Place = tuple[str, int]
"""Of an item: job id and ordinal."""


@dataclass
class Plan:
    """The answers, and the rows that make them true."""

    answers: list[GroupAnswer] = field(default_factory=list)
    contents: list[dict[str, Any]] = field(default_factory=list)
    vectors: list[dict[str, Any]] = field(default_factory=list)
    images: list[dict[str, Any]] = field(default_factory=list)
    matches: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    changes: list[dict[str, Any]] = field(default_factory=list)
    items: list[JobItem] = field(default_factory=list)


@dataclass
class _Here:
    """What the catalogue holds of all that the group touches, kept up to date as the plan grows."""

    began: int
    head: int
    newer: list[tuple[int, str, str]]
    """(sequence, kind, content) of what could change a verdict, after the earliest search."""
    known: set[str]
    findable: set[str]
    dimensions: dict[int, int]
    items: dict[Place, JobItem]


def plan(connection: Connection, group: Group, clock: Callable[[], str]) -> Plan | None:
    """Decide the whole group, or None if it holds something unusual. Writes nothing."""
    outcomes_wanted = [also for item in group for also in item.also]
    places = [(also.job_id, also.ordinal) for also in outcomes_wanted if isinstance(also, JobItemOutcome)]
    usual = all(isinstance(item.entry, HandIn) and item.searched_to >= 0 for item in group)
    if not usual or len(set(places)) < len(outcomes_wanted):
        return None
    here = _look(connection, group, places)
    if here is None:
        return None
    made = Plan()
    for item in group:
        made.answers.append(_decide(item, here, made, clock))
    return made


def write(connection: Connection, made: Plan) -> None:
    """All rows of the plan. Call inside a savepoint; `BadEntryError` if the database refuses one of them."""
    for table, new in ((content, made.contents), (vector, made.vectors), (image, made.images)):
        if new:
            connection.execute(insert(table), new)
    persons.make_known(connection, [(row["person_id"], row["created"]) for row in made.images])
    reached("catalogue.group-written")
    if made.matches:
        pairs = [{"query": query, "reference": reference} for query, reference in made.matches]
        older = (match.c.query_content == bindparam("query")) & (match.c.reference_content == bindparam("reference"))
        connection.execute(delete(match).where(older), pairs)
        connection.execute(insert(match), list(made.matches.values()))
    if made.changes:
        connection.execute(insert(change), made.changes)
    reached("catalogue.group-logged")
    _write_items(connection, made.items)


def _look(connection: Connection, group: Group, places: list[Place]) -> _Here | None:
    began = writing.head_of(connection)
    oldest = min(item.searched_to for item in group)
    newer = (
        select(change.c.sequence, change.c.kind, change.c.content_id)
        .where(change.c.sequence > oldest, change.c.kind.in_(COULD_CHANGE_A_VERDICT))
        .order_by(change.c.sequence)
        .limit(_MOST_CHANGES + 1)
    )
    changes = [(sequence, kind, content_id) for sequence, kind, content_id in connection.execute(newer)]
    if len(changes) > _MOST_CHANGES:
        return None
    here = _Here(began, began, changes, set(), set(), {}, {})
    for some in rows.chunks(_contents_of(group)):
        here.known.update(connection.execute(select(content.c.sha256).where(content.c.sha256.in_(some))).scalars())
        active = select(image.c.content_id).where(image.c.content_id.in_(some), image.c.state == "active")
        here.findable.update(connection.execute(active.distinct()).scalars())
    spaces = connection.execute(select(space.c.space_id, space.c.dimension))
    here.dimensions.update((space_id, dimension) for space_id, dimension in spaces)
    for job_id in {job_id for job_id, _ in places}:
        ordinals = [ordinal for job, ordinal in places if job == job_id]
        mine = select(job_item).where(job_item.c.job_id == job_id, job_item.c.ordinal.in_(ordinals))
        here.items.update(((job_id, row.ordinal), rows.item_record(row)) for row in connection.execute(mine))
    return here


def _contents_of(group: Group) -> Iterator[str]:
    """Every content that any of the items speaks of."""
    for item in group:
        yield from item.needs
        if isinstance(item.entry, HandIn):
            yield item.entry.content_id
            for pair in item.entry.matches:
                yield from (pair.query_content, pair.reference_content)


def _decide(item: GroupItem, here: _Here, made: Plan, clock: Callable[[], str]) -> GroupAnswer:
    """In the order of `groups.append`: done already, refused, stale, or committed."""
    entry, outcomes_wanted = item.entry, [also for also in item.also if isinstance(also, JobItemOutcome)]
    if not isinstance(entry, HandIn):  # `plan` has declined it; the type checker cannot know
        raise TypeError
    try:
        for also in outcomes_wanted:
            check_also(also)
            earlier = here.items.get((also.job_id, also.ordinal))
            if earlier is not None and earlier.state != outcomes.PENDING:
                return AlreadyDone(earlier)
        check_hand_in(entry)
        if item.searched_to > here.began:
            return BadEntryError(f"searched to {item.searched_to}, and the log ends at {here.began}")
        if _is_stale(item, here):
            return Stale(here.head)
        return _commit(entry, outcomes_wanted, here, made, clock())
    except (BadEntryError, NotFoundError) as error:
        return error


def _is_stale(item: GroupItem, here: _Here) -> bool:
    first = bisect_right(here.newer, item.searched_to, key=lambda one: one[0])
    seen = all(forgives(item.compared_with, kind, content_id) for _, kind, content_id in here.newer[first:])
    return not seen or not item.needs <= here.findable


def _commit(entry: HandIn, outcomes_wanted: list[JobItemOutcome], here: _Here, made: Plan, created: str) -> Committed:
    kind: ChangeKind = "stored"
    if entry.content_id in here.known:
        kind = "referenced" if entry.content_id in here.findable else "restored"
    elif entry.content is None:
        raise NotFoundError(f"there is no content {entry.content_id}")
    else:
        check_dimensions(entry, here.dimensions)
        made.contents.append(sealed(content, rows.content_row(entry.content, created)))
        made.vectors.extend(sealed(vector, rows.vector_row(one, entry.content_id)) for one in entry.vectors)
        here.known.add(entry.content_id)
    here.head += 1
    committed = rows.new_image(entry, stored=kind == "stored", created=created, sequence=here.head)
    made.images.append(sealed(image, rows.image_row(committed)))
    made.changes.append(writing.change_row(kind, committed, sequence=here.head, created=created))
    for pair in entry.matches:
        ends = {pair.query_content, pair.reference_content}
        if len(ends) > 1 and ends <= here.known:
            made.matches[pair.query_content, pair.reference_content] = rows.match_row(pair, created)
    for also in outcomes_wanted:
        place = (also.job_id, also.ordinal)
        name = here.items[place].name if place in here.items else ""
        here.items[place] = rows.finished_item(also, committed, name, created)
        made.items.append(here.items[place])
    here.findable.add(entry.content_id)
    if kind in MADE_FINDABLE:
        here.newer.append((here.head, kind, entry.content_id))
    return Committed(here.head, committed)


def _write_items(connection: Connection, items: list[JobItem]) -> None:
    if not items:
        return
    mine = (job_item.c.job_id == bindparam("job")) & (job_item.c.ordinal == bindparam("place"))
    finished = [rows.item_row(item) for item in items]
    connection.execute(delete(job_item).where(mine), [{"job": one.job_id, "place": one.ordinal} for one in items])
    connection.execute(insert(job_item), finished)
