"""The entries of the log, each as one list of statements. Call under the writer's lock, inside its transaction."""

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from index_store.catalogue import persons, rows, tables
from index_store.catalogue.checksums import sealed
from index_store.entries import check_can_return, check_dimensions, check_keeper
from index_store.errors import NotFoundError
from index_store.failpoints import reached
from index_store.records import ChangeKind, Committed, HandIn, Image, ImageState, ProvedMatch, Removal, Return

_HEAD = select(func.max(tables.change.c.sequence))


def head_of(connection: Connection) -> int:
    return connection.execute(_HEAD).scalar() or 0


def hand_in(connection: Connection, entry: HandIn, *, created: str) -> Committed:
    """Content and vectors if the bytes are new, then the image, what was proved, and the change that tells of it."""
    head = head_of(connection)
    kind = _kind(connection, entry)
    if kind == "stored":
        _write_content(connection, entry, created)
        reached("catalogue.content-written")
    image = rows.new_image(entry, stored=kind == "stored", created=created, sequence=head + 1)
    connection.execute(insert(tables.image), sealed(tables.image, rows.image_row(image)))
    persons.make_known(connection, [(image.person_id, created)])
    _write_matches(connection, entry.matches, created)
    reached("catalogue.image-written")
    _log(connection, kind, image, sequence=head + 1, created=created)
    reached("catalogue.logged")
    return Committed(head + 1, image)


def remove(connection: Connection, entry: Removal, *, created: str) -> Committed:
    """Active becomes removed; anything else stays as it is and makes no change. Raises `KeeperGoneError`."""
    head = head_of(connection)
    image = _image(connection, entry.image_id)
    if entry.keeper is not None:
        check_keeper(image, _image(connection, entry.keeper))
    if image.state != "active":
        return Committed(head, image)
    removed = _set_state(connection, image, "removed")
    reached("catalogue.removed")
    kind: ChangeKind = "removed" if _has_active_image(connection, image.content_id) else "withdrawn"
    _log(connection, kind, removed, sequence=head + 1, created=created)
    return Committed(head + 1, removed)


def bring_back(connection: Connection, entry: Return, *, created: str) -> Committed:
    """Removed becomes active, in the place in the order that it had; what is active stays so and makes no change."""
    head = head_of(connection)
    image = _image(connection, entry.image_id)
    if image.state == "active":
        return Committed(head, image)
    check_can_return(image)
    kind: ChangeKind = "returned" if _has_active_image(connection, image.content_id) else "revived"
    back = _set_state(connection, image, "active")
    persons.make_known(connection, [(image.person_id, created)])
    reached("catalogue.returned")
    _log(connection, kind, back, sequence=head + 1, created=created)
    return Committed(head + 1, back)


def _image(connection: Connection, image_id: str) -> Image:
    row = connection.execute(select(tables.image).where(tables.image.c.image_id == image_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no image {image_id}")
    return rows.image_record(row)


def _set_state(connection: Connection, image: Image, state: ImageState) -> Image:
    connection.execute(update(tables.image).where(tables.image.c.image_id == image.image_id).values(state=state))
    return replace(image, state=state)


def _kind(connection: Connection, entry: HandIn) -> ChangeKind:
    known = exists().where(tables.content.c.sha256 == entry.content_id)
    if connection.execute(select(known)).scalar():
        return "referenced" if _has_active_image(connection, entry.content_id) else "restored"
    if entry.content is None:
        raise NotFoundError(f"there is no content {entry.content_id}")
    return "stored"


def _has_active_image(connection: Connection, content_id: str) -> bool:
    image = tables.image
    active = exists().where(image.c.content_id == content_id, image.c.state == "active")
    return bool(connection.execute(select(active)).scalar())


def _write_content(connection: Connection, entry: HandIn, created: str) -> None:
    if entry.content is None:  # `_kind` has seen to it; the type checker cannot know
        raise NotFoundError
    connection.execute(insert(tables.content), sealed(tables.content, rows.content_row(entry.content, created)))
    if not entry.vectors:
        return
    space = tables.space
    wanted = sorted({vector.space_id for vector in entry.vectors})
    found = connection.execute(select(space.c.space_id, space.c.dimension).where(space.c.space_id.in_(wanted)))
    check_dimensions(entry, {row.space_id: row.dimension for row in found})
    described = [rows.vector_row(vector, entry.content_id) for vector in entry.vectors]
    connection.execute(insert(tables.vector), [sealed(tables.vector, row) for row in described])


def _write_matches(connection: Connection, matches: tuple[ProvedMatch, ...], created: str) -> None:
    """The newest proof of a pair replaces an older one; a pair we do not hold both ends of is dropped."""
    if not matches:
        return
    match, sha256 = tables.match, tables.content.c.sha256
    ends = {end for pair in matches for end in (pair.query_content, pair.reference_content)}
    held = set(connection.execute(select(sha256).where(sha256.in_(sorted(ends)))).scalars())
    for pair in matches:
        if pair.query_content == pair.reference_content or not {pair.query_content, pair.reference_content} <= held:
            continue
        connection.execute(
            delete(match).where(
                match.c.query_content == pair.query_content, match.c.reference_content == pair.reference_content
            )
        )
        connection.execute(insert(match), rows.match_row(pair, created))


def _log(connection: Connection, kind: ChangeKind, image: Image, *, sequence: int, created: str) -> None:
    connection.execute(insert(tables.change), change_row(kind, image, sequence=sequence, created=created))


def change_row(kind: ChangeKind, image: Image, *, sequence: int, created: str) -> dict[str, Any]:
    told = {"sequence": sequence, "kind": kind, "image_id": image.image_id, "content_id": image.content_id}
    return told | {"created": created}
