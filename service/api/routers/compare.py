"""Two pictures beside one another: what joins them, or why they are no copies."""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request

from service.api.auth import Reader
from service.api.bodies import read_pair
from service.api.deps import PartsOf, SettingsOf, at_work
from service.api.responses import AUTH_SLUGS, PICTURE_SLUGS, pair_body, problems
from service.api.routers.check import Point
from service.api.schemas import Comparison
from service.workflows.block import comparison_block
from service.workflows.comparison import compare
from service.workflows.known import content_of
from service.workflows.stopwatch import Stopwatch

router = APIRouter(tags=["pictures"])


@router.post(
    "/compare",
    response_model=Comparison,
    responses=problems(*AUTH_SLUGS, *PICTURE_SLUGS, "not-found"),
    openapi_extra=pair_body(),
)
async def compare_pictures(
    request: Request, parts: PartsOf, settings: SettingsOf, _: Reader, operating_point: Point = None
) -> dict[str, Any]:
    """Lay the first picture on the second: relation, evidence, a map of the changes, and why not. Stores nothing."""
    watch = Stopwatch()
    point = operating_point or settings.operating_point
    query, reference = [
        one if isinstance(one, bytes) else await to_thread.run_sync(content_of, one, parts)
        for one in await read_pair(request, settings)
    ]
    compared = await at_work(
        request, lambda: compare(query, reference, parts, watch, point=point, wait_s=settings.queue_seconds)
    )
    return comparison_block(compared)
