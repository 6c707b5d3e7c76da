"""Whose face it is, as the plain data that API and command line show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from service.domain.values import Relation
from service.workflows.block import NO_THRESHOLD

if TYPE_CHECKING:
    from service.domain.values import Region
    from service.workflows.person_faces import Identified, NearFace, Verified, Yardstick

NO_FACE_KNOWN: Final = "no face of this person is known"
DIGITS: Final = 6


def verification_block(person_id: str, verified: Verified) -> dict[str, Any]:
    near = verified.nearest
    same = None if near is None or near.relation is None else near.relation is Relation.SAME_PERSON
    why = NO_FACE_KNOWN if near is None else NO_THRESHOLD
    unknown = {"same_person": why} if same is None else {}
    if near is None:
        unknown |= {"distance": NO_FACE_KNOWN, "nearest": NO_FACE_KNOWN}
    measured = _measured(verified.yardstick)
    return measured | {
        "unknown": measured["unknown"] | unknown,
        "person_id": person_id,
        "same_person": same,
        "distance": None if near is None else round(near.distance, DIGITS),
        "faces": verified.faces,
        "compared": verified.compared,
        "undescribed": verified.undescribed,
        "nearest": None if near is None else _near(near),
    }


def identification_block(identified: Identified) -> dict[str, Any]:
    faces = [
        {"box": _box(face.box), "persons": [_near(person) for person in face.persons]} for face in identified.faces
    ]
    return _measured(identified.yardstick) | {"faces": faces}


def _measured(by: Yardstick) -> dict[str, Any]:
    return {
        "space": by.space.name,
        "metric": by.metric.value,
        "threshold": by.threshold,
        "unknown": {"threshold": NO_THRESHOLD} if by.threshold is None else {},
    }


def _near(face: NearFace) -> dict[str, Any]:
    return {
        "person_id": face.person_id,
        "image_id": face.image.image_id,
        "external_id": face.image.external_id,
        "distance": round(face.distance, DIGITS),
        "relation": face.relation and face.relation.value,
        "query_box": _box(face.query_box),
        "reference_box": _box(face.reference_box),
        "links": {"thumbnail": f"/images/{face.image.image_id}/thumbnail"},
    }


def _box(box: Region | None) -> list[float] | None:
    return None if box is None else [round(edge, DIGITS) for edge in box]
