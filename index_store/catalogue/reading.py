"""Questions to the catalogue. Each function is asked inside one read transaction and fetches all of its answer."""

from collections.abc import Iterable

from sqlalchemy import BindParameter, Connection, and_, bindparam, exists, func, literal_column, or_, select

from index_store.catalogue import rows
from index_store.catalogue.tables import change, content, image, vector
from index_store.catalogue.writing import head_of
from index_store.entries import (
    EXACT_SHOWN,
    IMAGES_SHOWN,
    MADE_FINDABLE,
    OF_NO_IMAGE,
    TOOK_AN_IMAGE,
    could_be_stored,
    cursor_at,
    read_cursor,
)
from index_store.errors import NotFoundError
from index_store.ids import moment
from index_store.records import ContentWithImages, Delta, FirstLook, Image, ImageFilter, Page, Stats, VectorPage

_ACTIVE = image.c.state == "active"
_WANTED: BindParameter[str] = bindparam("wanted", expanding=True)

# What every check asks is made once: to build a statement takes longer than SQLite takes to answer it (measured).
_WINDOW = and_(change.c.sequence > bindparam("since"), change.c.sequence <= bindparam("upto"))
_SPACE: BindParameter[int] = bindparam("space")
_OF_THE_SPACE = and_(change.c.kind == "described", change.c.space_id == _SPACE)
_TOLD = (
    select(change.c.content_id, change.c.sequence, change.c.kind)
    .where(_WINDOW, or_(change.c.kind.in_((*MADE_FINDABLE, "withdrawn")), _OF_THE_SPACE))
    .order_by(change.c.sequence)
)
# What came with its content has no description, and is there from the first.
_DESCRIPTION = change.alias("description")
_DESCRIBED = func.coalesce(_DESCRIPTION.c.sequence, 0)
_WITH_DESCRIPTION = vector.outerjoin(
    _DESCRIPTION,
    and_(
        _DESCRIPTION.c.kind == literal_column("'described'"),
        _DESCRIPTION.c.space_id == vector.c.space_id,
        _DESCRIPTION.c.content_id == vector.c.content_id,
    ),
)
_CAME = (
    select(vector.c.id, vector.c.content_id, vector.c.space_id, vector.c["values"])
    .select_from(_WITH_DESCRIPTION)
    .where(
        vector.c.content_id.in_(
            select(change.c.content_id).where(_WINDOW, or_(change.c.kind.in_(MADE_FINDABLE), _OF_THE_SPACE))
        ),
        vector.c.space_id == _SPACE,
        bindparam("upto") >= _DESCRIBED,
    )
)
_CONTENTS = select(content).where(content.c.sha256.in_(_WANTED))
# Of a content that was handed in a million times, only the first images are read; the others are counted by an index.
_OF_ONE = and_(image.c.content_id == bindparam("content"), _ACTIVE)
_FIRST_IMAGES = select(image).where(_OF_ONE).order_by(image.c.sequence).limit(IMAGES_SHOWN)
_REFERENCES = select(func.count()).select_from(image).where(_OF_ONE)
_OLDEST = (
    select(image.c.sequence)
    .where(image.c.content_id == content.c.sha256, _ACTIVE)
    .order_by(image.c.sequence)
    .limit(1)
    .scalar_subquery()
)
_SAME_BYTES = content.c.sha256 == bindparam("sha256")
_EXACT = (
    select(content.c.sha256)
    .where(or_(_SAME_BYTES, content.c.pixel_hash == bindparam("pixel_hash")), _OLDEST.is_not(None))
    .order_by(_SAME_BYTES.desc(), _OLDEST)
    .limit(EXACT_SHOWN)
)
_KNOWN = select(content.c.sha256).where(content.c.sha256.in_(_WANTED), _OLDEST.is_not(None))
_PHASHES = select(content.c.sha256, content.c.phash).where(content.c.sha256.in_(_WANTED), _OLDEST.is_not(None))


