"""Candidates to matches: what speaks for and against each, and how likely that makes it a copy.

A candidate is looked at in two ways. As a whole frame, in the pose that came closest: that carries pictures with few
features and every copy that was only saved anew. And by geometry: a map found from local features, proved cell by cell,
which carries crops, turns, overlays and whatever else left part of the picture standing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.compare.geometry import align
from service.compare.proof import proved
from service.domain.keeper import UNTOUCHED
from service.domain.values import Match
from service.domain.verdict import LEAST_TOLD, is_sibling
from service.workflows.account import Account, Frames, account, exact_account

if TYPE_CHECKING:
    from index_store.records import ContentWithImages
    from service.compare.geometry import Alignment
    from service.compare.proof import Proof
    from service.domain.verdict import VerdictModel
    from service.workflows.known import Known
    from service.workflows.study import Subject


def exact_match(subject: Subject, reference: ContentWithImages) -> Match:
    """The match with a content of the same bytes or the same pixels: certain, whatever they show."""
    told = exact_account(same_bytes=reference.content.sha256 == subject.assessed.facts.sha256)
    return _match(reference, told, None if subject.assessed.too_little_detail else 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What was found when a query was laid on a known picture. Without a map there is no proof."""

    frames: Frames
    alignment: Alignment | None
    proof: Proof | None
    needed_geometry: bool
    """Otherwise the whole frames settled it."""
    says_nothing: bool
    """Neither a map nor the whole frames make it worth telling."""


def inspect(subject: Subject, known: Known, model: VerdictModel, *, by_geometry: bool = True) -> Inspection:
    """Lay a query on a known picture; stops when decided. Raises StoreError.

    `by_geometry`: also where the whole frames say that they are no copies.
    """
    frames = Frames(subject, known)
    might_do = frames.might_do(model)
    if might_do and frames.settle_it(model):
        return Inspection(frames, None, None, needed_geometry=False, says_nothing=False)
    if not might_do and not by_geometry:
        return Inspection(frames, None, None, needed_geometry=False, says_nothing=True)
    alignment = align(*subject.keypoints, known.keypoints)
    proof = proved(subject.working, known.working, alignment.matrix, alignment.inliers) if alignment else None
    says_nothing = not might_do and (proof is None or not _is_worth_telling(frames, proof, model))
    return Inspection(frames, alignment, proof, needed_geometry=True, says_nothing=says_nothing)


def _is_worth_telling(frames: Frames, proof: Proof, model: VerdictModel) -> bool:
    alike = model.probability(frames.signals(proof))
    return alike >= LEAST_TOLD or is_sibling(alike, proof.inliers, proof.agreement)


def match_of(found: Inspection, reference: ContentWithImages, similarity: float, model: VerdictModel) -> Match:
    """The match with a candidate that something speaks for. Raises StoreError."""
    return _match(reference, account(found.frames, found.proof, model), max(-1.0, min(1.0, similarity)))


def _match(reference: ContentWithImages, told: Account, similarity: float | None) -> Match:
    image = reference.images[0]
    return Match(
        image_id=image.image_id,
        content_id=reference.content.sha256,
        external_id=image.external_id,
        relation=told.relation,
        edits=told.edits,
        direction=told.direction,
        probability=told.probability,
        similarity=similarity,
        evidence=told.evidence,
        recommendation=UNTOUCHED,
    )
