"""What persons have twice: removing it from one of them, and reporting what several have."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from service.api import removing
from service.api.auth import Reader, Writer
from service.api.bodies import read_model
from service.api.deps import PartsOf, SettingsOf
from service.api.handing_in import Prefer, wants_to_wait_no_longer
from service.api.once import Key
from service.api.person_schemas import ConflictPage
from service.api.removal_schemas import AcceptedRemoval, RemovedDuplicates, RemoveDuplicates
from service.api.responses import (
    AUTH_SLUGS,
    BODY_SLUGS,
    KEY_SLUGS,
    WRITE_SLUGS,
    job_links,
    json_body,
    problems,
)
from service.api.shapes import conflict_of

router = APIRouter(prefix="/persons", tags=["persons"])

Cursor = Annotated[str | None, Query(max_length=256, description="`next_cursor` of the page before.")]


@router.get("/conflicts", response_model=ConflictPage, responses=problems(*AUTH_SLUGS, "invalid-request"))
def list_conflicts(
    parts: PartsOf, _: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """One picture under two persons: the same bytes, the same pixels, or copies as they were proved when handed in.

    Reported, and never removed by itself. Pairs come in the order of their content ids.
    """
    least = parts.verdict_model.operating_points[parts.settings.operating_point]
    page = parts.catalogue.persons.conflicts(limit, cursor, least=least)
    return {"items": [conflict_of(one) for one in page.items], "next_cursor": page.next_cursor}


@router.post(
    "/remove-duplicates",
    response_model=RemovedDuplicates,
    responses={
        202: {"model": AcceptedRemoval, "description": "`Prefer: respond-async` was sent.", "links": job_links()},
        **problems(
            *AUTH_SLUGS, *BODY_SLUGS, *KEY_SLUGS, "not-found", "confirmation-needed", "wrong-state", *WRITE_SLUGS
        ),
    },
    openapi_extra=json_body(RemoveDuplicates),
)
async def remove_duplicates(
    request: Request,
    parts: PartsOf,
    settings: SettingsOf,
    caller: Writer,
    prefer: Prefer = None,
    idempotency_key: Key = None,
) -> Response:
    """Keep the best of each set of images of one person that agree by the matcher, and remove the others.

    Nothing is removed for anybody if a person is unknown, or before the backup lies on disk. Undo with
    `POST /removals/{removal_id}/undo`. A dry run is answered at once, whatever is preferred.
    """
    body = await read_model(request, settings, RemoveDuplicates)
    later = wants_to_wait_no_longer(prefer) and not body.root.dry_run
    return await removing.remove(request, body, parts, caller, key=idempotency_key, later=later)
