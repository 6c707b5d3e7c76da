"""What further descriptor spaces say of contents.

The vectors of copy detection come with their content, in the entry that commits it. Those of any further space come
later, by an effect of their own: when a picture is taken in, or when a space was added and is being filled. A content
is described once in a space, whoever does it and however often it is asked; the log says so by a change of its own, so
that every index of that space folds it, and no verdict waits for it. Where the model found nothing (no face), that is
said too, by a description without vectors: else filling would never end.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from index_store.records import Box, HalfVector, NewVector

DescriptionOutcome: TypeAlias = Literal["described", "known", "gone"]
"""described: it is written · known: it was described before, and stays as it was · gone: there is no such content, or
none with an active image. Whoever comes back is described then."""


@dataclass(frozen=True, slots=True)
class Description:
    """All vectors that one space has of one content, numbered from 0; none where the model found nothing."""

    content_id: str
    space_id: int
    vectors: tuple[NewVector, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class PlacedVector:
    """A vector with its place in its picture."""

    vector_id: int
    content_id: str
    ordinal: int
    box: Box | None
    values: HalfVector


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of what could be found a space knows. Pictures with too little detail are never described."""

    described: int
    """Contents that the space was asked about and has answered of, whether they are findable now or not."""
    missing: int
    """Findable contents with enough detail that it has not described yet."""
