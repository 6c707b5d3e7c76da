"""Whose face is in a picture. Nothing is stored."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from service.api.auth import Reader
from service.api.bodies import read_picture
from service.api.deps import PartsOf, SettingsOf, at_work
from service.api.face_schemas import Identification, Verification
from service.api.responses import AUTH_SLUGS, PICTURE_SLUGS, picture_body, problems
from service.api.routers.persons import PersonId
from service.domain.likeness import Distance
from service.workflows.face_blocks import identification_block, verification_block
from service.workflows.person_faces import FARTHEST, identify, verify, yardstick

router = APIRouter(prefix="/persons", tags=["persons"])

Space = Annotated[
    str | None, Query(max_length=100, description="Space of faces, e.g. `deepface:Dlib`; not given: the first.")
]
Metric = Annotated[Distance | None, Query(description="Not given: the one that the model's makers name first.")]
Threshold = Annotated[
    float | None,
    Query(
        ge=0,
        le=FARTHEST,
        description="Largest distance of one person's, 2 at the most but for `euclidean`; not given: the makers' own.",
    ),
]
_SLUGS = (*AUTH_SLUGS, *PICTURE_SLUGS, "no-face", "no-face-space")


@router.post("/identify", response_model=Identification, responses=problems(*_SLUGS), openapi_extra=picture_body())
async def identify_persons(
    request: Request,
    parts: PartsOf,
    settings: SettingsOf,
    _: Reader,
    top_k: Annotated[int, Query(ge=1, le=100, description="Persons listed for each face, at the most.")] = 5,
    space: Space = None,
    metric: Metric = None,
    threshold: Threshold = None,
) -> dict[str, Any]:
    """The persons whose faces lie nearest to each face of a picture. Stores nothing."""
    by = yardstick(parts, space, metric, threshold)
    form = await read_picture(request, settings)
    told = await at_work(request, lambda: identify(form.picture, by, parts, most=top_k, wait_s=settings.queue_seconds))
    return identification_block(told)


@router.post(
    "/{person_id}/verify",
    response_model=Verification,
    responses=problems(*_SLUGS, "not-found"),
    openapi_extra=picture_body(),
)
async def verify_person(
    request: Request,
    person_id: PersonId,
    parts: PartsOf,
    settings: SettingsOf,
    _: Reader,
    space: Space = None,
    metric: Metric = None,
    threshold: Threshold = None,
) -> dict[str, Any]:
    """Whether a face of a picture is a person's, by the nearest of that person's faces. Stores nothing."""
    by = yardstick(parts, space, metric, threshold)
    form = await read_picture(request, settings)
    told = await at_work(request, lambda: verify(form.picture, person_id, by, parts, wait_s=settings.queue_seconds))
    return verification_block(person_id, told)
