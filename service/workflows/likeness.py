"""What lies near a picture in the further spaces: pictures of like meaning, and the same faces.

Neither is a copy by that: what is found here stands beside a verdict and never makes one. A space that is still being
filled answers of the pictures it knows, and says how many those are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from index_store.errors import IndexBuildingError
from service.domain.likeness import Distance, distance, least_distance, own_metric
from service.workflows.widening import widening

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from index_store.description_records import PlacedVector
    from index_store.records import ContentWithImages, Image
    from index_store.vectors import Neighbour
    from service.descriptors.protocol import Described
    from service.domain.values import Region
    from service.workflows.parts import Parts
    from service.workflows.spaces import Descriptions, FurtherSpace

MODEL_FAILED = "the model failed on this picture"
_WIDER = 4
"""So many times the nearest are asked for at first: one picture may hold many faces, and a metric may order them otherwise
than the index."""


@dataclass(frozen=True, slots=True)
class Like:
    """A stored picture, or a face in it, that lies near the query or a face in it."""

    space: str
    content_id: str
    image_id: str
    external_id: str | None
    person_id: str | None
    similarity: float
    """Cosine, -1..1."""
    distance: float
    metric: Distance
    threshold: float | None
    """The largest distance at which the model's makers take two for one; None where they name none."""
    query_box: Region | None
    reference_box: Region | None

    @property
    def is_below(self) -> bool | None:
        return None if self.threshold is None else self.distance <= self.threshold


@dataclass(frozen=True, slots=True)
class Known:
    """What was asked, and how much it knew."""

    space: str
    of_faces: bool
    generation: str
    found: int | None
    """Faces found in the query; 1 of a picture space. None where the model failed on it."""
    pictures: int
    """Described so far."""
    vectors: int
    """Findable now."""
    sequence: int
    searched: bool
    """False while the index of the space is being read or built, or where nothing is known to search for."""

    @property
    def unknown(self) -> dict[str, str]:
        """Why something is not told."""
        return {"found": MODEL_FAILED} if self.found is None else {}


@dataclass(frozen=True, slots=True)
class Likeness:
    """All of it, nearest first."""

    similar: tuple[Like, ...]
    persons: tuple[Like, ...]
    spaces: tuple[Known, ...]


def look_alike(told: Descriptions, parts: Parts, most: int) -> Likeness | None:
    """At most so many for each face, or picture, and space. None where no further space was asked about the picture."""
    asked = [one for one in parts.spaces if one.name in told]
    if not asked:
        return None
    similar: list[Like] = []
    persons: list[Like] = []
    spaces: list[Known] = []
    for space in asked:
        mine = told[space.name]
        try:
            sequence, searched = space.follower.catch_up(), mine is not None
        except IndexBuildingError:
            sequence, searched = space.follower.index.sequence, False
        found = [like for one in mine or () for like in _nearest(one, space, parts, most)] if searched else []
        (persons if space.model.of_faces else similar).extend(sorted(found, key=lambda one: one.distance))
        spaces.append(_known(space, None if mine is None else len(mine), sequence, parts, searched=searched))
    return Likeness(tuple(similar), tuple(persons), tuple(spaces))


def _known(space: FurtherSpace, found: int | None, sequence: int, parts: Parts, *, searched: bool) -> Known:
    described = parts.catalogue.descriptions.described(space.space.space_id)
    size, generation = space.follower.index.size, space.space.generation
    return Known(space.name, space.model.of_faces, generation, found, described, size, sequence, searched)


def _nearest(one: Described, space: FurtherSpace, parts: Parts, most: int) -> list[Like]:
    """Of each face in the query by itself: one that many resemble must not crowd the others out.

    By the plain Euclidean distance the nearest may lie far behind in the index, which goes by the cosine: more and more
    neighbours are asked for until none that was not told can be nearer.
    """
    metric = own_metric(space.model.thresholds)
    told: list[Like] = []
    for near, rest in widening(one.vector, space, _WIDER * most):
        told = sorted(_told(one, near, space, parts, metric), key=lambda like: like.distance)[:most]
        if rest is None or metric is not Distance.EUCLIDEAN:
            break
        if len(told) == most and told[-1].distance <= least_distance(one.vector, rest, metric):
            break
    return told


def _told(
    one: Described, near: Sequence[Neighbour], space: FurtherSpace, parts: Parts, metric: Distance
) -> Iterator[Like]:
    contents = list(dict.fromkeys(neighbour.content_id for neighbour in near))
    rows = parts.catalogue.contents(contents)
    placed = parts.catalogue.descriptions.of(space.space.space_id, contents)
    by_id = {vector.vector_id: vector for vectors in placed.values() for vector in vectors}
    for neighbour in near:
        row, vector = rows.get(neighbour.content_id), by_id.get(neighbour.vector_id)
        if row is not None and vector is not None:  # else it went between the index and the catalogue
            for image in _shown(row, space):
                yield _like(one, vector, image, neighbour.similarity, space, metric)


def _shown(row: ContentWithImages, space: FurtherSpace) -> list[Image]:
    """The oldest image of a content; of one with faces the oldest of each person it stands under."""
    if not space.model.of_faces:
        return list(row.images[:1])
    return list({image.person_id: image for image in reversed(row.images)}.values())[::-1]


def _like(
    one: Described, vector: PlacedVector, image: Image, similarity: float, space: FurtherSpace, metric: Distance
) -> Like:
    return Like(
        space=space.name,
        content_id=vector.content_id,
        image_id=image.image_id,
        external_id=image.external_id,
        person_id=image.person_id,
        similarity=similarity,
        distance=distance(one.vector, vector.values, metric),
        metric=metric,
        threshold=space.model.thresholds.get(metric.value),
        query_box=one.box,
        reference_box=vector.box,
    )
