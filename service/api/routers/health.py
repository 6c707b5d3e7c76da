"""Is the process alive, may it be sent traffic, and what does it count?"""

from __future__ import annotations

import time

from fastapi import APIRouter, Request, Response

from index_store.errors import StoreError
from service.api.auth import Reader
from service.api.deps import PartsOf
from service.api.responses import problems
from service.api.schemas import Health
from service.domain.errors import OverloadedError
from service.workflows.spaces import FurtherSpace

router = APIRouter(tags=["health"])

PROOF_SECONDS = 1.0


@router.get("/live", responses=problems(), response_model_exclude_none=True)
async def live() -> Health:
    """The event loop turns. Depends on nothing else, so that a slow store never restarts the service."""
    return Health(status="live")


@router.get(
    "/ready",
    responses=problems("overloaded", "index-building", "unavailable", "storage-full"),
    response_model_exclude_none=True,
)
def ready(request: Request, parts: PartsOf) -> Health:
    """The catalogue takes writes, the index has caught up with it, and the process is not about to end.

    The indexes of further spaces catch up too. One that is not level makes nothing wait: copies are found without it.
    """
    if request.app.state.stopping.is_set():
        raise OverloadedError("This process is about to end.")
    # The proof is a synced commit, so anxious probes share one for a second.
    if time.monotonic() >= getattr(request.app.state, "writable_until", 0.0):
        parts.catalogue.check_writable()
        request.app.state.writable_until = time.monotonic() + PROOF_SECONDS
    parts.follower.catch_up()
    return Health(status="ready", spaces={one.name: _is_level(one) for one in parts.spaces} or None)


def _is_level(space: FurtherSpace) -> bool:
    try:
        space.follower.catch_up()
    except StoreError:
        return False
    return True


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **problems("unauthorised", "forbidden"),
    },
)
def metrics(request: Request, parts: PartsOf, _: Reader) -> Response:
    """Prometheus text format."""
    return Response(request.app.state.metrics.render(parts), media_type="text/plain; version=0.0.4; charset=utf-8")
