"""Whose face is this? The faces of a picture, laid against those of one person or of everybody that is stored.

Of a stored picture its largest face stands for the person it belongs to: the others in it may be anybody. Nothing is
stored, and nothing follows from the answer; it is a distance with the threshold that the model's makers name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from index_store.records import ImageFilter
from service.descriptors import sizes
from service.domain.errors import NoFaceError, NoFaceSpaceError, ThresholdRangeError, UnknownFaceSpaceError
from service.domain.likeness import OPPOSITE, Distance, distance, least_distance, own_metric
from service.domain.values import Relation
from service.workflows.spaces import described_by
from service.workflows.widening import widening

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from index_store.description_records import PlacedVector
    from index_store.records import Image
    from service.descriptors.protocol import Described
    from service.domain.values import Region
    from service.workflows.parts import Parts
    from service.workflows.spaces import FurtherSpace

FARTHEST: Final = 1e6
"""No model's vectors are so long."""
_PAGE: Final = 500
_FIRST: Final = 32
"""Neighbours that are asked for at first; one person may have many near ones, so that more are asked for."""


@dataclass(frozen=True, slots=True)
class Yardstick:
    """By which space and metric it is measured, and up to which distance two faces are one person's."""

    space: FurtherSpace
    metric: Distance
    threshold: float | None

    def relation(self, far: float) -> Relation | None:
        """None where no threshold is known."""
        if self.threshold is None:
            return None
        return Relation.SAME_PERSON if far <= self.threshold else Relation.UNRELATED


@dataclass(frozen=True, slots=True)
class NearFace:
    """A face of a person's, and how far a face of the picture lies from it."""

    person_id: str
    image: Image
    distance: float
    query_box: Region | None
    reference_box: Region | None
    relation: Relation | None


@dataclass(frozen=True, slots=True)
class Verified:
    yardstick: Yardstick
    faces: int
    """Found in the picture."""
    compared: int
    """Faces of the person that it was compared with."""
    undescribed: int
    """Pictures of the person that the space has not described yet."""
    nearest: NearFace | None


@dataclass(frozen=True, slots=True)
class IdentifiedFace:
    box: Region | None
    persons: tuple[NearFace, ...]
    """Each once, by the nearest of its faces; nearest first."""


@dataclass(frozen=True, slots=True)
class Identified:
    yardstick: Yardstick
    faces: tuple[IdentifiedFace, ...]


def yardstick(parts: Parts, space: str | None, metric: Distance | None, threshold: float | None) -> Yardstick:
    """The space that is named, or the first of faces; the model's own metric and threshold where none is named.

    Raises NoFaceSpaceError, UnknownFaceSpaceError where no face space has that name, and ThresholdRangeError.
    """
    known = {one.name: one for one in parts.spaces if one.model.of_faces}
    if not known:
        raise NoFaceSpaceError
    if space is not None and space not in known:
        raise UnknownFaceSpaceError(f"There is no space of faces {space!r}; there is: {', '.join(known)}.")
    chosen = known[space] if space is not None else next(iter(known.values()))
    by = metric or own_metric(chosen.model.thresholds)
    farthest = FARTHEST if by is Distance.EUCLIDEAN else OPPOSITE
    if threshold is not None and not 0 <= threshold <= farthest:
        raise ThresholdRangeError(f"The largest {by} distance of one person's faces lies between 0 and {farthest:g}.")
    return Yardstick(chosen, by, chosen.model.thresholds.get(by.value) if threshold is None else threshold)


def verify(data: bytes, person_id: str, by: Yardstick, parts: Parts, *, wait_s: float | None = None) -> Verified:
    """Whether a face of the picture is the person's, by the nearest two.

    Raises what decoding raises, NoFaceError where the picture has none, and NotFoundError for an unknown person.
    """
    parts.catalogue.persons.get(person_id)
    asked = faces_of(data, by.space, parts, wait_s=wait_s)
    images = {image.content_id: image for image in _images_of(person_id, parts)}
    placed = parts.catalogue.descriptions.of(by.space.space.space_id, images)
    nearest: NearFace | None = None
    compared = 0
    for content_id, vectors in placed.items():
        face = largest(vectors)
        if face is None:
            continue
        compared += 1
        for one in asked:
            far = distance(one.vector, face.values, by.metric)
            if nearest is None or far < nearest.distance:
                nearest = NearFace(person_id, images[content_id], far, one.box, face.box, by.relation(far))
    return Verified(by, len(asked), compared, len(images) - len(placed), nearest)


def identify(data: bytes, by: Yardstick, parts: Parts, *, most: int, wait_s: float | None = None) -> Identified:
    """For each face of the picture the persons whose faces lie nearest, `most` of them.

    Raises what decoding raises, NoFaceError where the picture has none, and IndexBuildingError.
    """
    asked = faces_of(data, by.space, parts, wait_s=wait_s)
    by.space.follower.catch_up()
    return Identified(by, tuple(IdentifiedFace(one.box, tuple(_nearest(one, by, parts, most))) for one in asked))


def faces_of(data: bytes, space: FurtherSpace, parts: Parts, *, wait_s: float | None) -> tuple[Described, ...]:
    """The faces of a picture's bytes. Raises NoFaceError where there is none."""
    with parts.pool.decode(data, wait_s=wait_s) as decoded:
        picture = sizes.copied(decoded.pixels)
    told = described_by(space.model, [picture])[0]
    if not told:
        raise NoFaceError
    return told


def largest(vectors: Iterable[PlacedVector]) -> PlacedVector | None:
    """The face that a picture shows largest; the first of equals."""
    return max(vectors, key=lambda one: (_area(one.box), -one.ordinal), default=None)


def _area(box: Region | None) -> float:
    return (box[2] - box[0]) * (box[3] - box[1]) if box else 0.0


def _images_of(person_id: str, parts: Parts) -> Iterator[Image]:
    """Active ones, newest first: of a content that it has twice the oldest is kept by whoever makes a dict of them."""
    cursor: str | None = None
    while True:
        page = parts.catalogue.images(ImageFilter(person_id=person_id), _PAGE, cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _nearest(one: Described, by: Yardstick, parts: Parts, most: int) -> list[NearFace]:
    """More and more neighbours are asked for until nobody who is not among them can be nearer than those who are told.

    The index goes by the cosine, and a neighbour may have been found by a face in its background, while its person lies
    far: only persons no farther than whatever lies behind the last neighbour are sure to be the nearest.
    """
    told: list[NearFace] = []
    for near, rest in widening(one.vector, by.space, _FIRST * most):
        persons = near_persons(one, {neighbour.content_id for neighbour in near}, by, parts)
        told = sorted(persons.values(), key=lambda face: (face.distance, face.person_id))[:most]
        if rest is None:
            break
        if len(told) == most and told[-1].distance <= least_distance(one.vector, rest, by.metric):
            break
    return told


def near_persons(one: Described, contents: Iterable[str], by: Yardstick, parts: Parts) -> Mapping[str, NearFace]:
    """The nearest face of each person among these contents."""
    wanted = sorted(contents)
    rows = parts.catalogue.contents(wanted)
    found: dict[str, NearFace] = {}
    for content_id, vectors in parts.catalogue.descriptions.of(by.space.space.space_id, wanted).items():
        face, row = largest(vectors), rows.get(content_id)
        if face is None or row is None:
            continue
        far = distance(one.vector, face.values, by.metric)
        for image in row.images:
            if image.person_id and (image.person_id not in found or far < found[image.person_id].distance):
                near = NearFace(image.person_id, image, far, one.box, face.box, by.relation(far))
                found[image.person_id] = near
    return found