def delta(connection: Connection, since: int, space_id: int, limit: int) -> Delta:
    """Fold at most `limit` changes: for each content only the last word counts, since a vector never changes."""
    upto = max(since, min(head_of(connection), since + limit))
    if upto == since:
        return Delta(since, upto, (), ())
    window = {"since": since, "upto": upto}
    told = connection.execute(_TOLD, window | {"space": space_id})
    last = {content_id: (sequence, kind) for content_id, sequence, kind in told}
    findable = {content_id: sequence for content_id, (sequence, kind) in last.items() if kind != "withdrawn"}
    found = connection.execute(_CAME, window | {"space": space_id})
    vectors = [rows.vector_record(row, findable[row.content_id]) for row in found if row.content_id in findable]
    vectors.sort(key=lambda one: (one.sequence, one.vector_id))
    removed = tuple(content_id for content_id in last if content_id not in findable)
    return Delta(since, upto, tuple(vectors), removed)


def vectors(connection: Connection, space_id: int, upto: int, after_id: int, limit: int) -> VectorPage:
    """One page of what was findable at `upto`, told from what is active now and from the first word said since.

    Every question goes by an index: the log has none by content, but the images have, and a change that made a content
    findable has the sequence of an image of it. What was said since `upto` is short, and is read whole.
    """
    page = connection.execute(
        select(vector.c.id, vector.c.content_id, vector.c.space_id, vector.c["values"], _DESCRIBED.label("described"))
        .select_from(_WITH_DESCRIPTION)
        .where(vector.c.space_id == space_id, vector.c.id > after_id)
        .order_by(vector.c.id)
        .limit(limit)
    ).all()
    if not page:
        return VectorPage((), None)
    described = select(vector.c.content_id).where(
        vector.c.space_id == space_id, vector.c.id > after_id, vector.c.id <= page[-1].id
    )
    told = connection.execute(
        select(image.c.content_id, func.max(change.c.sequence))
        .join(change, change.c.sequence == image.c.sequence)
        .where(image.c.content_id.in_(described), change.c.kind.in_(MADE_FINDABLE), change.c.sequence <= upto)
        .group_by(image.c.content_id)
    )
    sequences: dict[str, int] = {content_id: sequence for content_id, sequence in told}  # noqa: C416 - rows, not tuples
    # An image that came back keeps its sequence; the change that tells of it has an index of its own.
    revived = (
        select(change.c.content_id, func.max(change.c.sequence))
        .where(change.c.kind == "revived", change.c.content_id.in_(described), change.c.sequence <= upto)
        .group_by(change.c.content_id)
    )
    for content_id, sequence in connection.execute(revived):
        sequences[content_id] = max(sequence, sequences.get(content_id, 0))
    findable = set(
        connection.execute(select(image.c.content_id).where(image.c.content_id.in_(described), _ACTIVE)).scalars()
    )
    since = connection.execute(
        select(change.c.content_id, change.c.kind)
        .where(change.c.sequence > upto, change.c.kind.in_((*MADE_FINDABLE, "withdrawn")))
        .order_by(change.c.sequence.desc())
    )
    for content_id, kind in since:  # newest first, so that the earliest word after `upto` is the one that stays
        (findable.add if kind == "withdrawn" else findable.discard)(content_id)
    found = [
        rows.vector_record(row, max(sequences[row.content_id], row.described))
        for row in page
        if row.content_id in findable and row.content_id in sequences and row.described <= upto
    ]
    return VectorPage(tuple(found), page[-1].id if len(page) == limit else None)


def contents(connection: Connection, ids: Iterable[str]) -> dict[str, ContentWithImages]:
    found: dict[str, ContentWithImages] = {}
    for some in rows.chunks(ids):
        for row in connection.execute(_CONTENTS, {"wanted": some}).all():
            of_this = {"content": row.sha256}
            images = tuple(rows.image_record(image) for image in connection.execute(_FIRST_IMAGES, of_this))
            # Whoever has few images has them all here.
            many = len(images) == IMAGES_SHOWN
            references = connection.execute(_REFERENCES, of_this).scalar_one() if many else len(images)
            found[row.sha256] = ContentWithImages(rows.content_record(row), images, references)
    return found


