"""Persons on the wire."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from index_store.entries import PERSON_CHARACTERS
from service.api.fields import Metadata
from service.domain.likeness import Distance

PersonId = Annotated[str, Field(min_length=1, max_length=PERSON_CHARACTERS)]
Name = Annotated[str | None, Field(max_length=1024)]


CONFLICTS = "conflicts"
"""`GET /persons/conflicts` is no person."""


def _no_route_of_ours(person_id: str) -> str:
    if person_id == CONFLICTS:
        raise ValueError(f"a person cannot be called {CONFLICTS}: its path is taken")
    return person_id


NameableId = Annotated[
    PersonId,
    Field(
        pattern=r"^[^/]*[^./][^/]*$",
        description=f"Not only dots, without a slash, and not `{CONFLICTS}`.",
        json_schema_extra={"not": {"const": CONFLICTS}},
    ),
    AfterValidator(_no_route_of_ours),
]
"""One that can stand in a path."""


class NewPerson(BaseModel):
    """A person to be told of; without an id it gets one."""

    model_config = ConfigDict(extra="forbid")
    person_id: NameableId | None = None
    name: Name = None
    metadata: Metadata = {}


class PersonChanges(BaseModel):
    """What is to be another; what is not named stays."""

    model_config = ConfigDict(extra="forbid")
    name: Name = None
    metadata: Annotated[
        Metadata, Field(description="Merged into what there is (RFC 7396): null takes a member away.")
    ] = {}


class PersonLinks(BaseModel):
    """Null for an id that came with an image and cannot stand in a path."""

    self: str | None
    images: str | None


class Person(BaseModel):
    person_id: str
    name: str | None
    metadata: dict[str, Any]
    images: Annotated[int, Field(description="How many active images it has.")]
    created: Annotated[str, Field(description="RFC 3339, UTC.")]
    changed: Annotated[str, Field(description="When its name or metadata were written last.")]
    links: PersonLinks


class PersonPage(BaseModel):
    items: list[Person]
    next_cursor: str | None


class ConflictingImage(BaseModel):
    """The first image that a person has of a content."""

    image_id: str
    content_id: str
    external_id: str | None
    person_id: str


class ConflictKind(StrEnum):
    """Which of the four: the same picture or the same face, under one person or under several."""

    SAME_PICTURE_SAME_PERSON = "same_picture_same_person"
    SAME_PICTURE_OTHER_PERSON = "same_picture_other_person"
    SAME_FACE_OTHER_PERSON = "same_face_other_person"
    NEW_PHOTO_SAME_PERSON = "new_photo_same_person"


class Conflict(BaseModel):
    """Contents that show the same picture, or the same face in different pictures."""

    kind: ConflictKind
    relation: Literal["identical", "same_pixels", "reencoded", "edited", "same_person"]
    probability: Annotated[
        float | None,
        Field(
            description="As it was proved when the later of the two was handed in; null of faces, which have a distance."
        ),
    ]
    distance: Annotated[float | None, Field(ge=0, description="Of the nearest faces; null of pictures.")] = None
    space: Annotated[str | None, Field(description="By which faces were compared.")] = None
    metric: Distance | None = None
    threshold: float | None = None
    content_ids: Annotated[list[str], Field(description="One where the bytes are the same.")]
    person_ids: Annotated[list[str], Field(description="Whose it is; the first to have it comes first.")]
    images: Annotated[
        list[ConflictingImage], Field(description="Oldest first; of faces the newest first, then the nearest.")
    ]


class ConflictPage(BaseModel):
    items: list[Conflict]
    next_cursor: str | None
