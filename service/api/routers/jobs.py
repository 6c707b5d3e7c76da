"""How background work goes: jobs, their items, and a stream of events for whoever waits."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse

from index_store.job_records import FINISHED, ItemState, JobState
from service.api.auth import Reader, Writer
from service.api.deps import PartsOf
from service.api.responses import AUTH_SLUGS, problems
from service.api.schemas import Job, JobItemPage, JobPage
from service.api.shapes import item_of, job_of
from service.domain.errors import OverloadedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from service.workflows.parts import Parts

router = APIRouter(prefix="/jobs", tags=["jobs"])

JobId = Annotated[str, Path(description="A job id.", max_length=64)]
Cursor = Annotated[str | None, Query(max_length=256, description="`next_cursor` of the page before.")]

TICK_SECONDS = 0.5
QUIET_SECONDS = 15.0
"""A stream says something at least so often, or proxies take it for dead."""
MOST_STREAMS = 64
EVENT = {
    "type": "object",
    "description": "One event of the stream.",
    "required": ["event", "data"],
    "properties": {
        "event": {"type": "string", "enum": ["progress", "end"]},
        "data": {"type": "string", "description": "The job, as JSON."},
    },
}


@router.get("", response_model=JobPage, responses=problems(*AUTH_SLUGS, "invalid-request"))
def list_jobs(
    parts: PartsOf,
    _: Reader,
    state: JobState | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Jobs, newest first."""
    page = parts.jobs.list(limit, cursor, state=state)
    return {"items": [job_of(job, parts) for job in page.items], "next_cursor": page.next_cursor}


@router.get("/{job_id}", response_model=Job, responses=problems(*AUTH_SLUGS, "not-found", "invalid-request"))
def get_job(job_id: JobId, parts: PartsOf, _: Reader) -> dict[str, Any]:
    """One job: its state, how far it is, and how many items had which outcome."""
    return job_of(parts.jobs.get(job_id), parts)


@router.get(
    "/{job_id}/items", response_model=JobItemPage, responses=problems(*AUTH_SLUGS, "not-found", "invalid-request")
)
def list_items(
    job_id: JobId,
    parts: PartsOf,
    _: Reader,
    state: ItemState | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """What became of each item, in the order they came."""
    page = parts.jobs.items(job_id, limit, cursor, state=state)
    return {"items": [item_of(item) for item in page.items], "next_cursor": page.next_cursor}


@router.get(
    "/{job_id}/events",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {"schema": EVENT}}},
        **problems(*AUTH_SLUGS, "not-found", "invalid-request", "overloaded"),
    },
)
async def job_events(job_id: JobId, request: Request, parts: PartsOf, _: Reader) -> StreamingResponse:
    """Server-sent events: `progress` with the job whenever something changed, and `end` when it has ended."""
    await to_thread.run_sync(parts.jobs.get, job_id)
    if request.app.state.streams >= MOST_STREAMS:
        raise OverloadedError("Too many clients follow jobs at this moment.")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(job_id, request, parts), media_type="text/event-stream", headers=headers)


async def _events(job_id: str, request: Request, parts: Parts) -> AsyncIterator[str]:
    state = request.app.state
    state.streams += 1
    try:
        told, quiet = "", 0.0
        while not state.stopping.is_set():
            job = await to_thread.run_sync(lambda: job_of(parts.jobs.get(job_id), parts))
            text = json.dumps(job)
            ended = job["state"] in FINISHED
            if text != told:
                told, quiet = text, 0.0
                yield f"event: progress\ndata: {text}\n\n"
            elif quiet >= QUIET_SECONDS:
                quiet = 0.0
                yield ": still here\n\n"
            if ended:
                yield f"event: end\ndata: {text}\n\n"
                return
            await asyncio.sleep(TICK_SECONDS)
            quiet += TICK_SECONDS
    finally:
        state.streams -= 1


@router.post(
    "/{job_id}/cancel",
    response_model=Job,
    responses=problems(*AUTH_SLUGS, "not-found", "invalid-request", "overloaded", "storage-full"),
)
def cancel_job(job_id: JobId, parts: PartsOf, _: Writer) -> dict[str, Any]:
    """Ask a job to stop. It keeps what is done; one that has ended stays as it is."""
    return job_of(parts.jobs.request_cancel(job_id), parts)


@router.post(
    "/{job_id}/resume",
    response_model=Job,
    responses=problems(*AUTH_SLUGS, "not-found", "invalid-request", "wrong-state", "overloaded", "storage-full"),
)
def resume_job(job_id: JobId, parts: PartsOf, _: Writer) -> dict[str, Any]:
    """Queue a job that failed or was cancelled again. It goes on with the items that have no outcome."""
    return job_of(parts.jobs.set_state(job_id, "queued"), parts)
