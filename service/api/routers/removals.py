"""What could be removed, what was, and how it comes back or goes for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from index_store.removal_records import RemovalItemState, RemovalState
from service.api.auth import Reader, Writer
from service.api.bodies import read_model
from service.api.deps import PartsOf, SettingsOf, at_work
from service.api.once import REPLAYED, Key, digest_of, once
from service.api.removal_schemas import (
    ApplyRemoval,
    PlannedRemoval,
    PlanRemoval,
    Removal,
    RemovalItemPage,
    RemovalPage,
    question_of,
)
from service.api.removal_shapes import removal_item_of, removal_of
from service.api.responses import AUTH_SLUGS, BODY_SLUGS, KEY_SLUGS, WRITE_SLUGS, json_body, problems
from service.domain.errors import WrongRemovalError
from service.workflows import image_removal, person_removal
from service.workflows.findings import silent
from service.workflows.person_plan import PERSONS

if TYPE_CHECKING:
    from index_store.job_records import IdempotentAnswer
    from index_store.removal_records import RemovalRecord
    from service.api.once import Claim
    from service.workflows.parts import Parts

router = APIRouter(prefix="/removals", tags=["removals"])

RemovalId = Annotated[str, Path(description="A removal id.", max_length=64)]
Cursor = Annotated[str | None, Query(max_length=256, description="`next_cursor` of the page before.")]


@router.get("", response_model=RemovalPage, responses=problems(*AUTH_SLUGS, "invalid-request"))
def list_removals(
    parts: PartsOf,
    _: Reader,
    state: RemovalState | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Removals, newest first."""
    page = parts.catalogue.removals.list(limit, cursor, state=state)
    return {"items": [removal_of(one, parts) for one in page.items], "next_cursor": page.next_cursor}


@router.post(
    "",
    status_code=201,
    response_model=PlannedRemoval,
    responses=problems(*AUTH_SLUGS, *BODY_SLUGS, *KEY_SLUGS, "not-found", *WRITE_SLUGS),
    openapi_extra=json_body(PlanRemoval),
)
async def plan_removal(
    request: Request, parts: PartsOf, settings: SettingsOf, caller: Writer, idempotency_key: Key = None
) -> JSONResponse:
    """Say what could go from persons, decision by decision, and write it down. Touches nothing until it is applied."""
    body = await read_model(request, settings, PlanRemoval)
    question = question_of(body)

    async def carry_out(claim: Claim | None) -> JSONResponse:
        def planned() -> dict[str, Any]:
            record, results = person_removal.plan(
                question, parts, backup=body.root.create_backup, created_by=caller.key_id
            )
            told = removal_of(record, parts) | {"results": results}
            return told if claim is None else dict(parts.answers.finish(claim.answer(201, told)).body)

        return _planned(await at_work(request, planned))

    async def replay(answer: IdempotentAnswer) -> JSONResponse:
        return _planned(dict(answer.body), REPLAYED)

    digest = digest_of("POST /removals", body.root.model_dump(mode="json"))
    return await once(parts, caller, idempotency_key, digest, carry_out=carry_out, replay=replay)


def _planned(told: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(told, 201, {"Location": f"/removals/{told['removal_id']}", **(headers or {})})


@router.get("/{removal_id}", response_model=Removal, responses=problems(*AUTH_SLUGS, "not-found", "invalid-request"))
def get_removal(removal_id: RemovalId, parts: PartsOf, _: Reader) -> dict[str, Any]:
    """How far a removal has come."""
    return removal_of(parts.catalogue.removals.get(removal_id), parts)


@router.get(
    "/{removal_id}/items",
    response_model=RemovalItemPage,
    responses=problems(*AUTH_SLUGS, "not-found", "invalid-request"),
)
def list_removal_items(
    removal_id: RemovalId,
    parts: PartsOf,
    _: Reader,
    state: RemovalItemState | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Every decision of a removal with its reasons, and what became of it."""
    page = parts.catalogue.removals.items(removal_id, limit, cursor, state=state)
    return {"items": [removal_item_of(item) for item in page.items], "next_cursor": page.next_cursor}


@router.post(
    "/{removal_id}/apply",
    response_model=Removal,
    responses=problems(
        *AUTH_SLUGS, *BODY_SLUGS, "not-found", "stale-plan", "confirmation-needed", "wrong-state", *WRITE_SLUGS
    ),
    openapi_extra=json_body(ApplyRemoval),
)
async def apply_removal(
    request: Request, removal_id: RemovalId, parts: PartsOf, settings: SettingsOf, _: Writer
) -> dict[str, Any]:
    """Remove what a plan lets go, if all that it was made from is still so. Cut short, it goes on when asked again."""
    asked = await read_model(request, settings, ApplyRemoval)
    return await at_work(
        request,
        lambda: removal_of(
            person_removal.apply(removal_id, asked.plan_hash, parts, confirm=asked.confirm_token), parts
        ),
    )


@router.post(
    "/{removal_id}/undo",
    response_model=Removal,
    responses=problems(*AUTH_SLUGS, "not-found", "invalid-request", "wrong-state", *WRITE_SLUGS),
)
async def undo_removal(request: Request, removal_id: RemovalId, parts: PartsOf, _: Writer) -> dict[str, Any]:
    """Bring everything back that was removed, as it was. What was cut short is gone on with by asking again."""
    await _refuse_folder(removal_id, parts, "Files of a folder are brought back by `keepone removals undo`.")
    return await at_work(request, lambda: removal_of(person_removal.undo(removal_id, parts), parts))


@router.post(
    "/{removal_id}/purge",
    response_model=Removal,
    responses=problems(*AUTH_SLUGS, "not-found", "invalid-request", "kept-for-now", "wrong-state", *WRITE_SLUGS),
)
async def purge_removal(request: Request, removal_id: RemovalId, parts: PartsOf, _: Writer) -> dict[str, Any]:
    """Let what was removed go for good, thirty days after at the earliest. It cannot be undone."""
    await _refuse_folder(removal_id, parts, "Files of a folder are deleted by `keepone removals purge`.")

    def purged() -> RemovalRecord:
        return image_removal.purge(removal_id, parts.catalogue, parts.blobs, silent)

    return await at_work(request, lambda: removal_of(purged(), parts))


async def _refuse_folder(removal_id: str, parts: Parts, why: str) -> None:
    """Raises WrongRemovalError, NotFoundError."""
    if (await to_thread.run_sync(parts.catalogue.removals.get, removal_id)).kind != PERSONS:
        raise WrongRemovalError(why)
