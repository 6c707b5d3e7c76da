"""What was found between two copies, as far as it helps to say which of them is the copy. It holds from either side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.domain.values import Edit, Relation

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True, slots=True)
class Pair:
    """What was found between two pictures, seen from the first. None where it was not looked at."""

    same_pixels: bool = False
    first_overlap: float | None = None
    """The share of the first that the second shows."""
    second_overlap: float | None = None
    overlaid: bool = False
    """Whether something lies on one of the two that the other does not show."""
    first_framed: bool | None = None
    """Whether what the first shows more is a border, a band or a page around the second; `second_framed` likewise."""
    second_framed: bool | None = None
    alike: float | None = None
    """How alike they look as whole frames, 0..1."""

    def turned(self) -> Pair:
        """Seen from the second."""
        overlaps, framed = (self.second_overlap, self.first_overlap), (self.second_framed, self.first_framed)
        return Pair(self.same_pixels, *overlaps, self.overlaid, *framed, self.alike)


def pair_of(
    relation: Relation, edits: Collection[str], overlaps: tuple[float | None, float | None], alike: float | None
) -> Pair:
    """Of a query and a reference, by what a check says of them. `edits` were made to the query, as far as is known."""
    query, reference = overlaps
    shows_more = query is not None and reference is not None and query < reference
    return Pair(
        same_pixels=relation in (Relation.IDENTICAL, Relation.SAME_PIXELS),
        first_overlap=query,
        second_overlap=reference,
        overlaid=Edit.OVERLAID in edits,
        first_framed=bool(_FRAMES & set(edits)) if shows_more else None,
        alike=alike,
    )


_FRAMES = frozenset({Edit.PADDED, Edit.COMPOSITED, Edit.SCREENSHOT})
NOTHING_KNOWN = Pair()
