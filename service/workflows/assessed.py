"""A stored content as the rules of the domain see it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from service.domain.values import Assessed, Authenticity, PictureFacts, Quality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from index_store.records import Content
    from service.domain.values import PictureFormat

T = TypeVar("T", Quality, Authenticity)

NOT_THEN: Final = "not measured when the picture came in"


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
    quality, authenticity = _kept(Quality, content.quality), _kept(Authenticity, content.authenticity)
    return Assessed(facts, quality, authenticity, content.too_little_detail)


def _kept(kind: type[T], numbers: Mapping[str, Any]) -> T:
    """What was measured then. A number that came later is unknown of what came in before."""
    later = {part.name for part in fields(kind)} - set(numbers) - {"unknown", "signals"}
    return kind(**{**numbers, "unknown": {**numbers.get("unknown", {}), **dict.fromkeys(later, NOT_THEN)}})
