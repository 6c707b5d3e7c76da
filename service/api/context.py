"""Around every request: its id, its one canonical log line, its metrics, and the headers every answer carries.

A pure ASGI middleware, outermost, so that even a defect of ours leaves as a problem with the id that its log line has.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request

from service.api.problems import BY_SLUG, problem
from service.log import event

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from service.api.bodies import Intake
    from service.api.metrics import Metrics
    from service.api.problems import Kind

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOUD = {"internal", "unavailable", "storage-full"}
"""Problems that somebody must look into: an error line with a traceback."""
DEFAULT_POLICY = "default-src 'none'; frame-ancestors 'none'"
"""Content-Security-Policy of what is no page: nothing in an API answer may load or run anything."""


PAGES = ("/", "/docs", "/openapi.json")


class RequestContext:
    def __init__(self, app: ASGIApp, metrics: Metrics, intake: Intake) -> None:
        self._app = app
        self._metrics = metrics
        self._intake = intake

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"] = f"req_{uuid.uuid4().hex}"
        began = time.perf_counter()
        status, unread = 0, _has_body(scope)

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = state["request_id"]
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Content-Security-Policy", DEFAULT_POLICY)
                if unread:  # else whoever trickles it in would keep the connection for ever
                    headers["Connection"] = "close"
            await send(message)

        async def receive_noting_the_end() -> Message:
            nonlocal unread
            message = await receive()
            unread = unread and message.get("more_body", False)
            return message

        try:
            await self._app(scope, receive_noting_the_end, send_with_headers)
        except (Exception, asyncio.CancelledError) as error:
            kind = _what_happened(error)
            state["cause"], state["problem"] = error, kind.slug
            if status:  # the answer has begun; all that is left is to cut it short
                raise
            await problem(kind, kind.meaning, Request(scope))(scope, receive, send_with_headers)
        finally:
            self._intake.give_back(state.get("bytes_held", 0))
            self._finish(scope, status, time.perf_counter() - began)

    def _finish(self, scope: Scope, status: int, seconds: float) -> None:
        state = scope["state"]
        route = _route(scope)
        self._metrics.request(scope["method"], route, status, seconds)
        loud = state.get("problem") in LOUD
        quiet = logging.WARNING if status >= BY_SLUG["internal"].status else logging.INFO
        event(
            "request",
            level=logging.ERROR if loud else quiet,
            error=state.get("cause") if loud else None,
            request_id=state["request_id"],
            method=scope["method"],
            route=route,
            status=status,
            ms=round(seconds * 1000, 1),
            bytes_in=state.get("bytes_in"),
            key_id=state.get("key_id"),
            problem=state.get("problem"),
            verdict=state.get("verdict"),
            image_id=state.get("image_id"),
        )


def _what_happened(error: BaseException) -> Kind:
    """A defect of ours; or, told to end, the server waited long enough: whoever is cut off then may ask again."""
    return BY_SLUG["overloaded" if isinstance(error, asyncio.CancelledError) else "internal"]


def _has_body(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    return "transfer-encoding" in headers or headers.get("content-length", "0") != "0"


def _route(scope: Scope) -> str:
    """The route's template; a client's own path never becomes a label."""
    if template := getattr(scope.get("route"), "path", None):
        return str(template)
    if scope["path"] in PAGES:
        return str(scope["path"])
    return "/static" if scope["path"].startswith("/static/") else "unmatched"
