"""Removing duplicates from persons."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from service.api.auth import Writer
from service.api.bodies import read_model
from service.api.deps import PartsOf, SettingsOf, at_work
from service.api.removal_schemas import RemovedDuplicates, RemoveDuplicates
from service.api.responses import AUTH_SLUGS, json_body, problems
from service.workflows import person_removal
from service.workflows.person_plan import PersonQuestion

router = APIRouter(prefix="/persons", tags=["persons"])


@router.post(
    "/remove-duplicates",
    response_model=RemovedDuplicates,
    responses=problems(
        *AUTH_SLUGS,
        "body-too-large",
        "unsupported-media-type",
        "invalid-request",
        "request-timeout",
        "not-found",
        "confirmation-needed",
        "wrong-state",
        "overloaded",
        "storage-full",
    ),
    openapi_extra=json_body(RemoveDuplicates),
)
async def remove_duplicates(request: Request, parts: PartsOf, settings: SettingsOf, caller: Writer) -> dict[str, Any]:
    """Keep the best of each set of images of one person that agree by the matcher, and remove the others.

    Nothing is removed for anybody if a person is unknown, or before the backup lies on disk. Undo with
    `POST /removals/{removal_id}/undo`.
    """
    body = await read_model(request, settings, RemoveDuplicates)
    asked = body.root
    question = PersonQuestion(tuple(asked.person_ids), asked.matcher, body.parameters(), asked.keep)
    return await at_work(
        request,
        lambda: person_removal.remove(
            question,
            parts,
            backup=asked.create_backup,
            confirm=asked.confirm_token,
            dry_run=asked.dry_run,
            created_by=caller.key_id,
        ),
    )
