"""Rows of the catalogue as the contract shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from index_store.errors import NotFoundError
from service.workflows.block import query_block
from service.workflows.verify import assessed_of

if TYPE_CHECKING:
    from index_store.records import Content, ContentWithImages, Image
    from service.workflows.ingest import Ingested
    from service.workflows.parts import Parts


def image_of(image: Image) -> dict[str, Any]:
    return {
        "image_id": image.image_id,
        "content_id": image.content_id,
        "external_id": image.external_id,
        "person_id": image.person_id,
        "metadata": image.metadata,
        "state": image.state,
        "outcome": image.outcome,
        "verdict": image.verdict,
        "relation": image.relation,
        "probability": image.probability,
        "created": image.created,
        "links": {
            "thumbnail": f"/images/{image.image_id}/thumbnail",
            "content": f"/images/{image.image_id}/content",
        },
    }


def detail_of(image: Image, content: ContentWithImages) -> dict[str, Any]:
    assessed = assessed_of(content.content)
    return image_of(image) | {
        **query_block(assessed),
        "references": content.references,
        "verdict_block": image.verdict_block,
    }


def handed_in(done: Ingested) -> dict[str, Any]:
    return done.block | {
        "image_id": done.image.image_id,
        "content_id": done.image.content_id,
        "outcome": done.image.outcome,
        "references": done.references,
    }


def content_of(image_id: str, parts: Parts) -> Content:
    """The content of an active image. Raises NotFoundError."""
    image = parts.catalogue.image(image_id)
    if image.state != "active":
        raise NotFoundError
    return parts.catalogue.contents([image.content_id])[image.content_id].content