def first_look(connection: Connection, sha256: str, pixel_hash: str, neighbours: Iterable[str]) -> FirstLook:
    exact = connection.execute(_EXACT, {"sha256": sha256, "pixel_hash": pixel_hash}).scalars()
    return FirstLook(tuple(exact), _phashes(connection, neighbours))


def undescribed(connection: Connection, space_id: int) -> int:
    findable = exists().where(image.c.content_id == content.c.sha256, _ACTIVE)
    described = exists().where(vector.c.content_id == content.c.sha256, vector.c.space_id == space_id)
    question = select(func.count()).select_from(content)
    return connection.execute(question.where(~content.c.too_little_detail, findable, ~described)).scalar_one()


def known(connection: Connection, sha256s: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for some in rows.chunks(sha256s):
        found.update(connection.execute(_KNOWN, {"wanted": some}).scalars())
    return found


def _phashes(connection: Connection, ids: Iterable[str]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for some in rows.chunks(ids):
        found.update((sha256, phash) for sha256, phash in connection.execute(_PHASHES, {"wanted": some}))
    return found


def references_at(connection: Connection, content_id: str, sequence: int) -> int:
    """Told from what is active now and from what was said since: the log has no index by content, and is long."""
    mine = change.c.sequence > sequence, change.c.content_id == content_id
    since = select(change.c.kind).where(*mine, change.c.kind.not_in(OF_NO_IMAGE))
    came = sum(-1 if kind in TOOK_AN_IMAGE else 1 for kind in connection.execute(since).scalars())
    now: int = connection.execute(_REFERENCES, {"content": content_id}).scalar_one()
    return now - came


def image_by_id(connection: Connection, image_id: str) -> Image:
    mine = select(image).where(image.c.image_id == image_id)
    row = connection.execute(mine).one_or_none() if could_be_stored(image_id) else None
    if row is None:
        raise NotFoundError(f"there is no image {image_id}")
    return rows.image_record(row)


def images(connection: Connection, where: ImageFilter, limit: int, cursor: str | None) -> Page:
    question = select(image).where(_ACTIVE).order_by(image.c.sequence.desc()).limit(limit + 1)
    for name in ("verdict", "relation", "person_id", "external_id"):
        wanted = getattr(where, name)
        if wanted is not None:
            if not could_be_stored(wanted):
                return Page((), None)
            question = question.where(image.c[name] == wanted)
    if where.min_risk is not None or where.max_quality is not None:
        question = question.join(content, content.c.sha256 == image.c.content_id)
    if where.min_risk is not None:
        question = question.where(content.c.authenticity["risk"].as_float() >= where.min_risk)
    if where.max_quality is not None:
        question = question.where(content.c.quality["overall"].as_float() <= where.max_quality)
    if where.since is not None:
        question = question.where(image.c.created >= moment(where.since))
    if cursor is not None:
        question = question.where(image.c.sequence < read_cursor(cursor))
    found = [rows.image_record(row) for row in connection.execute(question)]
    more = len(found) > limit
    return Page(tuple(found[:limit]), cursor_at(found[limit - 1].sequence) if more else None)


def stats(connection: Connection) -> Stats:
    active = select(
        func.count(),
        func.count(image.c.content_id.distinct()),
        func.coalesce(func.sum(image.c.handed_in_bytes), 0),
        func.coalesce(func.sum(image.c.handed_in_bytes).filter(image.c.outcome == "referenced"), 0),
    ).where(_ACTIVE)
    counted, distinct, handed_in, saved = connection.execute(active).one()
    findable = exists().where(image.c.content_id == vector.c.content_id, _ACTIVE)
    vectors = connection.execute(select(func.count()).select_from(vector).where(findable)).scalar_one()
    stored = connection.execute(select(func.coalesce(func.sum(content.c.bytes), 0))).scalar_one()
    return Stats(
        images=counted,
        contents=distinct,
        vectors=vectors,
        bytes_handed_in=int(handed_in),
        bytes_stored=int(stored),
        bytes_saved=int(saved),
        sequence=head_of(connection),
    )
