"""The pages and their static files: what is served, with which headers, and nothing else.

No page carries a script or a style of its own, so the policies below need no nonce and no hash. File names carry no
version, so a browser asks each time and is mostly told 304: after an upgrade nobody runs last week's modules.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.staticfiles import NotModifiedResponse, StaticFiles

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Scope

HERE = Path(__file__).parent

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self';"
    " font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
DOCS_POLICY = PAGE_POLICY
"""Swagger UI 5.35 needs nothing looser: it styles through the CSSOM, and its icons are data: pictures."""

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
"""Named here because some systems call .js text/plain, and under nosniff such a module does not run."""


class Files(StaticFiles):
    """A folder served with our headers and an ETag of the content: files in a wheel or image may share one date."""

    def __init__(self, directory: Path, policy: str | None = None) -> None:
        super().__init__(directory=directory)
        self._headers = {"Cache-Control": "no-cache"} | ({"Content-Security-Policy": policy} if policy else {})

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        path = Path(full_path)
        answer = FileResponse(
            path,
            status_code=status_code,
            headers={**self._headers, "ETag": etag(path, stat_result.st_mtime_ns, stat_result.st_size)},
            media_type=MEDIA_TYPES.get(path.suffix),
            stat_result=stat_result,
        )
        if self.is_not_modified(answer.headers, Headers(scope=scope)):
            return NotModifiedResponse(answer.headers)
        return answer


@lru_cache(maxsize=128)
def etag(path: Path, _changed: int, _size: int) -> str:
    """The SHA-256 of a file as an ETag; read again when its date or size changes."""
    return f'"{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}"'


def mount(app: FastAPI) -> None:
    """Add `/`, `/docs` and `/static/…` to the app, outside its OpenAPI schema.

    The app must be made with `docs_url=None`, or FastAPI's own page, which loads from another host, comes first.
    """
    app.add_route("/", _page("index.html", PAGE_POLICY), include_in_schema=False)
    app.add_route("/docs", _page("docs.html", DOCS_POLICY), include_in_schema=False)
    app.mount("/static/swagger-ui", Files(HERE / "vendor" / "swagger-ui"), name="swagger-ui")
    app.mount("/static", Files(HERE / "static"), name="static")


def _page(name: str, policy: str) -> Callable[[Request], Awaitable[Response]]:
    pages = Files(HERE / "pages", policy)

    async def page(request: Request) -> Response:
        return await pages.get_response(name, request.scope)

    return page
