"""Taking a picture in: judged, then committed without a race.

The verdict is reached outside every lock, from an index read up to a sequence. The catalogue takes the picture only if
nothing became findable since; otherwise the newcomers alone are compared and the commit is tried again. So of many
encodings of one picture handed in at once exactly one is `unique`, and the catalogue never judges pictures.

The blob is on disk before the row that names it: an orphan blob is harmless, a missing one impossible.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from index_store.records import Content, HandIn, Image, NewVector, ProvedMatch, Stale
from service.domain.errors import DuplicateRefusedError, OverloadedError
from service.domain.values import Action, Relation, VerdictKind
from service.pictures import thumbnails
from service.workflows.block import match_block, verdict_block
from service.workflows.check import Inquiry
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import study
from service.workflows.verify import THUMBNAIL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.domain.values import OperatingPoint
    from service.workflows.check import Checked
    from service.workflows.parts import Parts
    from service.workflows.study import Subject

MOST_ROUNDS = 100
"""Each stale round means that somebody else's commit went through, so the queue moves; this many is a traffic jam."""

POLICY = "keeper-1"

AS_REFERENCE = (Relation.IDENTICAL, Relation.SAME_PIXELS, Relation.REENCODED)
"""Relations in which a reference loses nothing a person would miss."""


class OnDuplicate(StrEnum):
    STORE = "store"
    REFERENCE = "reference"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Wish:
    """What the client wants with its picture."""

    on_duplicate: OnDuplicate = OnDuplicate.STORE
    external_id: str | None = None
    person_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ingested:
    image: Image
    references: int
    block: dict[str, Any]


class RefusedDuplicateError(DuplicateRefusedError):
    """The picture is a duplicate, and the request asked to refuse those."""

    def __init__(self, block: dict[str, Any]) -> None:
        super().__init__()
        self.block = block


def ingest(
    data: bytes, wish: Wish, parts: Parts, *, top_k: int, point: OperatingPoint, wait_s: float | None = None
) -> Ingested:
    """Take a picture in.

    Raises BadPictureError, OverloadedError, RefusedDuplicateError (with the verdict; nothing was kept) or StoreError.
    """
    watch = Stopwatch()
    subject = study(data, parts, watch, wait_s=wait_s)
    inquiry = Inquiry(subject, parts, watch)
    inquiry.search()
    files_kept = False
    for _ in range(MOST_ROUNDS):
        if not files_kept and _plan(inquiry, wish, parts, top_k, point).content is not None:
            _keep_files(data, subject, parts)
            files_kept = True
        # Threads of this process take turns, so that only other processes can make a commit stale.
        with parts.committing:
            inquiry.search()
            entry = _plan(inquiry, wish, parts, top_k, point)
            if entry.content is not None and not files_kept:
                continue
            committed = parts.catalogue.append(entry, searched_to=inquiry.searched_to)
        if not isinstance(committed, Stale):
            return Ingested(committed.image, _references(committed.image, parts), dict(entry.verdict_block))
    raise OverloadedError("Too many pictures are being committed at this moment.")


def _references(image: Image, parts: Parts) -> int:
    """Active images of the image's content, itself included."""
    if image.outcome == "stored":
        return 1
    return parts.catalogue.contents([image.content_id])[image.content_id].references


def _plan(inquiry: Inquiry, wish: Wish, parts: Parts, top_k: int, point: OperatingPoint) -> HandIn:
    """What to commit by what is known so far. Raises RefusedDuplicateError."""
    checked = inquiry.conclude(top_k, point)
    block = verdict_block(checked)
    # Bytes that are here already cost nothing to keep: they are referenced whatever was wished.
    best = checked.verdict.matches[0] if checked.verdict.kind is VerdictKind.DUPLICATE else None
    if wish.on_duplicate is OnDuplicate.REJECT and best is not None and best.relation is not Relation.IDENTICAL:
        raise RefusedDuplicateError(block)
    return _entry(checked, block, wish, parts)


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
        matches=() if known else _proved(checked, parts),
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
    return (NewVector(parts.space.space_id, subject.posed_vectors[0].astype(np.float16)),)


def _proved(checked: Checked, parts: Parts) -> tuple[ProvedMatch, ...]:
    return tuple(
        ProvedMatch(
            query_content=checked.subject.assessed.facts.sha256,
            reference_content=match.content_id,
            relation=match.relation.value,
            probability=match.probability,
            evidence=match_block(match)["evidence"],
            model=f"{checked.model_id}+{parts.verdict_model.name}",
            policy=POLICY,
        )
        for match in checked.proved
    )


def _keep_files(data: bytes, subject: Subject, parts: Parts) -> None:
    sha256 = subject.assessed.facts.sha256
    kind, extension = THUMBNAIL
    parts.blobs.put(sha256, data)
    parts.blobs.put_derived(kind, sha256, extension, thumbnails.encode(subject.working))
