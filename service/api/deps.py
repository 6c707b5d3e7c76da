"""What handlers are given: the parts, the settings, and a place among the working threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, TypeVar

import anyio
from anyio import to_thread
from fastapi import Depends, Request

from service.domain.errors import OverloadedError
from service.settings import Settings
from service.workflows.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def parts_of(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


def settings_of(request: Request) -> Settings:
    return parts_of(request).settings


PartsOf = Annotated[Parts, Depends(parts_of)]
SettingsOf = Annotated[Settings, Depends(settings_of)]


async def at_work(request: Request, work: Callable[[], T]) -> T:
    """Run picture work in one of a bounded number of threads; OverloadedError if none comes free in time.

    Pictures have threads of their own, so that however many wait here, reads and health checks do not.
    """
    limiter: anyio.CapacityLimiter = request.app.state.working
    borrower = object()
    try:
        with anyio.fail_after(settings_of(request).queue_seconds):
            await limiter.acquire_on_behalf_of(borrower)
    except TimeoutError as error:
        raise OverloadedError from error
    try:
        return await to_thread.run_sync(work, limiter=request.app.state.threads)
    finally:
        limiter.release_on_behalf_of(borrower)
