"""What is told of a match: its relation, the edits, who was made from whom, and the evidence for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from service.compare.appearance import compare, glance, look
from service.compare.geometry import extent
from service.compare.proof import proved
from service.compare.surface import surface_of
from service.compare.traces import copy_in, detail_of, grid_of, shape_of, surroundings_of
from service.domain.dihedral import POSES
from service.domain.direction import Traces, direction_by_size, direction_of_match
from service.domain.edits import WHOLE, blurred_in_full, edits_of, is_only_saved_anew, was_filtered, was_laid_into
from service.domain.values import Direction, Edit, Evidence, OperatingPoint, Relation
from service.domain.verdict import (
    EVEN_ODDS,
    LEAST_INLIERS,
    RECOLOURED_TONES,
    SAME_TONES,
    SAVED_ANEW,
    SURELY_SAVED_ANEW,
    Signals,
    agrees_in_part_alone,
    could_be_copies,
    differs_as_a_page,
    is_registered,
    is_sibling,
    relation_of,
    settled,
)
from service.workflows.once import once

if TYPE_CHECKING:
    from service.compare.appearance import Appearance, Look
    from service.compare.proof import Proof
    from service.domain.traces import Surface
    from service.domain.values import Matrix3
    from service.domain.verdict import VerdictModel
    from service.workflows.known import Known
    from service.workflows.study import Subject

NOT_NEEDED = "equal bytes or pixels need no geometry"
NO_MAP = "no map was found that carries enough features"
NOT_COPIES = "the pictures are not held to be copies"
NO_PARTIAL_OVERLAP = "without geometry only whole frames are compared"
SAVING = frozenset({Edit.COMPRESSED})
"""What saving anew leaves behind: no edit that anybody made."""
_FULL = (0.0, 0.0, 1.0, 1.0)
_GEOMETRY = ("inliers", "agreement", "in_place")
_PLACE = ("query_overlap", "reference_overlap", "transform", "reference_region")


@dataclass(frozen=True)
class Frames:
    """Both pictures as whole frames, the query laid in the pose that comes closest. What is costly is done when asked."""

    subject: Subject
    known: Known

    @once
    def _nearest(self) -> tuple[int, int]:
        return self.subject.nearest_pose(self.known.phash)

    @property
    def pose(self) -> int:
        return self._nearest[0]

    @property
    def phash_distance(self) -> int:
        return self._nearest[1]

    @once
    def query(self) -> Look:
        return self.subject.look_in_pose(self.pose)

    @once
    def reference(self) -> Look:
        return look(self.known.working)

    @once
    def _near(self) -> tuple[float, float]:
        return glance(self.query, self.reference)

    @once
    def seen(self) -> Appearance:
        """How they compare; costs twenty times a glance."""
        return compare(self.query, self.reference)

    def might_do(self, model: VerdictModel) -> bool:
        """Whether they could be copies without geometry."""
        near = could_be_copies(model, self.phash_distance)
        return near and model.probability(self.signals()) >= EVEN_ODDS

    def settle_it(self, model: VerdictModel) -> bool:
        """Whether they are so much the same that geometry could only agree: saved anew, or resized."""
        likely = model.probability(self.signals()) >= model.operating_points[OperatingPoint.BALANCED]
        return likely and self.seen.tone_distance <= SAME_TONES and self.seen.local_change <= SAVED_ANEW

    def signals(self, proof: Proof | None = None) -> Signals:
        """What speaks for a copy, with geometry or without."""
        if proof is None:
            return Signals(self.phash_distance, self._near)
        # Where the map is heard, frames are not: a look at the reference would cost as much as a proof.
        glance = (0.0, 0.0) if proof.inliers >= LEAST_INLIERS else self._near
        fine, shown = proof.fine, proof.reference_overlap
        return Signals(self.phash_distance, glance, proof.inliers, fine.tenth, fine.fifth, proof.steady, shown)


@dataclass(frozen=True, slots=True)
class Account:
    """What a match is told with."""

    relation: Relation
    edits: tuple[Edit, ...]
    direction: Direction
    probability: float
    evidence: Evidence


def exact_account(*, same_bytes: bool) -> Account:
    """Of two pictures with the same pixels: certain, whatever they show."""
    evidence = Evidence(
        content_hash_equal=same_bytes,
        pixels_equal=True,
        phash_distance=0,
        appearance=1.0,
        query_overlap=1.0,
        reference_overlap=1.0,
        transform=POSES[0].transform,
        reference_region=_FULL,
        unknown=dict.fromkeys(_GEOMETRY, NOT_NEEDED),
    )
    relation = Relation.IDENTICAL if same_bytes else Relation.SAME_PIXELS
    return Account(relation, (), Direction.SAME_DETAIL, 1.0, evidence)


def account(frames: Frames, proof: Proof | None, model: VerdictModel) -> Account:
    """The relation and the probability, once contradictions are heard."""
    alike = model.probability(frames.signals(proof))
    evidence = _evidence(frames, proof)
    if proof is not None and is_registered(proof.inliers, proof.agreement, alike):
        return _by_geometry(frames, proof, alike, evidence)
    if proof is None and frames.settle_it(model):
        return _settled_by_frames(frames, max(alike, SURELY_SAVED_ANEW), evidence)
    probability = settled(alike, frames.seen.local_change)
    if proof is not None and is_sibling(probability, proof.inliers, proof.agreement):
        return Account(Relation.SIBLING, (), Direction.UNKNOWN, probability, evidence)
    return _by_frames(frames, probability, evidence)


def _by_geometry(frames: Frames, proof: Proof, alike: float, evidence: Evidence) -> Account:
    if is_sibling(alike, proof.inliers, proof.agreement):
        return Account(Relation.SIBLING, (), Direction.UNKNOWN, alike, evidence)
    evidence = replace(
        evidence,
        query_overlap=round(proof.query_overlap, 4),
        reference_overlap=round(proof.reference_overlap, 4),
        transform=cast("Matrix3", tuple(tuple(row) for row in proof.matrix.tolist())),
        reference_region=proof.region,
        unknown={name: why for name, why in evidence.unknown.items() if name not in _PLACE},
    )
    if alike < EVEN_ODDS:
        return Account(Relation.UNRELATED, (), Direction.UNKNOWN, alike, evidence)
    query, reference = frames.subject.working, frames.known.working
    surface = surface_of(proof, query, reference)
    probability = differs_as_a_page(alike, surface.paper, surface.worst, surface.covered)
    probability = agrees_in_part_alone(probability, proof.in_place, proof.fine.heard)
    edits = _edits(frames, proof, surface)
    more = set(edits) - SAVING or _is_more_than_saved_anew(frames, surface, proof)
    relation = Relation.EDITED if more else Relation.REENCODED
    return Account(relation, edits, _direction(frames, relation, edits, proof, surface), probability, evidence)


def _edits(frames: Frames, proof: Proof, surface: Surface) -> tuple[Edit, ...]:
    query, reference = frames.subject.working, frames.known.working
    found = edits_of(
        shape_of(proof, query, reference),
        surroundings_of(proof.matrix, query),
        surface,
        (grid_of(copy_in(proof, query)), grid_of(reference)),
        proof.reference_overlap,
    )
    return blurred_in_full(frames.subject.assessed, frames.known.assessed, found)


def _direction(
    frames: Frames, relation: Relation, edits: tuple[Edit, ...], proof: Proof, surface: Surface
) -> Direction:
    around = False
    if proof.reference_overlap < WHOLE:
        back = np.asarray(np.linalg.inv(proof.matrix), np.float64)
        around = was_laid_into(surroundings_of(back, frames.known.working))
    traces = Traces(edits, proof.query_overlap, proof.reference_overlap, surface, around)
    return direction_of_match(frames.subject.assessed, frames.known.assessed, relation, traces)


def _settled_by_frames(frames: Frames, probability: float, evidence: Evidence) -> Account:
    """The whole frames left nothing to prove; laid on each other in their pose they tell what was done."""
    query, reference = frames.subject.working, frames.known.working
    pose = np.array(POSES[frames.pose].transform)
    here, there = extent(query), extent(reference)
    places = np.diag([there[0], there[1], 1]) @ pose @ np.diag([1 / here[0], 1 / here[1], 1])
    proof = proved(query, reference, np.asarray(places, np.float64), 0)
    if proof is None:
        return _by_frames(frames, probability, evidence)
    laid = surface_of(proof, query, reference)
    posed = np.ascontiguousarray(POSES[frames.pose].lay(query))
    surface = replace(laid, detail=min(laid.detail, detail_of(posed, reference)))
    # In their pose they show the same from edge to edge: where cells were found says nothing against that.
    edits = tuple(edit for edit in _edits(frames, proof, surface) if edit is not Edit.CROPPED)
    untouched = set(edits) <= SAVING and _is_only_saved_anew(frames, laid)
    relation = Relation.REENCODED if untouched else Relation.EDITED
    evidence = replace(
        evidence,
        transform=POSES[frames.pose].transform,
        query_overlap=1.0,
        reference_overlap=1.0,
        reference_region=_FULL,
        unknown={name: why for name, why in evidence.unknown.items() if name not in _PLACE},
    )
    return Account(relation, edits, _direction(frames, relation, edits, proof, surface), probability, evidence)


def _is_more_than_saved_anew(frames: Frames, surface: Surface, proof: Proof) -> bool:
    whole = min(proof.query_overlap, proof.reference_overlap) >= WHOLE
    # Thin letters are too little to be named, and more than nothing.
    return not whole or surface.tone_distance > SAME_TONES or not _is_only_saved_anew(frames, surface)


def _is_only_saved_anew(frames: Frames, surface: Surface) -> bool:
    filtered = was_filtered(surface, frames.subject.assessed, frames.known.assessed)
    return is_only_saved_anew(surface) and not filtered


def _by_frames(frames: Frames, probability: float, evidence: Evidence) -> Account:
    seen = frames.seen
    edits = _frame_edits(frames) if probability >= EVEN_ODDS else ()
    relation = relation_of(
        tone_distance=seen.tone_distance, local_change=seen.local_change, edits=edits, probability=probability
    )
    if relation is not Relation.UNRELATED:
        unknown = dict(evidence.unknown)
        del unknown["transform"]
        evidence = replace(evidence, transform=POSES[frames.pose].transform, unknown=unknown)
        if relation is Relation.REENCODED:
            unknown = {name: why for name, why in unknown.items() if name not in _PLACE}
            evidence = replace(
                evidence, query_overlap=1.0, reference_overlap=1.0, reference_region=_FULL, unknown=unknown
            )
        else:
            unknown |= dict.fromkeys(("query_overlap", "reference_overlap", "reference_region"), NO_PARTIAL_OVERLAP)
    return Account(relation, edits, _frame_direction(frames, relation), probability, evidence)


def _evidence(frames: Frames, proof: Proof | None) -> Evidence:
    evidence = Evidence(
        content_hash_equal=False,
        pixels_equal=False,
        phash_distance=frames.phash_distance,
        appearance=round(frames.seen.combined, 4),
        unknown=dict.fromkeys(_PLACE, NOT_COPIES),
    )
    if proof is None:
        return replace(evidence, unknown={**evidence.unknown, **dict.fromkeys(_GEOMETRY, NO_MAP)})
    return replace(
        evidence, inliers=proof.inliers, agreement=round(proof.agreement, 4), in_place=round(proof.in_place, 4)
    )


def _frame_edits(frames: Frames) -> tuple[Edit, ...]:
    edits = list(POSES[frames.pose].edits)
    seen = frames.seen
    if frames.query.is_grey != frames.reference.is_grey:
        edits.append(Edit.GREYSCALE)
    elif seen.tone_residual <= RECOLOURED_TONES and seen.tone_distance > SAME_TONES:
        edits.append(Edit.RECOLOURED)
    return tuple(edits)


def _frame_direction(frames: Frames, relation: Relation) -> Direction:
    by_size = direction_by_size(frames.subject.assessed, frames.known.assessed, relation)
    if relation is Relation.UNRELATED or frames.query.is_grey == frames.reference.is_grey:
        return by_size
    # Colour can be taken away, hardly put back.
    by_colour = Direction.QUERY_FROM_REFERENCE if frames.query.is_grey else Direction.REFERENCE_FROM_QUERY
    return by_colour if by_size in (by_colour, Direction.UNKNOWN) else Direction.UNKNOWN
