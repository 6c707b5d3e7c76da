"""Proofs over the catalogue's database: pairs of contents that are there and were proved to be copies."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, exists, or_, select

from index_store.catalogue import rows
from index_store.catalogue.engine import Database
from index_store.catalogue.tables import content, decision, image, match
from index_store.entries import COPIES, pair_cursor, read_pair_cursor
from index_store.proof_records import Held, PairPage, ProvedPair

if TYPE_CHECKING:
    from index_store.records import Json

_QUERY, _REFERENCE = match.c.query_content, match.c.reference_content


class SqlProofs:
    """Implements `Proofs`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def pairs(self, limit: int, cursor: str | None = None, *, least: float) -> PairPage:
        question = select(_QUERY, _REFERENCE).where(_counts(least)).order_by(_QUERY, _REFERENCE).limit(limit + 1)
        if cursor is not None:
            question = question.where(_follows(*read_pair_cursor(cursor)))
        with self._database.reading() as connection:
            found = [(query, reference) for query, reference in connection.execute(question)]
        return PairPage(tuple(found[:limit]), pair_cursor(*found[limit - 1]) if len(found) > limit else None)

    def among(self, content_ids: Iterable[str], *, least: float) -> list[ProvedPair]:
        wanted = {*content_ids}  # asked in order: of two proofs of one pair the first is taken, whoever asks
        found = []
        with self._database.reading() as connection:
            for some in rows.chunks(sorted(wanted)):
                question = select(match).where(_QUERY.in_(some), _counts(least)).order_by(_QUERY, _REFERENCE)
                found += [
                    ProvedPair(row.query_content, row.reference_content, row.relation, row.probability, row.evidence)
                    for row in connection.execute(question)
                    if row.reference_content in wanted
                ]
        return found

    def held(self, content_ids: Iterable[str]) -> dict[str, Held]:
        found: dict[str, Held] = {}
        with self._database.reading() as connection:
            for some in rows.chunks(content_ids):
                named: dict[str, list[tuple[str, str | None, Json]]] = {}
                mine = image.c.content_id.in_(some) & (image.c.state == "active")
                question = select(image.c.content_id, image.c.image_id, image.c.external_id, image.c.metadata)
                for row in connection.execute(question.where(mine).order_by(image.c.sequence)):
                    named.setdefault(row.content_id, []).append((row.image_id, row.external_id, row.metadata))
                for held in connection.execute(select(content).where(content.c.sha256.in_(some))).all():
                    if images := named.get(held.sha256):
                        names = tuple((external_id, metadata) for _, external_id, metadata in images)
                        found[held.sha256] = Held(rows.content_record(held), images[0][0], names)
        return found


def _follows(query: str, reference: str) -> ColumnElement[bool]:
    first, second = match.c.query_content, match.c.reference_content
    # The first part alone bounds the scan of an index; what follows it only leaves out what was told already.
    return and_(first >= query, or_(first > query, second > reference))


def _counts(least: float) -> ColumnElement[bool]:
    """Copies as they were proved, both there, unless somebody has said that the two differ."""
    # Asked in either order by itself: of an OR PostgreSQL makes a loop over all decisions for every pair.
    different = [
        exists().where(
            decision.c.first_content == one, decision.c.second_content == other, decision.c.decision == "different"
        )
        for one, other in ((_QUERY, _REFERENCE), (_REFERENCE, _QUERY))
    ]
    there = [exists().where(image.c.content_id == end, image.c.state == "active") for end in (_QUERY, _REFERENCE)]
    return and_(match.c.relation.in_(COPIES), match.c.probability >= least, *there, *(~said for said in different))
