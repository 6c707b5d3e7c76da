"""The FastAPI application: routers, problems, pages, and the life of its parts."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from anyio import to_thread
from fastapi import FastAPI
from fastapi.routing import APIRoute

from service import __version__, log, wiring
from service.api import problems, responses
from service.api.bodies import Intake
from service.api.context import RequestContext
from service.api.doors import refuse_open_doors
from service.api.metrics import Metrics
from service.api.routers import (
    batch,
    check,
    compare,
    files,
    health,
    images,
    jobs,
    person_conflicts,
    person_duplicates,
    person_faces,
    persons,
    policies,
    removals,
    session,
    stats,
)
from service.api.stopping import Stopping
from service.settings import Settings, load_settings
from service.web import routes as web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

DESCRIPTION = """Have we got this picture already, and which copy should stay?

`POST /check-duplicate` answers *duplicate*, *unique* or *uncertain* with evidence, a probability and a recommendation,
and stores nothing. `POST /images` does the same and takes the picture in. Every error is an RFC 9457 problem."""

PARSERS = 2
"""Large JSON bodies parsed at a time; Python's parser lets no two of them run side by side anyhow."""


def create_app(
    settings: Settings, *, fault_injection: bool = False, when_stopping: Callable[[], None] | None = None
) -> FastAPI:
    """The application for these settings. Its parts are opened when it starts and closed when it stops.

    `when_stopping` is called as soon as the process is told to stop.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.working = anyio.CapacityLimiter(settings.uploads)
        app.state.threads = anyio.CapacityLimiter(settings.uploads)
        app.state.streams = 0
        app.state.stopping = Stopping(settings.drain_seconds, when_stopping)
        app.state.stopping.listen()
        app.state.parsing = anyio.CapacityLimiter(PARSERS)
        parts = await to_thread.run_sync(
            lambda: wiring.build(settings, fault_injection=fault_injection, wait_for_index=False)
        )
        app.state.parts = parts
        log.event("started", version=__version__, data=settings.data.name, images=parts.follower.index.size)
        try:
            yield
        finally:
            await to_thread.run_sync(parts.close)
            log.event("stopped")

    app = FastAPI(
        title="Keepone",
        version=__version__,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.state.metrics = Metrics()
    app.state.intake = Intake(settings.upload_budget)
    for module in (
        check,
        compare,
        batch,
        images,
        files,
        jobs,
        person_conflicts,  # before persons, one of whom might be called `conflicts`
        person_duplicates,
        person_faces,
        persons,
        policies,
        removals,
        stats,
        session,
        health,
    ):
        app.include_router(module.router)
    web.mount(app)
    problems.install(app)
    app.add_middleware(RequestContext, metrics=app.state.metrics, intake=app.state.intake)
    setattr(app, "openapi", lambda: _openapi(app))  # noqa: B010 - FastAPI's documented way; a plain one is no method
    return app


def app_from_environment() -> FastAPI:
    """For servers that start several processes and call a factory in each. Raises SettingsError."""
    settings = load_settings()
    log.configure(settings.log_format, settings.log_level)
    refuse_open_doors(settings)
    return create_app(settings)


def _openapi(app: FastAPI) -> dict[str, Any]:
    if not app.openapi_schema:
        schema = FastAPI.openapi(app)
        app.openapi_schema = responses.finish(schema)
    return app.openapi_schema


def _operation_id(route: APIRoute) -> str:
    return route.name
