"""Have we got this picture already? Looks, and stores nothing.

Exact matches come from the catalogue, by bytes and by pixels. The rest come from the index and are verified one by one.
A query with too little detail stops at the exact ones.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeGuard

from index_store.vectors import Neighbour
from service.domain.keeper import QUERY, recommend
from service.domain.values import OperatingPoint, Relation, Verdict
from service.domain.verdict import could_be_copies, decide
from service.workflows.assessed import assessed_of
from service.workflows.known import proposed
from service.workflows.likeness import look_alike
from service.workflows.nearest import Horizon, Nearest
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import study
from service.workflows.verify import Looks, exact_match, inspect, match_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from index_store.records import ContentWithImages
    from service.domain.policy import Policy
    from service.domain.values import Match
    from service.workflows.likeness import Likeness
    from service.workflows.nearest import Peer
    from service.workflows.parts import Parts
    from service.workflows.study import Subject
    from service.workflows.verify import Inspection

CLOSER_LOOKS = 4
"""So many of the nearest are looked at once more with further features of the query where nothing is proved yet. Of the
others those that have a map at all are: of strangers one in four has such a neighbour."""
CLOSE_SIMILARITY, CLOSEST_LOOKS = 0.5, 2
"""And of them so many that are so similar with further features of theirs too; of strangers one in three has such a
neighbour. One of very many takes no such look, and a closer one at these alone: of 2,500 edited copies (fitting half) among
10,250 pictures 2,382 are proved so, and 2,383 with a closest look and with those of `AT_MAPS`."""
MOST_EXPLAINED = 0.85
"""Share of the query from which on a proved one leaves no room for another: who is proved to be its background says
nothing of what was pasted upon it."""
CROWD, STANDS_OUT, VERY_SIMILAR = 6, 0.2, 0.85
"""A quick look asks geometry of neighbours that are by `STANDS_OUT` more similar than number `CROWD` of the nearest, or
`VERY_SIMILAR`: strangers are about as near as one another, a copy is nearer, and so may four others of it be. Of 1,200
edited copies (fitting half) among 10,238 pictures this or the hash proposes 913, all twelve 1,082 and the hash alone 634;
of the 10,000 pictures of `benchmarks.batch`, each among those before it, 9 in 100 have such a neighbour."""
_NOWHERE, _EVERYWHERE = -2.0, 2.0
"""Beyond any similarity."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A verdict, and what it was reached from. `sequence` and `size` say what the index held.

    `proved` are all matches that are likelier copies than not, shown or not.
    """

    verdict: Verdict
    proved: tuple[Match, ...]
    subject: Subject
    sequence: int
    size: int
    model_id: str
    verdict_model: str
    policy: str
    timings_ms: dict[str, float]
    likeness: Likeness | None = None
    """What lies near it in further spaces; None where none was asked."""
    quick: bool = False
    """Whether geometry was asked only of pictures that look alike as a whole, or stand out among the nearest."""

    @property
    def model(self) -> str:
        """What it was proved and weighed by: the descriptor's and the verdict's model."""
        return f"{self.model_id}+{self.verdict_model}"


def check(data: bytes, parts: Parts, *, top_k: int, point: OperatingPoint, wait_s: float | None = None) -> Checked:
    """The verdict for a picture's bytes.

    Raises BadPictureError, OverloadedError (no decoder within `wait_s` seconds; None waits) or StoreError.
    """
    watch = Stopwatch()
    subject = study(data, parts, watch, wait_s=wait_s, spaces=parts.spaces)
    inquiry = Inquiry(subject, parts, watch)
    inquiry.search()
    return inquiry.conclude(top_k, point)


class Inquiry:
    """A subject laid against the store. It may be searched again when the store has grown, and adds only what is new.

    `sparing`: one of very many, of which few are copies that are hard to see: it takes no closest look, and closer ones at
    its two nearest alone. `quick`: geometry is asked only of pictures that look alike as a whole, or stand out among the
    nearest, and no features are made where none do.
    """

    def __init__(
        self, subject: Subject, parts: Parts, watch: Stopwatch, *, sparing: bool = False, quick: bool = False
    ) -> None:
        self.subject = subject
        self._sparing = sparing
        self._quick = quick
        self.searched_to = 0
        # Of the whole picture, and of what may lie in it: a rectangle that is none must not crowd the others out.
        most = parts.settings.candidates
        self._nearest = (Nearest(most), Nearest((most + 1) // 2))
        self._parts = parts
        self._watch = watch
        self._size = 0
        self._matches: dict[str, Match] = {}
        self._references: dict[str, ContentWithImages] = {}
        self._peers: dict[str, bool] = {}
        self._beside: dict[str, float] = {}
        """How similar those are."""
        self._settled_at = _NOWHERE
        self._likeness: Likeness | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_parts": None}

    def carry_on(self, parts: Parts) -> None:
        """With these parts from here on; it may come from another process, which kept its own."""
        self._parts = parts

    @property
    def horizon(self) -> Horizon:
        """What is beyond it need not be compared with."""
        reach = min(one.reach for one in self._nearest[: len(self.subject.vectors)])
        near = tuple(self._nearest[0].contents.values())
        crowd = min(CROWD, self._nearest[0].most)
        if not self._quick or len(near) < crowd:
            return Horizon(reach)
        return Horizon(reach, min(near[crowd - 1] + STANDS_OUT, VERY_SIMILAR))

    @property
    def peers(self) -> Mapping[str, bool]:
        """SHA-256 of pictures that it was laid on before they were findable: whether they are strangers to it."""
        return self._peers

    def lay_on(self, peers: Sequence[Peer]) -> None:
        """Compare with pictures that are not committed yet: those that say nothing need not be looked at again."""
        self._beside |= {peer.sha256: peer.similarity for peer in peers}
        with self._watch.step("verify"):
            for peer in peers:
                # By geometry, whatever the similarity: once it is stored it may seem a little nearer.
                told = self._inspected(peer.sha256, peer.similarity, peer.phash, {}, by_geometry=True)
                self._peers[peer.sha256] = told is None

    def search(self, *, to_the_end: bool = True) -> None:
        """Compare with everything that became findable since the last search, or with what the index knows of it."""
        follower = self._parts.follower
        with self._watch.step("search"):
            after, end = self.searched_to, follower.catch_up() if to_the_end else follower.index.sequence
            if 0 < after == end:
                return
            nearest = {**self._nearest[0].contents, **self._nearest[1].contents}
            if after and len(self._parts.catalogue.known(nearest)) < len(nearest):
                # Of the nearest some went: others that were too far away take their places.
                after = self.searched_to = 0
                self._settled_at = _NOWHERE
                for what in (*self._nearest, self._matches, self._references, self._beside):
                    what.clear()
            self._size = self._parts.follower.index.size
            facts = self.subject.assessed.facts
            neighbours = self._neighbours(after)
            looked = self._parts.catalogue.first_look(
                facts.sha256, facts.pixel_hash, [one.content_id for one in neighbours]
            )
        if looked.exact:
            self._settled_at = _EVERYWHERE
        found: dict[str, ContentWithImages] = {}
        with self._watch.step("verify"):
            told = {
                one.content_id: (one.similarity, inspection)
                for one in neighbours
                if (phash := looked.phashes.get(one.content_id)) is not None
                and one.content_id not in looked.exact
                and one.content_id not in self._matches
                and not self._peers.get(one.content_id)
                and (inspection := self._inspected(one.content_id, one.similarity, phash, found)) is not None
            }
        with self._watch.step("search"):
            wanted = {*looked.exact, *told, *self._matches}
            found |= self._parts.catalogue.contents(wanted) if wanted else {}
            self._forget_the_gone(found)
        with self._watch.step("verify"):
            for content_id in looked.exact:
                reference = found.get(content_id)
                if _is_there(reference):
                    self._add(reference, exact_match(self.subject, reference))
            for content_id, (similarity, inspection) in told.items():
                reference = found.get(content_id)
                if _is_there(reference):
                    match = match_of(inspection, reference, similarity, self._parts.verdict_model)
                    self._add(reference, match)
        # Not before: what fails half-way is searched for again from where it began.
        self.searched_to = end

    def _inspected(
        self,
        content_id: str,
        similarity: float,
        phash: bytes,
        rows: Mapping[str, ContentWithImages],
        *,
        by_geometry: bool = False,
    ) -> Inspection | None:
        """What was found between the picture and a neighbour; None where nothing speaks for a copy."""
        # What the descriptor does not propose the hash may, which speaks of whole frames alone. Whoever was laid on it
        # while it waited, and was no stranger, is so no less for having joined the crowd.
        least = max(self._parts.descriptor.least_similarity, self.horizon.stands_out)
        by_geometry = by_geometry or similarity >= least or self._peers.get(content_id) is False
        model = self._parts.verdict_model
        if not by_geometry and not could_be_copies(model, self.subject.nearest_pose(phash)[1]):
            return None
        known = proposed(content_id, phash, lambda: rows[content_id].content, self._parts)
        looks = self._looks_deserved(content_id, similarity)
        found = inspect(self.subject, known, model, by_geometry=by_geometry, looks=looks)
        if found.alike >= model.operating_points[OperatingPoint.BALANCED] and found.explained >= MOST_EXPLAINED:
            self._settled_at = max(self._settled_at, similarity)
        return None if found.says_nothing else found

    def _looks_deserved(self, content_id: str, similarity: float) -> Looks:
        """The nearest deserve the most, and none behind one that is proved: whenever it came, it is told the same."""
        if similarity <= self._settled_at:
            return Looks.ONCE
        near = {**self._beside, **self._nearest[1].contents, **self._nearest[0].contents}
        ahead = sum(other > similarity for name, other in near.items() if name != content_id)
        is_close = ahead < CLOSEST_LOOKS and similarity >= CLOSE_SIMILARITY
        if self._sparing:
            return Looks.CLOSER if is_close else Looks.ONCE
        if is_close:
            return Looks.CLOSEST
        return Looks.CLOSER if ahead < CLOSER_LOOKS else Looks.AT_MAPS

    def _forget_the_gone(self, found: Mapping[str, ContentWithImages]) -> None:
        """What matched before may have been removed meanwhile, or only the image of it that was named."""
        for content_id, match in list(self._matches.items()):
            reference = found.get(content_id)
            if not _is_there(reference):
                del self._matches[content_id], self._references[content_id]
            elif match.image_id != reference.images[0].image_id:
                first = reference.images[0]
                self._matches[content_id] = replace(match, image_id=first.image_id, external_id=first.external_id)

    def _neighbours(self, after: int) -> list[Neighbour]:
        """Those of the newer contents that are among the nearest, most similar first."""
        if self.subject.assessed.too_little_detail:
            return []
        index, near = self._parts.follower.index, dict[str, Neighbour]()
        for nearest, asked in zip(self._nearest, (self.subject.vectors[:1], self.subject.vectors[1:]), strict=True):
            found = index.search(asked, nearest.most, after) if len(asked) else []
            nearest.meet(found)
            for one in found:
                known = near.get(one.content_id)
                if one.similarity >= nearest.reach and (known is None or known.similarity < one.similarity):
                    near[one.content_id] = one
        return sorted(near.values(), key=lambda one: -one.similarity)

    def _add(self, reference: ContentWithImages, match: Match) -> None:
        self._matches[match.content_id] = match
        self._references[match.content_id] = reference

    def conclude(self, top_k: int, point: OperatingPoint, *, is_protected: bool = False) -> Checked:
        """The verdict on what was found so far. All matches are weighed; `top_k` of them are shown.

        `is_protected`: whether the policy protects where the query comes from.
        """
        model, policy = self._parts.verdict_model, self._parts.policy
        with self._watch.step("search"):
            # Once: whoever concludes again holds the others up, and what is near is no part of the verdict.
            if self._likeness is None:
                self._likeness = look_alike(self.subject.described, self._parts, top_k)
        ranked = sorted(self._matches.values(), key=_rank)
        probability = ranked[0].probability if ranked else 0.0
        kind = decide(probability, point, model)
        copies = [match for match in ranked if match.probability >= model.operating_points[point]]
        known = {content_id: assessed_of(reference.content) for content_id, reference in self._references.items()}
        protected = {content_id for content_id, one in self._references.items() if _is_protected(one, policy)}
        others = ranked[len(copies) :]
        recommendation, matches = recommend(
            kind,
            self.subject.assessed,
            copies,
            others,
            known,
            policy,
            protected={*protected, QUERY} if is_protected else protected,
        )
        too_little_detail = self.subject.assessed.too_little_detail
        return Checked(
            verdict=Verdict(kind, probability, recommendation, matches[:top_k], too_little_detail),
            proved=tuple(match for match in matches if match.relation is not Relation.UNRELATED),
            subject=self.subject,
            sequence=self.searched_to,
            size=self._size,
            model_id=self._parts.descriptor.model_id,
            verdict_model=model.name,
            policy=policy.name,
            timings_ms=self._watch.milliseconds(),
            likeness=self._likeness,
            quick=self._quick,
        )


def _is_protected(reference: ContentWithImages, policy: Policy) -> bool:
    """Of a content with very many images not all are read: one of the others may be protected."""
    unread = reference.references > len(reference.images) and bool(policy.protected.folders or policy.protected.sources)
    return unread or any(policy.protected.hold(image.external_id, image.metadata) for image in reference.images)


def _is_there(reference: ContentWithImages | None) -> TypeGuard[ContentWithImages]:
    """Between the index and the catalogue a picture may have been removed: then it is nobody's match."""
    return reference is not None and bool(reference.images)


def _rank(match: Match) -> tuple[float, bool, float, str]:
    """Likeliest first; same bytes before same pixels; then the closer descriptor; then the older image."""
    return (-match.probability, not match.evidence.content_hash_equal, -(match.similarity or 0.0), match.image_id)
