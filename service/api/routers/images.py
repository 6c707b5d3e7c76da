"""Handing pictures in, and what became of them."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from index_store.errors import NotFoundError
from index_store.job_records import IdempotentAnswer, NewJob
from index_store.records import ImageFilter, Removal
from service.api.auth import Reader, Writer
from service.api.bodies import invalid, read_model, read_picture
from service.api.deps import PartsOf, SettingsOf, at_work
from service.api.fields import HandInFields
from service.api.once import REPLAYED, Claim, Key, digest_of, once
from service.api.problems import ProblemError
from service.api.responses import AUTH_SLUGS, PICTURE_SLUGS, image_links, job_links, json_body, picture_body, problems
from service.api.routers.check import Point, TopK
from service.api.schemas import Accepted, HandedIn, ImageDetail, ImagePage, Moment, Precheck, Prechecked
from service.api.shapes import accepted, detail_of, handed_in, image_of
from service.api.staging import dropped_without_job, queue_job, stage_picture
from service.domain.values import Relation, VerdictKind
from service.workflows.arrival import RefusedDuplicateError, Wish
from service.workflows.ingest import Ingested, ingest, taken_in
from service.workflows.ingest_job import KIND, IngestRequest
from service.workflows.parts import Parts

router = APIRouter(prefix="/images", tags=["images"])

APPLIED = {"Preference-Applied": "respond-async"}
Prefer = Annotated[str | None, Header(description="`respond-async`: answer at once, with a job (RFC 7240).")]
ImageId = Annotated[str, Path(description="An image id.", max_length=64)]


@router.post(
    "",
    status_code=201,
    response_model=HandedIn,
    responses={
        201: {"links": image_links()},
        202: {"model": Accepted, "description": "`Prefer: respond-async` was sent.", "links": job_links()},
        **problems(
            *AUTH_SLUGS,
            *PICTURE_SLUGS,
            "duplicate-refused",
            "idempotency-key-reused",
            "request-in-progress",
            "storage-full",
        ),
    },
    openapi_extra=picture_body(*HandInFields.openapi()),
)
async def hand_in(
    request: Request,
    parts: PartsOf,
    settings: SettingsOf,
    caller: Writer,
    top_k: TopK = 5,
    operating_point: Point = None,
    prefer: Prefer = None,
    idempotency_key: Key = None,
) -> Response:
    """Hand a picture in. `on_duplicate`: `store` it all the same, keep a `reference` to the stored one, or `reject`."""
    form = await read_picture(request, settings)
    try:
        fields = HandInFields.model_validate(form.fields)
    except ValidationError as error:
        raise invalid(error, "body") from error
    point = operating_point or settings.operating_point
    wish = Wish(fields.on_duplicate, fields.external_id, fields.person_id, fields.metadata, point, top_k)
    later = wants_to_wait_no_longer(prefer)

    async def carry_out(claim: Claim | None) -> Response:
        if later:
            return await _queue(form.picture, wish, parts, caller, claim)
        answer = None if claim is None else claim.answer(201)
        done = await at_work(
            request, lambda: ingest(form.picture, wish, parts, wait_s=settings.queue_seconds, answer=answer)
        )
        if isinstance(done, IdempotentAnswer):
            return await replay(done)
        request.app.state.metrics.verdict(done.image.verdict)
        return _taken(request, done)

    async def replay(answer: IdempotentAnswer) -> Response:
        if answer.image_id is None:
            return accepted(answer.body["job_id"], headers=APPLIED, replayed=True)
        return _taken(request, await to_thread.run_sync(taken_in, answer.image_id, parts), REPLAYED)

    digest = digest_of("POST /images", sha256(form.picture).hexdigest(), fields.model_dump(), top_k, point, later)
    try:
        return await once(parts, caller, idempotency_key, digest, carry_out=carry_out, replay=replay)
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


@router.post(
    "/precheck",
    response_model=Prechecked,
    responses=problems(*AUTH_SLUGS, "body-too-large", "unsupported-media-type", "invalid-request", "request-timeout"),
    openapi_extra=json_body(Precheck),
)
async def precheck(request: Request, parts: PartsOf, settings: SettingsOf, _: Reader) -> dict[str, Any]:
    """Which of these SHA-256 hashes are bytes we have? Ask before sending them."""
    asked = await read_model(request, settings, Precheck)
    known = await at_work(request, lambda: parts.catalogue.known(asked.sha256))
    return {"results": [{"sha256": sha256, "known": sha256 in known} for sha256 in asked.sha256]}


@router.get("", response_model=ImagePage, responses=problems(*AUTH_SLUGS, "invalid-request"))
def list_images(
    parts: PartsOf,
    _: Reader,
    verdict: VerdictKind | None = None,
    relation: Relation | None = None,
    person_id: Annotated[str | None, Query(max_length=512)] = None,
    external_id: Annotated[str | None, Query(max_length=4096)] = None,
    min_risk: Annotated[float | None, Query(ge=0, le=1)] = None,
    max_quality: Annotated[float | None, Query(ge=0, le=1)] = None,
    since: Annotated[Moment | None, Query(description="RFC 3339; without an offset: UTC.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=256, description="`next_cursor` of the page before.")] = None,
) -> dict[str, Any]:
    """Active images, newest first. A verdict or relation is the one an image had when it came in."""
    where = ImageFilter(
        verdict=verdict.value if verdict else None,
        relation=relation.value if relation else None,
        person_id=person_id,
        external_id=external_id,
        min_risk=min_risk,
        max_quality=max_quality,
        since=since,
    )
    page = parts.catalogue.images(where, limit, cursor)
    return {"items": [image_of(image) for image in page.items], "next_cursor": page.next_cursor}


@router.get("/{image_id}", response_model=ImageDetail, responses=problems(*AUTH_SLUGS, "not-found", "invalid-request"))
def get_image(image_id: ImageId, parts: PartsOf, _: Reader) -> dict[str, Any]:
    """One image, removed ones too, with its verdict as it stood when committed."""
    image = parts.catalogue.image(image_id)
    return detail_of(image, parts.catalogue.contents([image.content_id])[image.content_id])


def wants_to_wait_no_longer(prefer: str | None) -> bool:
    """Whether the client asked for `respond-async`."""
    asked = [preference.partition(";")[0].strip().lower() for preference in (prefer or "").split(",")]
    return "respond-async" in asked


@router.delete(
    "/{image_id}",
    status_code=204,
    responses=problems(*AUTH_SLUGS, "not-found", "invalid-request", "overloaded", "storage-full"),
)
def remove_image(image_id: ImageId, parts: PartsOf, _: Writer) -> Response:
    """Remove an image: it is found no more. Its file stays until a purge."""
    if parts.catalogue.image(image_id).state != "active":
        raise NotFoundError
    parts.catalogue.append(Removal(image_id), searched_to=0)
    return Response(status_code=204)
