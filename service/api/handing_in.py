"""One picture handed in, whichever route it came by: at once or as a job, and once for each idempotency key."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated

from anyio import to_thread
from fastapi import Header
from fastapi.responses import JSONResponse

from index_store.job_records import IdempotentAnswer, NewJob
from service.api.deps import at_work
from service.api.once import REPLAYED, digest_of, once
from service.api.problems import ProblemError
from service.api.responses import AUTH_SLUGS, PICTURE_SLUGS, image_links, job_links, problems
from service.api.schemas import Accepted, HandedIn
from service.api.shapes import accepted, handed_in
from service.api.staging import dropped_without_job, queue_job, stage_picture
from service.workflows.arrival import RefusedDuplicateError
from service.workflows.ingest import ingest, taken_in
from service.workflows.ingest_job import KIND, IngestRequest

if TYPE_CHECKING:
    from typing import Any

    from fastapi import Request, Response

    from service.api.auth import Writer
    from service.api.once import Claim, Key
    from service.workflows.arrival import Wish
    from service.workflows.ingest import Ingested
    from service.workflows.parts import Parts

APPLIED = {"Preference-Applied": "respond-async"}
Prefer = Annotated[str | None, Header(description="`respond-async`: answer at once, with a job (RFC 7240).")]


def responses_of(*slugs: str) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that takes a picture in."""
    return {
        201: {"model": HandedIn, "links": image_links()},
        202: {"model": Accepted, "description": "`Prefer: respond-async` was sent.", "links": job_links()},
        **problems(
            *AUTH_SLUGS, *PICTURE_SLUGS, "idempotency-key-reused", "request-in-progress", "storage-full", *slugs
        ),
    }


def wants_to_wait_no_longer(prefer: str | None) -> bool:
    """Whether the client asked for `respond-async`."""
    asked = [preference.partition(";")[0].strip().lower() for preference in (prefer or "").split(",")]
    return "respond-async" in asked


async def hand_in(
    request: Request,
    picture: bytes,
    wish: Wish,
    parts: Parts,
    caller: Writer,
    *,
    prefer: str | None,
    key: Key,
    person_is_known: bool = False,
) -> Response:
    """201 with the image, or 202 with the job that will make it. Raises ProblemError and what `ingest` raises.

    `person_is_known`: the person must be, or NotFoundError is raised; what was answered already is answered again.
    """
    later = wants_to_wait_no_longer(prefer)

    async def carry_out(claim: Claim | None) -> Response:
        if person_is_known and wish.person_id is not None:
            await to_thread.run_sync(parts.catalogue.persons.get, wish.person_id)
        if later:
            return await _queue(picture, wish, parts, caller, claim)
        answer = None if claim is None else claim.answer(201)
        wait_s = parts.settings.queue_seconds
        done = await at_work(request, lambda: ingest(picture, wish, parts, wait_s=wait_s, answer=answer))
        if isinstance(done, IdempotentAnswer):
            return await replay(done)
        request.app.state.metrics.verdict(done.image.verdict)
        return _taken(request, done)

    async def replay(answer: IdempotentAnswer) -> Response:
        if answer.image_id is None:
            return accepted(answer.body["job_id"], headers=APPLIED, replayed=True)
        return _taken(request, await to_thread.run_sync(taken_in, answer.image_id, parts), REPLAYED)

    digest = digest_of(f"POST {request.url.path}", sha256(picture).hexdigest(), asdict(wish), later)
    try:
        return await once(parts, caller, key, digest, carry_out=carry_out, replay=replay)
    except RefusedDuplicateError as error:
        raise ProblemError("duplicate-refused", str(error), verdict=error.block) from error


def _taken(request: Request, done: Ingested, headers: dict[str, str] | None = None) -> Response:
    request.state.verdict = done.image.verdict
    request.state.image_id = done.image.image_id
    return JSONResponse(handed_in(done), 201, headers)


async def _queue(picture: bytes, wish: Wish, parts: Parts, caller: Writer, claim: Claim | None) -> Response:
    """The picture as a job of one item."""
    asked = IngestRequest("picture", wish.on_duplicate, wish.point, wish.external_id, wish.person_id, wish.metadata)
    new = NewJob(KIND, asked.as_json(), total=1, created_by=caller.key_id)
    await stage_picture(picture, parts, new.job_id)
    answer = None if claim is None else claim.answer(202, {"job_id": new.job_id})
    async with dropped_without_job(parts, new.job_id):
        job = await queue_job(parts, new, answer)
    return accepted(job.job_id, headers=APPLIED)
