"""Candidates to matches: what speaks for and against each, and how likely that makes it a copy.

A candidate is looked at in two ways. As a whole frame, in the pose that came closest: that carries pictures with few
features and every copy that was only saved anew. And by geometry: a map found from local features, proved cell by cell,
which carries crops, turns, overlays and whatever else left part of the picture standing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from service.compare.geometry import align
from service.compare.proof import proved
from service.descriptors.keypoints import CLOSE_SIDE, SIDE
from service.domain.keeper import UNTOUCHED
from service.domain.values import Match
from service.domain.verdict import EVEN_ODDS, LEAST_TOLD, is_sibling
from service.workflows.account import Account, Frames, account, exact_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from index_store.records import ContentWithImages
    from service.compare.geometry import Alignment
    from service.compare.proof import Proof
    from service.domain.keypoints import Keypoints
    from service.domain.verdict import VerdictModel
    from service.workflows.known import Known
    from service.workflows.study import Subject


SURE_MAP = 20
"""Features that a map carries from which on it is the right one, and further features only ask again what it has proved.
Of the seven edited copies (fitting half) that such a map does not prove and a closer look goes on with, it moves the
probability by 0.011 at the most; of 244 look-alikes (training pictures) it lifts 14 beyond even odds."""


def exact_match(subject: Subject, reference: ContentWithImages) -> Match:
    """The match with a content of the same bytes or the same pixels: certain, whatever they show."""
    told = exact_account(same_bytes=reference.content.sha256 == subject.assessed.facts.sha256)
    return _match(reference, told, None if subject.assessed.too_little_detail else 1.0)


class Looks(IntEnum):
    """How far to go where the first look proves nothing. Each goes on where the one before it ends."""

    ONCE = 0
    AT_MAPS = 1
    """With further features of the query, where the features that there are have a map already."""
    CLOSER = 2
    """With them, map or none."""
    CLOSEST = 3
    """And with further features of the other, which have to be made from its thumbnail."""


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What was found when a query was laid on a known picture. Without a map there is no proof."""

    frames: Frames
    alignment: Alignment | None
    proof: Proof | None
    needed_geometry: bool
    """Otherwise the whole frames settled it."""
    alike: float
    """How likely what was found makes a copy, 0..1, before contradictions are heard; 0 where nothing was."""
    says_nothing: bool
    """Neither a map nor the whole frames make it worth telling."""
    looked: Looks = Looks.ONCE
    """How far it went."""

    @property
    def explained(self) -> float:
        """The share of the query that was found in the other, 0..1; of whole frames all."""
        return self.proof.query_overlap * self.proof.agreement if self.proof else 1.0


def inspect(
    subject: Subject, known: Known, model: VerdictModel, *, by_geometry: bool = True, looks: Looks = Looks.ONCE
) -> Inspection:
    """Lay a query on a known picture; stops when decided. Raises StoreError.

    `by_geometry`: also where the whole frames say that they are no copies. `looks`: how far to go at the most.
    """
    frames = Frames(subject, known)
    might_do = frames.might_do(model)
    if (might_do and frames.settle_it(model)) or not (might_do or by_geometry):
        alike = model.probability(frames.signals()) if might_do else 0.0
        return Inspection(frames, None, None, needed_geometry=False, alike=alike, says_nothing=not might_do)
    alignment, proof = _laid(subject, known, subject.keypoints, known.keypoints)
    # Frames that are too far apart by their hashes are not looked at: that would cost as much as a proof.
    alike = model.probability(frames.signals(proof)) if proof or might_do else 0.0
    looked = Looks.ONCE
    for further in _further(subject, known, looks, has_map=alignment is not None):
        if alike >= EVEN_ODDS or (alignment is not None and alignment.inliers >= SURE_MAP):
            break
        looked = further
        reference = known.close_keypoints if further is Looks.CLOSEST else known.keypoints
        closer, found = _laid(subject, known, subject.close_keypoints, reference)
        if found is not None and (likely := model.probability(frames.signals(found))) > alike:
            alignment, proof, alike = closer, found, likely
    says_nothing = not might_do and (proof is None or not _is_worth_telling(proof, alike))
    return Inspection(frames, alignment, proof, True, alike, says_nothing, looked)


def _further(subject: Subject, known: Known, looks: Looks, *, has_map: bool) -> Iterator[Looks]:
    """The looks after the first one, as long as there are pixels that were not seen."""
    if looks >= (Looks.AT_MAPS if has_map else Looks.CLOSER) and _longest(subject) > SIDE:
        yield Looks.CLOSER
        if looks is Looks.CLOSEST and min(_longest(subject), _longest(known)) >= CLOSE_SIDE:
            yield Looks.CLOSEST


def _longest(picture: Subject | Known) -> int:
    height, width, _ = picture.working.shape
    return int(max(height, width))


def _laid(
    subject: Subject, known: Known, query: tuple[Keypoints, Keypoints], reference: Keypoints
) -> tuple[Alignment | None, Proof | None]:
    alignment = align(*query, reference)
    if alignment is None:
        return None, None
    return alignment, proved(subject.working, known.working, alignment.matrix, alignment.inliers)


def _is_worth_telling(proof: Proof, alike: float) -> bool:
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
