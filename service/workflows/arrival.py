"""A picture on its way in: studied, searched for, its files put on disk, and the entry that would commit it.

Who commits it is another matter: `ingest` does so for one picture, `batch` for many at a time. Both may have to search
again, and plan again, when pictures came or went meanwhile.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from index_store.records import Content, HandIn, NewVector, ProvedMatch
from service.domain.errors import DuplicateRefusedError
from service.domain.values import Action, OperatingPoint, Relation, VerdictKind
from service.pictures import thumbnails
from service.workflows.block import match_block, verdict_block
from service.workflows.check import Inquiry
from service.workflows.derived import THUMBNAIL, keep_keypoints
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import study

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.domain.values import Match
    from service.workflows.check import Checked
    from service.workflows.nearest import Horizon, Peer
    from service.workflows.parts import Parts
    from service.workflows.study import Subject

AS_REFERENCE = (Relation.IDENTICAL, Relation.SAME_PIXELS, Relation.REENCODED)
"""Relations in which a reference loses nothing a person would miss."""


class OnDuplicate(StrEnum):
    STORE = "store"
    REFERENCE = "reference"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the client wants with its picture. `point` and `top_k` shape the verdict that is kept with it."""

    on_duplicate: OnDuplicate = OnDuplicate.STORE
    external_id: str | None = None
    person_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    point: OperatingPoint = OperatingPoint.BALANCED
    top_k: int = 5
    quick: bool = False
    """As `Inquiry` has it."""


class RefusedDuplicateError(DuplicateRefusedError):
    """The picture is a duplicate, and the request asked to refuse those."""

    def __init__(self, block: dict[str, Any]) -> None:
        super().__init__()
        self.block = block


class Arrival:
    """One picture handed in. Not for two threads at once."""

    def __init__(
        self,
        data: bytes,
        wish: Wish,
        parts: Parts,
        *,
        wait_s: float | None = None,
        to_the_end: bool = True,
        describing: bool = True,
        sparing: bool = False,
    ) -> None:
        """Study the picture and search for it. Raises what `study` raises, and StoreError.

        `to_the_end`: of the log; otherwise as far as the index happens to have read. `describing`: in further spaces as
        well, which is else done after the commit by whoever fills them. `sparing`: as `Inquiry` has it.
        """
        self._wish = wish
        self._parts = parts
        watch = Stopwatch()
        spaces = parts.spaces if describing else ()
        self.subject = study(data, parts, watch, wait_s=wait_s, spaces=spaces, as_a_whole=wish.quick)
        self._data: bytes | None = data
        self._planned: HandIn | None = None
        self._inquiry = Inquiry(self.subject, parts, watch, sparing=sparing, quick=wish.quick)
        self._inquiry.search(to_the_end=to_the_end)

    def __getstate__(self) -> dict[str, Any]:
        """To be carried on in another process, which has parts of its own."""
        return self.__dict__ | {"_parts": None}

    def carried_on(self, parts: Parts) -> Self:
        """The same, wherever it was begun, with these parts from here on."""
        self._parts = parts
        self._inquiry.carry_on(parts)
        return self

    @property
    def searched_to(self) -> int:
        return self._inquiry.searched_to

    @property
    def horizon(self) -> Horizon:
        """What is beyond it need not be compared with."""
        return self._inquiry.horizon

    @property
    def peers(self) -> Mapping[str, bool]:
        """SHA-256 of pictures that it was laid on while they waited as well: whether they are strangers to it."""
        return self._inquiry.peers

    def lay_on(self, peers: Sequence[Peer]) -> None:
        """Compare with pictures that wait as well. Raises StoreError."""
        self._inquiry.lay_on(peers)

    @property
    def bytes_held(self) -> int:
        """Bytes of the file that are in memory, for it may yet have to be kept."""
        return 0 if self._data is None else len(self._data)

    def search_again(self) -> None:
        """Compare with whatever came or went since the last search."""
        before = self._inquiry.searched_to
        self._inquiry.search()
        if self._inquiry.searched_to != before:
            self._planned = None

    def plan(self) -> HandIn:
        """What to commit by what is known so far. Raises RefusedDuplicateError."""
        if self._planned is None:
            self._planned = self._plan()
        return self._planned

    def _plan(self) -> HandIn:
        wish = self._wish
        is_protected = self._parts.policy.protected.hold(wish.external_id, wish.metadata)
        checked = self._inquiry.conclude(wish.top_k, wish.point, is_protected=is_protected)
        block = verdict_block(checked)
        # Bytes that are here already cost nothing to keep: they are referenced whatever was wished.
        best = checked.verdict.matches[0] if checked.verdict.kind is VerdictKind.DUPLICATE else None
        refuses = self._wish.on_duplicate is OnDuplicate.REJECT
        if refuses and best is not None and best.relation is not Relation.IDENTICAL:
            raise RefusedDuplicateError(block)
        return _entry(checked, block, self._wish, self._parts)

    def has_files_for(self, entry: HandIn) -> bool:
        """Whether the files that the entry's row will name lie on disk."""
        return entry.content is None or self._data is None

    def keep_files(self) -> None:
        """Put original and thumbnail on disk; the bytes are let go. Raises StoreError."""
        if self._data is None:
            return
        sha256 = self.subject.assessed.facts.sha256
        kind, extension = THUMBNAIL
        self._parts.blobs.put(sha256, self._data)
        self._parts.blobs.put_derived(kind, sha256, extension, thumbnails.encode(self.subject.working))
        # Features that were not needed here, where nothing lay near, are made when they first are.
        if self.subject.has_keypoints:
            keep_keypoints(sha256, self.subject.keypoints[0], self._parts)
        self._data = None


