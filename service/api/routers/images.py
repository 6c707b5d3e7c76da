"""Handing pictures in, and what became of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from index_store.errors import NotFoundError
from index_store.records import ImageFilter, Removal
from service.api.auth import Reader, Writer
from service.api.bodies import read_fields, read_model, read_picture
from service.api.deps import PartsOf, SettingsOf, at_work
from service.api.fields import HandInFields
from service.api.handing_in import Prefer, hand_in, responses_of
from service.api.once import Key
from service.api.responses import AUTH_SLUGS, json_body, picture_body, problems
from service.api.routers.check import Point, TopK
from service.api.schemas import HandedIn, ImageDetail, ImagePage, Moment, Precheck, Prechecked
from service.api.shapes import detail_of, image_of
from service.domain.values import Relation, VerdictKind
from service.workflows.arrival import Wish

router = APIRouter(prefix="/images", tags=["images"])

ImageId = Annotated[str, Path(description="An image id.", max_length=64)]


@router.post(
    "",
    status_code=201,
    response_model=HandedIn,
    responses=responses_of("duplicate-refused"),
    openapi_extra=picture_body(*HandInFields.openapi()),
)
async def hand_in_picture(
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
    fields = read_fields(form.fields, HandInFields)
    point = operating_point or settings.operating_point
    wish = Wish(fields.on_duplicate, fields.external_id, fields.person_id, fields.metadata, point, top_k)
    return await hand_in(request, form.picture, wish, parts, caller, prefer=prefer, key=idempotency_key)


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


@router.delete(
    "/{image_id}",
    status_code=204,
    responses=problems(*AUTH_SLUGS, "not-found", "invalid-request", "overloaded", "storage-full"),
)
def remove_image(image_id: ImageId, parts: PartsOf, _: Writer) -> Response:
    """Remove an image: it is found no more. Its file stays until a purge."""
    if parts.catalogue.image(image_id).state != "active":
        raise NotFoundError(f"there is no image {image_id}")
    parts.catalogue.append(Removal(image_id), searched_to=0)
    return Response(status_code=204)
