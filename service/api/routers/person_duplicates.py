"""What persons have twice: removing it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.api import removing
from service.api.auth import Writer
from service.api.bodies import read_model
from service.api.deps import PartsOf, SettingsOf
from service.api.handing_in import Prefer, wants_to_wait_no_longer
from service.api.once import Key
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

router = APIRouter(prefix="/persons", tags=["persons"])

Cursor = Annotated[str | None, Query(max_length=256, description="`next_cursor` of the page before.")]


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
