"""How much there is, and how much was saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter

from service.api import schemas
from service.api.auth import Reader
from service.api.deps import PartsOf
from service.api.responses import AUTH_SLUGS, problems

if TYPE_CHECKING:
    from service.workflows.parts import Parts
    from service.workflows.spaces import FurtherSpace

router = APIRouter(tags=["pictures"])


@router.get("/stats", response_model=schemas.Stats, responses=problems(*AUTH_SLUGS))
def stats(parts: PartsOf, _: Reader) -> dict[str, Any]:
    """Images, contents, bytes handed in, stored and saved, and how far the index has read."""
    counted = parts.catalogue.stats()
    sequence = parts.follower.index.sequence
    return {
        "images": counted.images,
        "contents": counted.contents,
        "bytes_handed_in": counted.bytes_handed_in,
        "bytes_stored": counted.bytes_stored,
        "bytes_saved": counted.bytes_saved,
        "index": [
            {
                "space": parts.space.name,
                "model": parts.descriptor.model_id,
                "size": parts.follower.index.size,
                "sequence": sequence,
                "lag": max(0, counted.sequence - sequence),
            },
            *(_further(space, counted.sequence, parts) for space in parts.spaces),
        ],
    }


def _further(space: FurtherSpace, head: int, parts: Parts) -> dict[str, Any]:
    index, space_id = space.follower.index, space.space.space_id
    covered = parts.covered.of(space_id, head, parts.catalogue.descriptions.coverage)
    now = next(one for one in parts.catalogue.descriptions.spaces() if one.space_id == space_id)
    return {
        "space": space.name,
        "model": f"{space.name}-{space.space.generation[:12]}",
        "size": index.size,
        "sequence": index.sequence,
        "lag": max(0, head - index.sequence),
        "state": now.state,
        "pictures": covered.described,
        "missing": covered.missing,
    }
