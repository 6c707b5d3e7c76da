"""Taking one picture in: judged, then committed without a race.

The verdict is reached outside every lock, from an index read up to a sequence. The catalogue takes the picture only if
nothing became findable since; otherwise the newcomers alone are compared and the commit is tried again. So of many
encodings of one picture handed in at once exactly one is `unique`, and the catalogue never judges pictures.

The blob is on disk before the row that names it: an orphan blob is harmless, a missing one impossible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from index_store.errors import StoreError
from index_store.failpoints import reached
from index_store.group_records import AlreadyDone, GroupItem
from index_store.job_records import IdempotentAnswer
from index_store.records import Image, Stale
from service import log
from service.domain.errors import OverloadedError
from service.workflows.arrival import Arrival, Wish
from service.workflows.spaces import description_of

if TYPE_CHECKING:
    from service.workflows.parts import Parts

MOST_ROUNDS = 100
"""Each stale round means that somebody else's commit went through, so the queue moves; this many is a traffic jam."""


@dataclass(frozen=True, slots=True)
class Ingested:
    image: Image
    references: int
    block: dict[str, Any]


def ingest(
    data: bytes,
    wish: Wish,
    parts: Parts,
    *,
    wait_s: float | None = None,
    answer: IdempotentAnswer | None = None,
) -> Ingested | IdempotentAnswer:
    """Take a picture in, and commit the answer to the request's key with it; or return the answer it had before.

    Raises BadPictureError, OverloadedError, RefusedDuplicateError (with the verdict; nothing was kept) or StoreError.
    """
    parts.room.require()
    also = () if answer is None else (answer,)
    arrival = Arrival(data, wish, parts, wait_s=wait_s)
    for _ in range(MOST_ROUNDS):
        if not arrival.has_files_for(arrival.plan()):
            arrival.keep_files()
            reached("ingest.files-kept")
        # Threads of this process take turns, so that only other processes can make a commit stale.
        with parts.committing:
            arrival.search_again()
            entry = arrival.plan()
            if not arrival.has_files_for(entry):
                continue
            [committed] = parts.catalogue.append_many((GroupItem(entry, arrival.searched_to, also=also),))
        if isinstance(committed, StoreError):
            raise committed
        if isinstance(committed, AlreadyDone):
            return _earlier(committed)
        if not isinstance(committed, Stale):
            reached("ingest.committed")
            _describe(arrival, committed.image, parts)
            return Ingested(committed.image, _references(committed.image, parts), dict(entry.verdict_block))
    raise OverloadedError("Too many pictures are being committed at this moment.")


def _describe(arrival: Arrival, image: Image, parts: Parts) -> None:
    """Keep what further spaces have of the picture, unless its bytes were not kept. Who dies before leaves it missing
    there, as does a model or a store that fails now: it is filled from the original.
    """
    subject = arrival.subject
    if subject.assessed.too_little_detail or image.content_id != subject.assessed.facts.sha256:
        return
    new = [
        description_of(image.content_id, one.space, told)
        for one in parts.spaces
        if (told := subject.described.get(one.name)) is not None
    ]
    if new:
        try:
            parts.catalogue.descriptions.add(new)
        except StoreError as error:
            log.event("a picture is to be described later", image_id=image.image_id, error=error)


def taken_in(image_id: str, parts: Parts) -> Ingested:
    """What `ingest` returned when it made this image."""
    image = parts.catalogue.image(image_id)
    return Ingested(image, _references(image, parts), dict(image.verdict_block))


def _earlier(done: AlreadyDone) -> IdempotentAnswer:
    if not isinstance(done.earlier, IdempotentAnswer):  # nothing else was to be committed with the picture
        raise TypeError
    return done.earlier


def _references(image: Image, parts: Parts) -> int:
    """Active images of the image's content when it came, itself included: of many at once each is told another number."""
    if image.outcome == "stored":
        return 1
    return parts.catalogue.references_at(image.content_id, image.sequence)
