"""Have we got this picture already?"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from service.api.auth import Reader
from service.api.bodies import read_picture
from service.api.deps import PartsOf, SettingsOf, at_work
from service.api.responses import AUTH_SLUGS, PICTURE_SLUGS, picture_body, problems
from service.api.schemas import VerdictBlock
from service.domain.values import OperatingPoint
from service.workflows.block import verdict_block
from service.workflows.check import check

router = APIRouter(tags=["pictures"])

TopK = Annotated[int, Query(ge=1, le=100, description="Matches listed, at the most.")]
Point = Annotated[
    OperatingPoint | None, Query(description="How sure a duplicate must be; not given: as the service is set.")
]


@router.post(
    "/check-duplicate",
    response_model=VerdictBlock,
    responses=problems(*AUTH_SLUGS, *PICTURE_SLUGS),
    openapi_extra=picture_body(),
)
async def check_duplicate(
    request: Request, parts: PartsOf, settings: SettingsOf, _: Reader, top_k: TopK = 5, operating_point: Point = None
) -> dict[str, Any]:
    """Judge a picture against everything stored. Stores nothing."""
    form = await read_picture(request, settings)
    point = operating_point or settings.operating_point
    checked = await at_work(
        request, lambda: check(form.picture, parts, top_k=top_k, point=point, wait_s=settings.queue_seconds)
    )
    request.state.verdict = checked.verdict.kind
    request.app.state.metrics.verdict(checked.verdict.kind)
    return verdict_block(checked)
