"""Many pictures in one request: answered at once with a job that takes them in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from index_store.job_records import NewJob, new_job_id
from service.api.auth import Writer
from service.api.bodies import content_type, read_fields, read_json
from service.api.deps import PartsOf, SettingsOf
from service.api.fields import BatchFields
from service.api.once import Claim, Key, digest_of, once
from service.api.responses import AUTH_SLUGS, batch_body, job_links, problems
from service.api.schemas import Accepted
from service.api.shapes import accepted
from service.api.staging import Staged, dropped_without_job, paths_of, queue_job, stage_batch
from service.workflows.ingest_job import KIND, IngestRequest, import_roots

if TYPE_CHECKING:
    from index_store.job_records import IdempotentAnswer
    from service.workflows.parts import Parts

router = APIRouter(prefix="/images", tags=["images"])

BATCH_SLUGS = (
    "request-timeout",
    "body-too-large",
    "archive-too-large",
    "unsupported-media-type",
    "unsupported-archive",
    "truncated-archive",
    "broken-archive",
    "path-not-allowed",
    "path-not-found",
    "url-not-allowed",
    "invalid-request",
    "idempotency-key-reused",
    "request-in-progress",
    "job-exists",
    "overloaded",
    "storage-full",
)


@router.post(
    "/batch",
    status_code=202,
    response_model=Accepted,
    responses={202: {"links": job_links()}, **problems(*AUTH_SLUGS, *BATCH_SLUGS)},
    openapi_extra=batch_body(*BatchFields.openapi()),
)
async def batch(
    request: Request, parts: PartsOf, settings: SettingsOf, caller: Writer, idempotency_key: Key = None
) -> JSONResponse:
    """Hand in many pictures: files, one ZIP or TAR, or paths below the import roots. `GET /jobs/{id}` tells how it goes."""
    job_id = new_job_id()
    if content_type(request) == "application/json":
        body = await read_json(request, settings)
        staged = Staged("", {name: value for name, value in _members(body).items() if name != "paths"})
        asked = IngestRequest("paths", paths=tuple(paths_of(body)))
    else:
        staged = await stage_batch(request, parts, job_id)
        asked = IngestRequest("archive")
    async with dropped_without_job(parts, job_id):
        return await _queue(parts, caller, idempotency_key, job_id, asked, staged)


async def _queue(
    parts: Parts, caller: Writer, key: str | None, job_id: str, asked: IngestRequest, staged: Staged
) -> JSONResponse:
    full = read_fields(staged.fields, BatchFields).applied_to(asked, parts.settings)
    is_paths = full.source == "paths"
    new = NewJob(KIND, full.as_json(), total=staged.total, created_by=caller.key_id, alone=is_paths, job_id=job_id)

    async def carry_out(claim: Claim | None) -> JSONResponse:
        if is_paths:  # here and not before: what was accepted is answered again, whatever became of the folder
            await to_thread.run_sync(lambda: import_roots(full, parts).check(full.paths))
        answer = None if claim is None else claim.answer(202, {"job_id": job_id})
        return accepted((await queue_job(parts, new, answer)).job_id)

    async def replay(answer: IdempotentAnswer) -> JSONResponse:
        return accepted(answer.body["job_id"], replayed=True)

    digest = digest_of("POST /images/batch", staged.digest, full.as_json())
    return await once(parts, caller, key, digest, carry_out=carry_out, replay=replay)


def _members(body: object) -> dict[str, Any]:
    return body if isinstance(body, dict) else {}
