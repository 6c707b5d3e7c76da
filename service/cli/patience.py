"""The server's patience with connections that neither send nor take, and its word to those that send nonsense.

uvicorn times out connections that are idle after an answer, but not one that never finishes its headers, and not one
that reads nothing of what it asked for. Bodies are timed where they are read, in `api/bodies.py`; what is left unread
of one ends its connection (`api/context.py`).
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
"""From the start of a connection, or from an answer, until the next request's headers are complete."""
STALL_SECONDS = 30.0
"""How long the other side may take nothing at all of an answer that waits for it."""


class PatientProtocol(HttpToolsProtocol):
    """Closes a connection whose next request's headers are not complete in time, or whose client stops reading."""

    _deadline: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait_for_headers()

    def on_headers_complete(self) -> None:
        _cancel(self._deadline)
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        others_wait = bool(self.pipeline)  # their headers are here already
        super().on_response_complete()
        if self.transport.is_closing():
            self._wait_for_reader()
        elif not others_wait:
            self._wait_for_headers()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            _cancel(self._stall)

    def connection_lost(self, exc: Exception | None) -> None:
        _cancel(self._deadline)
        _cancel(self._stall)
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

    def _wait_for_headers(self) -> None:
        _cancel(self._deadline)
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._give_up)

    def _give_up(self) -> None:
        self.transport.close()
        self._wait_for_reader()

    def _wait_for_reader(self, before: int | None = None) -> None:
        """Cut the connection once a whole pause passes without a byte taken; nothing is added to it meanwhile."""
        _cancel(self._stall)
        left = self.transport.get_write_buffer_size()
        if before is not None and left >= before:
            self.transport.abort()
        elif left:
            self._stall = self.loop.call_later(STALL_SECONDS, self._wait_for_reader, left)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
