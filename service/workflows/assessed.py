"""A stored content as the rules of the domain see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from service.domain.values import Assessed, Authenticity, PictureFacts, Quality

if TYPE_CHECKING:
    from index_store.records import Content
    from service.domain.values import PictureFormat


def assessed_of(content: Content) -> Assessed:
    """What was assessed of a stored content when it came in."""
    facts = PictureFacts(
        sha256=content.sha256,
        format=cast("PictureFormat", content.format),  # the catalogue keeps words; only ours are written
        width=content.width,
        height=content.height,
        bytes=content.bytes,
        pixel_hash=content.pixel_hash,
        normalise_version=content.normalise_version,
        animated=bool(content.facts.get("animated")),
        notes=tuple(content.facts.get("notes", ())),
    )
    return Assessed(facts, Quality(**content.quality), Authenticity(**content.authenticity), content.too_little_detail)
