"""The bytes behind an image: the picture as it came, and its thumbnail."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request, Response

from service.api.auth import Reader
from service.api.deps import PartsOf, at_work
from service.api.responses import AUTH_SLUGS, problems
from service.api.routers.images import ImageId
from service.api.streams import FileAnswer, unchanged
from service.workflows.derived import THUMBNAIL, thumbnail_bytes
from service.workflows.known import content_of

router = APIRouter(prefix="/images", tags=["images"])

YEAR = "private, max-age=31536000, immutable"
"""Bytes behind an image id never change; a browser may keep them, a shared cache may not."""


def _file_of(media_type: str, *slugs: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"content": {media_type: {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "`If-None-Match` names the ETag of these bytes."},
        **problems(*AUTH_SLUGS, "not-found", "invalid-request", *slugs),
    }


@router.get("/{image_id}/content", response_class=Response, responses=_file_of("image/*"))
def get_content(request: Request, image_id: ImageId, parts: PartsOf, _: Reader) -> Response:
    """The picture's bytes, as they came."""
    content = content_of(image_id, parts)
    media_type = f"image/{content.format.lower()}"
    headers = {
        "Cache-Control": YEAR,
        "ETag": f'"{content.sha256}"',
        # Shown or saved, never run: an answer of stored bytes is nobody's page.
        "Content-Disposition": f'inline; filename="{image_id}.{content.format.lower()}"',
    }
    return unchanged(request, headers) or FileAnswer(partial(parts.blobs.open, content.sha256), headers, media_type)


@router.get("/{image_id}/thumbnail", response_class=Response, responses=_file_of("image/jpeg", "overloaded"))
async def get_thumbnail(request: Request, image_id: ImageId, parts: PartsOf, _: Reader) -> Response:
    """A small rendering (JPEG, long side at most 512 pixels) without any metadata."""
    sha256, kept = await to_thread.run_sync(lambda: _kept(image_id, parts))
    # Making one again is picture work, and waits with that: the threads of reads and health checks stay free.
    data = kept if kept is not None else await at_work(request, lambda: thumbnail_bytes(sha256, parts))
    headers = {"Cache-Control": YEAR, "ETag": f'"{hashlib.sha256(data).hexdigest()}"'}
    return unchanged(request, headers) or Response(data, 200, headers, "image/jpeg")


def _kept(image_id: str, parts: PartsOf) -> tuple[str, bytes | None]:
    """The content of an active image, and its thumbnail if there is one."""
    kind, extension = THUMBNAIL
    sha256 = content_of(image_id, parts).sha256
    return sha256, parts.blobs.get_derived(kind, sha256, extension)
