"""One item of a group: told what it did before, or that it saw too little, or committed with all that belongs to it.

Call under the writer's lock, inside a savepoint. The rule is told in `index_store.group_records`.
"""

from sqlalchemy import Connection, and_, select

from index_store.catalogue import outcomes, rows, writing
from index_store.catalogue.tables import change, image
from index_store.entries import COULD_CHANGE_A_VERDICT, check_also, check_hand_in, forgives
from index_store.errors import BadEntryError
from index_store.failpoints import reached
from index_store.group_records import AlreadyDone, GroupItem
from index_store.records import Committed, Removal, Return, Stale


def append(connection: Connection, item: GroupItem, *, began: int, created: str) -> Committed | Stale | AlreadyDone:
    """`began` is the head before the group: no search can have read further."""
    for also in item.also:
        check_also(also)
        earlier = outcomes.earlier(connection, also)
        if earlier is not None:
            return AlreadyDone(earlier)
    answer = _entry(connection, item, began, created)
    if isinstance(answer, Committed):
        for also in item.also:
            outcomes.write(connection, also, answer.image, created)
        reached("catalogue.also-written")
    return answer


def _entry(connection: Connection, item: GroupItem, began: int, created: str) -> Committed | Stale:
    entry = item.entry
    if isinstance(entry, Removal):
        return writing.remove(connection, entry, created=created)
    if isinstance(entry, Return):
        return writing.bring_back(connection, entry, created=created)
    check_hand_in(entry)
    if item.searched_to > began:
        raise BadEntryError(f"searched to {item.searched_to}, and the log ends at {began}: another catalogue's index?")
    if _is_stale(connection, item):
        return Stale(writing.head_of(connection))
    return writing.hand_in(connection, entry, created=created)


def _is_stale(connection: Connection, item: GroupItem) -> bool:
    # A content becomes findable twice only if it went in between, and nothing that went is forgiven. So the first
    # changes, one more than there are contents to forgive, settle the question.
    newer = (
        select(change.c.kind, change.c.content_id)
        .where(change.c.sequence > item.searched_to, change.c.kind.in_(COULD_CHANGE_A_VERDICT))
        .order_by(change.c.sequence)
        .limit(len(item.compared_with) + 1)
    )
    if not all(forgives(item.compared_with, kind, content_id) for kind, content_id in connection.execute(newer)):
        return True
    for some in rows.chunks(item.needs):
        here = and_(image.c.content_id.in_(some), image.c.state == "active")
        if len(connection.execute(select(image.c.content_id).where(here).distinct()).all()) < len(some):
            return True
    return False