def _entry(checked: Checked, block: dict[str, Any], wish: Wish, parts: Parts) -> HandIn:
    verdict, facts = checked.verdict, checked.subject.assessed.facts
    best = verdict.matches[0] if verdict.matches else None
    refers_to = _stands_for(checked) if wish.on_duplicate is OnDuplicate.REFERENCE else None
    content_id = refers_to or facts.sha256
    known = refers_to is not None or (best is not None and best.content_id == content_id)
    return HandIn(
        content_id=content_id,
        handed_in_bytes=facts.bytes,
        verdict=verdict.kind.value,
        probability=verdict.probability,
        verdict_block=block,
        relation=best.relation.value if best else None,
        content=None if known else _content(checked.subject),
        vectors=() if known else _vectors(checked.subject, parts),
        matches=() if known else _proved(checked),
        external_id=wish.external_id,
        person_id=wish.person_id,
        metadata=wish.metadata,
    )


def _stands_for(checked: Checked) -> str | None:
    """The stored content that can stand for the query's bytes: the one the keeper would keep in its place, or None.

    A better rendering than any stored one, an edit, or a picture whose keeper is in doubt is never thrown away.
    """
    recommendation = checked.verdict.recommendation
    if recommendation.action is not Action.DELETE:
        return None
    return next(
        (
            match.content_id
            for match in checked.proved
            if match.image_id == recommendation.keeper and match.relation in AS_REFERENCE
        ),
        None,
    )


def _content(subject: Subject) -> Content:
    facts = subject.assessed.facts
    return Content(
        sha256=facts.sha256,
        bytes=facts.bytes,
        format=facts.format,
        width=facts.width,
        height=facts.height,
        pixel_hash=facts.pixel_hash,
        phash=subject.posed_phashes[0],
        normalise_version=facts.normalise_version,
        facts={"animated": facts.animated, "notes": list(facts.notes)},
        quality=asdict(subject.assessed.quality),
        authenticity=asdict(subject.assessed.authenticity),
        too_little_detail=subject.assessed.too_little_detail,
    )


def _vectors(subject: Subject, parts: Parts) -> tuple[NewVector, ...]:
    if subject.assessed.too_little_detail:
        return ()
    return (NewVector(parts.space.space_id, subject.vectors[0].astype(np.float16)),)


def _said_of(match: Match) -> dict[str, Any]:
    """What later weighing asks of a proof beside its evidence."""
    return {"edits": [edit.value for edit in match.edits], "direction": match.direction.value}


def _proved(checked: Checked) -> tuple[ProvedMatch, ...]:
    return tuple(
        ProvedMatch(
            query_content=checked.subject.assessed.facts.sha256,
            reference_content=match.content_id,
            relation=match.relation.value,
            probability=match.probability,
            evidence=match_block(match)["evidence"] | _said_of(match),
            model=checked.model,
            policy=checked.policy,
        )
        for match in checked.proved
    )
