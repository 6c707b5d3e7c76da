"""Persons as they are remembered: whom pictures belong to, by an id that the client chose.

A person comes to be when it is told of or when its first image is committed, whichever is first, and goes only when that
is asked for and it has no active image.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from index_store.ids import new_id
from index_store.records import Image, Json


@dataclass(frozen=True, slots=True)
class NewPerson:
    """A person to be told of."""

    person_id: str = field(default_factory=lambda: new_id("per"))
    name: str | None = None
    metadata: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Person:
    person_id: str
    name: str | None
    metadata: Json
    created: str
    changed: str
    number: int
    """They are numbered as they come."""
    images: int = 0
    """How many active images it has."""


@dataclass(frozen=True, slots=True)
class PersonPage:
    items: tuple[Person, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two contents that show the same, held by images of different persons, or of one; one content twice where its bytes
    are shared.
    """

    first: str
    second: str
    relation: str
    """`identical`, `same_pixels`, or what was proved when one of the two was handed in."""
    probability: float
    images: tuple[Image, ...] = ()
    """Active ones, the first of each person and content; of one content that a person has twice, the first two."""


@dataclass(frozen=True, slots=True)
class ConflictPage:
    items: tuple[Conflict, ...]
    next_cursor: str | None


def first_told(new: NewPerson, number: int, now: str) -> Person:
    """The person as it stands at first."""
    return Person(new.person_id, new.name, new.metadata, now, now, number)


def held_in(conflict: Conflict, owned: Mapping[str, Sequence[Image]], *, of_one_person: bool) -> tuple[Image, ...]:
    """Of the first two images of each person and content those that are in conflict."""
    pair = dict.fromkeys((conflict.first, conflict.second))
    if not of_one_person:
        return tuple(image for name in pair for image in owned[name])
    if len(pair) == 1:
        often = Counter(image.person_id for image in owned[conflict.first])
        return tuple(image for image in owned[conflict.first] if often[image.person_id] > 1)
    firsts = [{image.person_id: image for image in reversed(owned[name])} for name in pair]
    return tuple(image for held in firsts for whose, image in held.items() if all(whose in each for each in firsts))
