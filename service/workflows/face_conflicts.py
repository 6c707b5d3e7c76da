"""Faces that say something else than the names do, or the same once more: one face under two persons, new photos of one.

The images of persons are gone through, newest first; each is laid against the older ones by the largest face of each. What
shows the same picture is left out: that is told by bytes, pixels and proof, and needs no face.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from index_store.records import ImageFilter
from service.domain.likeness import distance, least_distance
from service.workflows.person_faces import largest
from service.workflows.widening import widening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from index_store.description_records import PlacedVector
    from index_store.records import ContentWithImages, Image
    from service.workflows.parts import Parts
    from service.workflows.person_faces import Yardstick

_AT_ONCE: Final = 50
_MOST_LOOKED_AT: Final = 200
"""Images of one answer: each is a search. An answer may therefore hold few conflicts, or none, and still a cursor."""
_FIRST: Final = 64
"""Neighbours that are looked at first, for each image."""
_MOST_TOLD: Final = 10


class FaceConflictKind(StrEnum):
    SAME_FACE_OTHER_PERSON = "same_face_other_person"
    NEW_PHOTO_SAME_PERSON = "new_photo_same_person"


@dataclass(frozen=True, slots=True)
class FaceConflict:
    """An image, and the older ones whose face is as near as one person's, nearest first, ten at the most."""

    image: Image
    others: tuple[Image, ...]
    distance: float
    """Of the nearest."""


@dataclass(frozen=True, slots=True)
class FaceConflictPage:
    items: tuple[FaceConflict, ...]
    next_cursor: str | None


def face_conflicts(
    kind: FaceConflictKind, by: Yardstick, threshold: float, parts: Parts, limit: int, cursor: str | None
) -> FaceConflictPage:
    """Raises BadCursorError and IndexBuildingError."""
    by.space.follower.catch_up()
    found: list[FaceConflict] = []
    looked = 0
    while True:
        # No more than may still be told: the cursor stands behind the last image that was looked at.
        page = parts.catalogue.images(ImageFilter(), min(_AT_ONCE, limit - len(found)), cursor)
        cursor, looked = page.next_cursor, looked + len(page.items)
        found += _conflicts_of([image for image in page.items if image.person_id], kind, by, threshold, parts)
        if cursor is None or len(found) >= limit or looked >= _MOST_LOOKED_AT:
            return FaceConflictPage(tuple(found), cursor)


def _conflicts_of(
    images: list[Image], kind: FaceConflictKind, by: Yardstick, threshold: float, parts: Parts
) -> Iterator[FaceConflict]:
    contents = parts.catalogue.contents({image.content_id for image in images})
    placed = parts.catalogue.descriptions.of(by.space.space.space_id, contents)
    for image in images:
        face, row = largest(placed.get(image.content_id, ())), contents.get(image.content_id)
        if face is None or row is None:
            continue
        near = _near(face, row, by, threshold, parts)
        others = [
            (far, other)
            for far, other in near
            if other.sequence < image.sequence
            and other.person_id
            and (other.person_id == image.person_id) is (kind is FaceConflictKind.NEW_PHOTO_SAME_PERSON)
        ]
        if others:
            others.sort(key=lambda each: (each[0], each[1].sequence))
            yield FaceConflict(image, tuple(other for _, other in others[:_MOST_TOLD]), others[0][0])


def _near(
    face: PlacedVector, row: ContentWithImages, by: Yardstick, threshold: float, parts: Parts
) -> list[tuple[float, Image]]:
    """Images of other pictures whose largest face is within the threshold of this one."""
    placed: Mapping[str, Sequence[PlacedVector]] = {}
    for near, rest in widening(face.values, by.space, _FIRST):
        names = {neighbour.content_id for neighbour in near}
        placed = parts.catalogue.descriptions.of(by.space.space.space_id, names)
        if rest is None or least_distance(face.values, rest, by.metric) > threshold:
            break
    faces = {name: largest(vectors) for name, vectors in placed.items()}
    apart = {name: distance(face.values, one.values, by.metric) for name, one in faces.items() if one is not None}
    close = {name for name, far in apart.items() if far <= threshold and name != row.content.sha256}
    if not close:
        return []
    rows = parts.catalogue.contents(close)
    copies = _copies(row.content.sha256, close, parts)
    return [
        (apart[name], image)
        for name, other in rows.items()
        if name not in copies and other.content.pixel_hash != row.content.pixel_hash
        for image in other.images
    ]


def _copies(content_id: str, others: set[str], parts: Parts) -> set[str]:
    least = parts.verdict_model.operating_points[parts.settings.operating_point]
    proved = parts.catalogue.proofs.among({content_id, *others}, least=least)
    pairs = ({one.query_content, one.reference_content} for one in proved)
    return {name for pair in pairs if content_id in pair for name in pair - {content_id}}
