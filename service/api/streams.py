"""Answers that are files: sent piece by piece, so that a slow reader holds one piece, and not at all if known."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import BinaryIO

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

PIECE_BYTES = 64 * 1024


class FileAnswer(Response):
    """A file that is opened when the answer begins and closed when it ends, however it ends."""

    def __init__(self, opener: Callable[[], BinaryIO], headers: Mapping[str, str], media_type: str) -> None:
        super().__init__(None, 200, headers, media_type)
        del self.headers["Content-Length"]  # known once the file is open
        self._opener = opener

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        with await to_thread.run_sync(self._opener) as file:
            left = file.seek(0, os.SEEK_END)
            file.seek(0)
            self.headers["Content-Length"] = str(left)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            while left:
                piece = await to_thread.run_sync(file.read, min(left, PIECE_BYTES))
                if not piece:
                    raise EOFError("a stored file became shorter while it was sent")
                left -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def unchanged(request: Request, headers: Mapping[str, str]) -> Response | None:
    """The 304 for a client that has this version already, by the ETag in `headers`; else None."""
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]
    if headers["ETag"] not in known and "*" not in known:
        return None
    return Response(status_code=304, headers={name: headers[name] for name in ("ETag", "Cache-Control")})
