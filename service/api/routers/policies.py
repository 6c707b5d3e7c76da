"""Policies: what makes one copy better than another, and what another opinion would change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from index_store.entries import cursor_at
from index_store.policy_records import NewPolicy
from service.api.auth import Reader, Writer
from service.api.bodies import read_model
from service.api.deps import PartsOf, SettingsOf, at_work
from service.api.once import REPLAYED, Key, digest_of, once
from service.api.policy_schemas import Difference, PolicyPage, PolicyShown, Simulation
from service.api.problems import ProblemError
from service.api.responses import AUTH_SLUGS, BODY_SLUGS, KEY_SLUGS, WRITE_SLUGS, json_body, problems
from service.policies import PolicyDocument, built_in, policy_of
from service.workflows.policies import difference_block, document_named, simulate

if TYPE_CHECKING:
    from index_store.job_records import IdempotentAnswer
    from index_store.policy_records import PolicyRecord
    from service.api.once import Claim
    from service.workflows.parts import Parts

router = APIRouter(prefix="/policies", tags=["policies"])

Cursor = Annotated[str | None, Query(max_length=256, description="`next_cursor` of the page before.")]


@router.get("", response_model=PolicyPage, responses=problems(*AUTH_SLUGS, "invalid-request"))
def list_policies(
    parts: PartsOf, _: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Policies, newest first; the one that is shipped comes last. One of them is in force."""
    page = parts.catalogue.policies.list(limit, cursor)
    items = [_told(one, parts) for one in page.items]
    if page.next_cursor is not None:
        return {"items": items, "next_cursor": page.next_cursor}
    if len(items) == limit:  # no room for the last one: a cursor after which there is nothing told of
        return {"items": items, "next_cursor": cursor_at(1)}
    return {"items": [*items, _shown(built_in(), parts)], "next_cursor": None}


@router.post(
    "",
    status_code=201,
    response_model=PolicyShown,
    responses=problems(*AUTH_SLUGS, *BODY_SLUGS, *KEY_SLUGS, "wrong-state", *WRITE_SLUGS),
    openapi_extra=json_body(PolicyDocument),
)
async def tell_of_policy(
    request: Request, parts: PartsOf, settings: SettingsOf, caller: Writer, idempotency_key: Key = None
) -> JSONResponse:
    """Tell of a policy. It never changes; it is in force where `KEEPONE_POLICY` names it, from the next start on."""
    document = await read_model(request, settings, PolicyDocument)
    if document.name == built_in().name:
        raise ProblemError(
            "wrong-state", f"There is a policy {document.name} already; another opinion has another name."
        )
    told = document.model_dump(mode="json")
    new = NewPolicy(document.name, told, caller.key_id)

    async def carry_out(claim: Claim | None) -> JSONResponse:
        answer = None if claim is None else claim.answer(201, {"name": document.name})
        made = await at_work(request, lambda: parts.catalogue.policies.create(new, answer))
        return JSONResponse(_told(made, parts), 201)

    async def replay(answer: IdempotentAnswer) -> JSONResponse:
        made = await at_work(request, lambda: parts.catalogue.policies.get(answer.body["name"]))
        return JSONResponse(_told(made, parts), 201, REPLAYED)

    digest = digest_of("POST /policies", told)
    return await once(parts, caller, idempotency_key, digest, carry_out=carry_out, replay=replay)


@router.post(
    "/simulate",
    response_model=Difference,
    responses=problems(*AUTH_SLUGS, *BODY_SLUGS, "not-found", "overloaded"),
    openapi_extra=json_body(Simulation),
)
async def simulate_policy(request: Request, parts: PartsOf, settings: SettingsOf, _: Reader) -> dict[str, Any]:
    """Exactly what would be kept and deleted otherwise, if another policy were in force. Changes nothing."""
    asked = await read_model(request, settings, Simulation)

    def simulated() -> dict[str, Any]:
        tried = asked.policy
        after = policy_of(document_named(tried, parts.catalogue.policies) if isinstance(tried, str) else tried)
        before = parts.policy
        if asked.against is not None:
            before = policy_of(document_named(asked.against, parts.catalogue.policies))
        found = simulate(
            before, after, parts.catalogue, parts.verdict_model, limit=asked.limit, start=asked.cursor or ""
        )
        return difference_block(found, before, after, parts.catalogue.stats().contents, asked.limit)

    return await at_work(request, simulated)


def _told(record: PolicyRecord, parts: Parts) -> dict[str, Any]:
    document = PolicyDocument.model_validate(record.document)
    return _shown(document, parts) | {"built_in": False, "created": record.created, "created_by": record.created_by}


def _shown(document: PolicyDocument, parts: Parts) -> dict[str, Any]:
    return {
        "name": document.name,
        "in_force": parts.policy.name == document.name,
        "built_in": True,
        "created": None,
        "created_by": None,
        "document": document.model_dump(mode="json"),
    }
