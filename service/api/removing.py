"""`POST /persons/remove-duplicates`, at once or as a job, and once for each idempotency key."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from fastapi.responses import JSONResponse

from service.api.deps import at_work
from service.api.handing_in import APPLIED
from service.api.once import REPLAYED, digest_of, once
from service.api.removal_schemas import question_of
from service.api.shapes import accepted
from service.workflows import person_removal
from service.workflows.criteria import check_criterion
from service.workflows.removal_job import RemovalRequest

if TYPE_CHECKING:
    from fastapi import Request

    from index_store.job_records import IdempotentAnswer
    from service.api.auth import Caller
    from service.api.once import Claim
    from service.api.removal_schemas import RemoveDuplicates
    from service.workflows.parts import Parts


async def remove(
    request: Request, body: RemoveDuplicates, parts: Parts, caller: Caller, *, key: str | None, later: bool
) -> JSONResponse:
    """200 with what was removed, or 202 with the job that will. Raises ProblemError and what `person_removal` raises."""
    asked, question = body.root, question_of(body)

    def removed() -> dict[str, Any]:
        return person_removal.remove(
            question,
            parts,
            backup=asked.create_backup,
            confirm=asked.confirm_token,
            dry_run=asked.dry_run,
            created_by=caller.key_id,
        )

    def queued(claim: Claim | None) -> dict[str, Any]:
        check_criterion(question.matcher, question.parameters, parts.further)
        for person_id in question.person_ids:
            parts.catalogue.persons.get(person_id)
        wanted = RemovalRequest(question, asked.create_backup, asked.confirm_token)
        new = wanted.as_job(caller.key_id)
        told = {"job_id": new.job_id, "removal_id": wanted.removal_id}
        job = parts.jobs.create(new, None if claim is None else claim.answer(202, told))
        return {"job_id": job.job_id, "removal_id": job.request["removal_id"]}

    async def carry_out(claim: Claim | None) -> JSONResponse:
        if later:
            return _accepted(await to_thread.run_sync(queued, claim))
        told = await at_work(request, removed)
        if claim is not None:
            await to_thread.run_sync(parts.answers.finish, claim.answer(200, told))
        return JSONResponse(told)

    async def replay(answer: IdempotentAnswer) -> JSONResponse:
        told = dict(answer.body)
        return _accepted(told, REPLAYED) if later else JSONResponse(told, headers=REPLAYED)

    digest = digest_of("POST /persons/remove-duplicates", body.root.model_dump(mode="json"), later)
    return await once(parts, caller, key, digest, carry_out=carry_out, replay=replay)


def _accepted(told: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    answer = accepted(told["job_id"], headers={**APPLIED, **(headers or {})})
    shown = json.loads(bytes(answer.body)) | {"removal_id": told["removal_id"]}
    return JSONResponse(shown, 202, {"Location": answer.headers["Location"], **APPLIED, **(headers or {})})
