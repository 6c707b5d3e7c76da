"""Where pictures and faces say something else than the persons they were handed in for, or the same once more."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from service.api.auth import Reader
from service.api.deps import PartsOf
from service.api.person_schemas import ConflictKind, ConflictPage
from service.api.problems import ProblemError
from service.api.responses import AUTH_SLUGS, problems
from service.api.routers.person_faces import Metric, Space, Threshold
from service.api.shapes import conflict_of, face_conflict_of
from service.workflows.face_conflicts import FaceConflictKind, face_conflicts
from service.workflows.parts import Parts
from service.workflows.person_faces import Yardstick, yardstick

router = APIRouter(prefix="/persons", tags=["persons"])

Cursor = Annotated[str | None, Query(max_length=256, description="`next_cursor` of the page before.")]
NO_THRESHOLD = "The makers of the model name no threshold for this metric: send one."


@router.get(
    "/conflicts",
    response_model=ConflictPage,
    responses=problems(*AUTH_SLUGS, "invalid-request", "no-face-space", "index-building"),
)
def list_conflicts(
    parts: PartsOf,
    _: Reader,
    kind: Annotated[ConflictKind, Query(description="One of four lists.")] = ConflictKind.SAME_PICTURE_OTHER_PERSON,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Cursor = None,
    space: Space = None,
    metric: Metric = None,
    threshold: Threshold = None,
) -> dict[str, Any]:
    """One picture under two persons or twice under one, one face under two persons, or new photos of one person.

    Pictures are the same by their bytes, their pixels, or as copies that were proved when handed in, in the order of their
    content ids. Faces are compared in a space of faces, newest image first. Reported, and never removed by itself.
    """
    if kind in {ConflictKind.SAME_FACE_OTHER_PERSON, ConflictKind.NEW_PHOTO_SAME_PERSON}:
        return _of_faces(kind, yardstick(parts, space, metric, threshold), parts, limit, cursor)
    least = parts.verdict_model.operating_points[parts.settings.operating_point]
    of_one = kind is ConflictKind.SAME_PICTURE_SAME_PERSON
    page = parts.catalogue.persons.conflicts(limit, cursor, least=least, of_one_person=of_one)
    return {"items": [conflict_of(one, kind) for one in page.items], "next_cursor": page.next_cursor}


def _of_faces(kind: ConflictKind, by: Yardstick, parts: Parts, limit: int, cursor: str | None) -> dict[str, Any]:
    if by.threshold is None:
        errors = [{"where": "query.threshold", "what": NO_THRESHOLD}]
        raise ProblemError("invalid-request", NO_THRESHOLD, errors=errors)
    page = face_conflicts(FaceConflictKind(kind.value), by, by.threshold, parts, limit, cursor)
    return {"items": [face_conflict_of(one, kind, by) for one in page.items], "next_cursor": page.next_cursor}
