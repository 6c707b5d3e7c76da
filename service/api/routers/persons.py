"""Persons: whom images belong to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import JSONResponse

from index_store import person_records
from index_store.entries import PERSON_CHARACTERS
from index_store.ids import now
from index_store.records import ImageFilter
from service.api.auth import Reader, Writer
from service.api.bodies import read_fields, read_model, read_picture
from service.api.deps import PartsOf, SettingsOf, at_work
from service.api.fields import PersonPictureFields, can_be_shown
from service.api.handing_in import Prefer, hand_in, responses_of
from service.api.once import REPLAYED, Key, digest_of, once
from service.api.person_schemas import NewPerson, Person, PersonChanges, PersonPage
from service.api.problems import ProblemError
from service.api.responses import (
    AUTH_SLUGS,
    BODY_SLUGS,
    KEY_SLUGS,
    WRITE_SLUGS,
    json_body,
    picture_body,
    problems,
)
from service.api.routers.check import Point, TopK
from service.api.schemas import HandedIn, ImagePage
from service.api.shapes import image_of, person_of
from service.domain.merging import merged
from service.workflows.arrival import Wish

if TYPE_CHECKING:
    from index_store.job_records import IdempotentAnswer
    from service.api.once import Claim

router = APIRouter(prefix="/persons", tags=["persons"])

PersonId = Annotated[str, Path(description="A person's id.", max_length=PERSON_CHARACTERS)]
Cursor = Annotated[str | None, Query(max_length=256, description="`next_cursor` of the page before.")]


@router.get("", response_model=PersonPage, responses=problems(*AUTH_SLUGS, "invalid-request"))
def list_persons(
    parts: PartsOf, _: Reader, limit: Annotated[int, Query(ge=1, le=500)] = 50, cursor: Cursor = None
) -> dict[str, Any]:
    """Persons; those that became known last come first."""
    page = parts.catalogue.persons.list(limit, cursor)
    return {"items": [person_of(one) for one in page.items], "next_cursor": page.next_cursor}


@router.post(
    "",
    status_code=201,
    response_model=Person,
    responses=problems(*AUTH_SLUGS, *BODY_SLUGS, *KEY_SLUGS, "wrong-state", *WRITE_SLUGS),
    openapi_extra=json_body(NewPerson),
)
async def tell_of_person(
    request: Request, parts: PartsOf, settings: SettingsOf, caller: Writer, idempotency_key: Key = None
) -> Response:
    """Tell of a person. Not needed before pictures are handed in: whoever has an image is known."""
    told = (await read_model(request, settings, NewPerson)).model_dump(exclude_none=True)
    new = person_records.NewPerson(**told)

    async def carry_out(claim: Claim | None) -> Response:
        if claim is None:
            return _made(person_of(await at_work(request, lambda: parts.catalogue.persons.create(new))))
        shown = person_of(person_records.first_told(new, 0, now()))
        await at_work(request, lambda: parts.catalogue.persons.create(new, claim.answer(201, shown)))
        return _made(shown)

    async def replay(answer: IdempotentAnswer) -> Response:
        return _made(dict(answer.body), REPLAYED)

    return await once(
        parts, caller, idempotency_key, digest_of("POST /persons", told), carry_out=carry_out, replay=replay
    )


def _made(shown: dict[str, Any], headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(shown, 201, {"Location": shown["links"]["self"], **(headers or {})})


@router.get("/{person_id}", response_model=Person, responses=problems(*AUTH_SLUGS, "not-found", "invalid-request"))
def get_person(person_id: PersonId, parts: PartsOf, _: Reader) -> dict[str, Any]:
    """One person, with how many images it has."""
    return person_of(parts.catalogue.persons.get(person_id))


@router.patch(
    "/{person_id}",
    response_model=Person,
    responses=problems(*AUTH_SLUGS, *BODY_SLUGS, "not-found", *WRITE_SLUGS),
    openapi_extra=json_body(PersonChanges),
)
async def change_person(
    request: Request, person_id: PersonId, parts: PartsOf, settings: SettingsOf, _: Writer
) -> dict[str, Any]:
    """Another name, or metadata merged into what there is (RFC 7396)."""
    changes = await read_model(request, settings, PersonChanges)

    def changed(old: person_records.Person) -> person_records.Person:
        name = changes.name if "name" in changes.model_fields_set else old.name
        return replace(old, name=name, metadata=_shown(merged(old.metadata, changes.metadata)))

    return person_of(await at_work(request, lambda: parts.catalogue.persons.change(person_id, changed)))


def _shown(metadata: dict[str, Any]) -> dict[str, Any]:
    try:
        return can_be_shown(metadata)
    except ValueError as error:
        raise ProblemError("invalid-request", f"The merged metadata {error}.") from error


@router.delete(
    "/{person_id}",
    status_code=204,
    responses=problems(*AUTH_SLUGS, "not-found", "invalid-request", "wrong-state", *WRITE_SLUGS),
)
async def forget_person(request: Request, person_id: PersonId, parts: PartsOf, _: Writer) -> Response:
    """Forget a person that has no active image. Whose image comes back by an undo is known again."""
    await at_work(request, lambda: parts.catalogue.persons.remove(person_id))
    return Response(status_code=204)


@router.get(
    "/{person_id}/images", response_model=ImagePage, responses=problems(*AUTH_SLUGS, "not-found", "invalid-request")
)
def list_images_of_person(
    person_id: PersonId,
    parts: PartsOf,
    _: Reader,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """Active images of a person, newest first."""
    parts.catalogue.persons.get(person_id)
    page = parts.catalogue.images(ImageFilter(person_id=person_id), limit, cursor)
    return {"items": [image_of(image) for image in page.items], "next_cursor": page.next_cursor}


@router.post(
    "/{person_id}/images",
    status_code=201,
    response_model=HandedIn,
    responses=responses_of("not-found"),
    openapi_extra=picture_body(*PersonPictureFields.openapi()),
)
async def hand_in_for_person(
    request: Request,
    person_id: PersonId,
    parts: PartsOf,
    settings: SettingsOf,
    caller: Writer,
    top_k: TopK = 5,
    operating_point: Point = None,
    prefer: Prefer = None,
    idempotency_key: Key = None,
) -> Response:
    """Hand in a picture of a person that is known. It is an image of its own, whatever it is a copy of."""
    form = await read_picture(request, settings)
    fields = read_fields(form.fields, PersonPictureFields)
    wish = Wish(
        external_id=fields.external_id,
        person_id=person_id,
        metadata=fields.metadata,
        point=operating_point or settings.operating_point,
        top_k=top_k,
    )
    return await hand_in(
        request, form.picture, wish, parts, caller, prefer=prefer, key=idempotency_key, person_is_known=True
    )
