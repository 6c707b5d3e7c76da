"""The seam for looking at everything that is stored, row by row, without believing any of it.

`fsck` reads through here and judges by itself. Every call is one short read, so a walk over a live store keeps no
writer waiting, and what it sees of two tables need not be one moment: who finds something looks a second time.

Names come as they lie there. A row whose bytes changed is told by `sound`, never by an exception.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from index_store.records import Bits, Change, NewVector, Space


@dataclass(frozen=True, slots=True)
class ContentRow:
    sha256: str
    bytes: int
    too_little_detail: bool
    sound: bool
    """Whether the row is what was written, by its check sum."""


@dataclass(frozen=True, slots=True)
class ImageRow:
    image_id: str
    content_id: str
    state: str
    sequence: int
    sound: bool
    person_id: str | None = None


@dataclass(frozen=True, slots=True)
class VectorRow:
    vector_id: int
    content_id: str
    space_id: int
    ordinal: int
    whole: bool
    """Of the whole picture, not of a box in it."""
    values: Bits
    """Little-endian float16."""
    sound: bool


class Inspection(Protocol):
    """Pages come in the order of their keys, each after the last key of the one before; an empty one is the end."""

    def damage(self) -> list[str]:
        """What the database itself finds wrong with its files; empty where it is sound or cannot tell."""
        ...

    def spaces(self) -> tuple[Space, ...]: ...

    def contents(self, after: str, limit: int) -> Sequence[ContentRow]: ...

    def images(self, after: str, limit: int) -> Sequence[ImageRow]: ...

    def vectors(self, after: int, limit: int) -> Sequence[VectorRow]: ...

    def changes(self, after: int, limit: int) -> Sequence[Change]: ...

    def persons(self, names: Collection[str]) -> set[str]:
        """Those of the persons who have a row."""
        ...

    def loose_outcomes(self, limit: int) -> list[tuple[str, int]]:
        """Outcomes (job, ordinal) without a job."""
        ...

    def old_answers(self, before: str) -> int:
        """How many idempotency keys were first used before that moment."""
        ...

    def mend_vectors(
        self,
        *,
        forget: Collection[int],
        add: Sequence[tuple[str, NewVector]] = (),
        undescribe: Collection[tuple[str, int]] = (),
    ) -> None:
        """Forget vectors by id, and give contents new ones. Contents that are `undescribed` (content, space) lose all
        their vectors of that space, and what told of them is told no more: they are to be described anew. For a store
        that nobody else has open: no change tells of it, so every index made before is worthless.
        """
        ...
