"""Candidates to matches: what speaks for and against each, and how likely that makes it a copy."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from index_store.errors import StoreUnavailableError
from service.compare.appearance import compare, glance, look
from service.descriptors.hashes import hamming
from service.domain.dihedral import POSES
from service.domain.errors import BadPictureError, BrokenPictureError
from service.domain.keeper import UNTOUCHED
from service.domain.values import (
    Assessed,
    Authenticity,
    Direction,
    Edit,
    Evidence,
    Match,
    PictureFacts,
    Quality,
    Relation,
)
from service.domain.verdict import (
    EVEN_ODDS,
    RECOLOURED_TONES,
    SAME_TONES,
    could_be_copies,
    direction_of,
    features,
    relation_of,
    settled,
)
from service.pictures import thumbnails

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from index_store.records import Content, ContentWithImages
    from index_store.vectors import Neighbour
    from service.compare.appearance import Appearance, Look
    from service.domain.values import PictureFormat
    from service.domain.verdict import VerdictModel
    from service.workflows.parts import Parts
    from service.workflows.study import Subject

NO_KEYPOINTS = "keypoints and geometry are not part of this version"
NO_PARTIAL_OVERLAP = "only whole frames are compared in this version"
_IDENTITY = POSES[0].transform
_WHOLE = (0.0, 0.0, 1.0, 1.0)

THUMBNAIL = ("thumbnail", "jpg")
"""Kind and extension of the derived file."""


def assessed_of(content: Content) -> Assessed:
    """What was assessed of a stored content when it came in."""
    facts = PictureFacts(
        sha256=content.sha256,
        format=cast("PictureFormat", content.format),  # the catalogue keeps words; only ours are written
        width=content.width,
        height=content.height,
        bytes=content.bytes,
        pixel_hash=content.pixel_hash,
        normalise_version=content.normalise_version,
        animated=bool(content.facts.get("animated")),
        notes=tuple(content.facts.get("notes", ())),
    )
    return Assessed(facts, Quality(**content.quality), Authenticity(**content.authenticity), content.too_little_detail)


def exact_match(subject: Subject, reference: ContentWithImages) -> Match:
    """The match with a content of the same bytes or the same pixels: certain, whatever they show."""
    same_bytes = reference.content.sha256 == subject.assessed.facts.sha256
    evidence = Evidence(
        content_hash_equal=same_bytes,
        pixels_equal=True,
        phash_distance=0,
        appearance=1.0,
        query_overlap=1.0,
        reference_overlap=1.0,
        transform=_IDENTITY,
        reference_region=_WHOLE,
        unknown={"inliers": NO_KEYPOINTS},
    )
    image = reference.images[0]
    return Match(
        image_id=image.image_id,
        content_id=reference.content.sha256,
        external_id=image.external_id,
        relation=Relation.IDENTICAL if same_bytes else Relation.SAME_PIXELS,
        edits=(),
        direction=Direction.SAME_DETAIL,
        probability=1.0,
        similarity=None if subject.assessed.too_little_detail else 1.0,
        evidence=evidence,
        recommendation=UNTOUCHED,
    )


def could_match(subject: Subject, neighbour: Neighbour, phash: bytes, model: VerdictModel) -> bool:
    """Whether this neighbour is worth a look, which costs milliseconds; most neighbours of most pictures are not."""
    distance = hamming(subject.posed_phashes[neighbour.query_row], phash)
    return could_be_copies(model, phash_distance=distance, similarity=neighbour.similarity)


def verified_match(subject: Subject, reference: ContentWithImages, neighbour: Neighbour, parts: Parts) -> Match | None:
    """The match with a neighbour in the descriptor space, looked at in the pose that came closest.

    None where a glance shows that it is likelier no copy, whatever a closer look might find.
    """
    pose, similarity = neighbour.query_row, neighbour.similarity
    distance = hamming(subject.posed_phashes[pose], reference.content.phash)
    model = parts.verdict_model
    laid = subject.look_in_pose(pose)
    there = look(thumbnail_pixels(reference.content.sha256, parts))
    if not could_be_copies(model, phash_distance=distance, similarity=similarity, glance=glance(laid, there)):
        return None
    seen = compare(laid, there)
    alike = model.probability(
        features(phash_distance=distance, similarity=similarity, appearance=(seen.hash, seen.structure, seen.colour))
    )
    probability = settled(alike, seen.local_change)
    edits = _edits(pose, laid, there, seen) if probability >= EVEN_ODDS else ()
    relation = relation_of(
        tone_distance=seen.tone_distance, local_change=seen.local_change, edits=edits, probability=probability
    )
    image = reference.images[0]
    return Match(
        image_id=image.image_id,
        content_id=reference.content.sha256,
        external_id=image.external_id,
        relation=relation,
        edits=edits,
        direction=_direction(subject, reference.content, relation, laid, there),
        probability=probability,
        similarity=max(-1.0, min(1.0, similarity)),
        evidence=_evidence(distance, seen, pose, relation),
        recommendation=UNTOUCHED,
    )


def thumbnail_bytes(content_id: str, parts: Parts) -> bytes:
    """The stored thumbnail (JPEG), made again from the original if it is not there. Raises StoreError."""
    kind, extension = THUMBNAIL
    return parts.blobs.get_derived(kind, content_id, extension) or _made_again(content_id, parts)


def thumbnail_pixels(content_id: str, parts: Parts) -> NDArray[np.uint8]:
    """The stored thumbnail's pixels; a damaged one is no fault of the query's, and is made again."""
    try:
        return thumbnails.load(thumbnail_bytes(content_id, parts))
    except BrokenPictureError:
        return thumbnails.load(_made_again(content_id, parts))


def _made_again(content_id: str, parts: Parts) -> bytes:
    wait_s = parts.settings.queue_seconds
    kind, extension = THUMBNAIL
    try:
        with parts.pool.decode(parts.blobs.get(content_id, verify=True), wait_s=wait_s) as decoded:
            data = thumbnails.encode(decoded.working)
    except BadPictureError as error:
        # A stored picture that cannot be decoded any more (limits lowered, say) is no fault of the query's.
        raise StoreUnavailableError(f"the stored picture {content_id} cannot be decoded: {error}") from error
    parts.blobs.put_derived(kind, content_id, extension, data)
    return data


def _evidence(distance: int, seen: Appearance, pose: int, relation: Relation) -> Evidence:
    evidence = Evidence(
        content_hash_equal=False,
        pixels_equal=False,
        phash_distance=distance,
        appearance=round(seen.combined, 4),
        unknown={"inliers": NO_KEYPOINTS},
    )
    if relation is Relation.UNRELATED:
        nothing = "the pictures are not held to be copies"
        absent = ("query_overlap", "reference_overlap", "transform", "reference_region")
        return replace(evidence, unknown={**evidence.unknown, **dict.fromkeys(absent, nothing)})
    evidence = replace(evidence, transform=POSES[pose].transform)
    if relation is Relation.REENCODED:
        return replace(evidence, query_overlap=1.0, reference_overlap=1.0, reference_region=_WHOLE)
    partial = ("query_overlap", "reference_overlap", "reference_region")
    return replace(evidence, unknown={**evidence.unknown, **dict.fromkeys(partial, NO_PARTIAL_OVERLAP)})


def _edits(pose: int, query: Look, reference: Look, seen: Appearance) -> tuple[Edit, ...]:
    edits = list(POSES[pose].edits)
    if query.is_grey != reference.is_grey:
        edits.append(Edit.GREYSCALE)
    elif seen.tone_residual <= RECOLOURED_TONES and seen.tone_distance > SAME_TONES:
        edits.append(Edit.RECOLOURED)
    return tuple(edits)


def _direction(subject: Subject, content: Content, relation: Relation, query: Look, reference: Look) -> Direction:
    by_size = direction_of(subject.assessed.facts, assessed_of(content).facts, relation)
    if relation is Relation.UNRELATED or query.is_grey == reference.is_grey:
        return by_size
    # Colour can be taken away, hardly put back.
    by_colour = Direction.QUERY_FROM_REFERENCE if query.is_grey else Direction.REFERENCE_FROM_QUERY
    return by_colour if by_size in (by_colour, Direction.UNKNOWN) else Direction.UNKNOWN
