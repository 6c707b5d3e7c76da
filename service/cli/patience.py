"""The server's patience with connections that send no request, and its word to those that send nonsense.

uvicorn times out idle connections only after their first answer; one that never finishes its headers would stay for
ever. Bodies are timed where they are read, in `api/bodies.py`.
"""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from starlette.requests import Request
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.api.context import HEADERS
from service.api.problems import BY_SLUG, problem
from service.log import event

HEADER_SECONDS = 10.0


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection whose first request's headers are not complete in time."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._deadline = self.loop.call_later(HEADER_SECONDS, transport.close)

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """What is not HTTP reaches no application; it is answered with a problem and logged all the same."""
        request_id, kind = f"req_{uuid.uuid4().hex}", BY_SLUG["bad-request"]
        answer = problem(kind, msg, Request({"type": "http", "headers": [], "state": {"request_id": request_id}}))
        answer.headers.update(HEADERS | {"Connection": "close", "X-Request-ID": request_id})
        lines = b"".join(b"%s: %s\r\n" % line for line in answer.raw_headers)
        self.transport.write(STATUS_LINE[kind.status] + lines + b"\r\n" + bytes(answer.body))
        self.transport.close()
        event("request", request_id=request_id, route="unmatched", status=kind.status, problem=kind.slug)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
