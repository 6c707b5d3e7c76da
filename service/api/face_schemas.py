"""Whose face it is, on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from service.api.schemas import Links, Unknown
from service.domain.likeness import Distance

Box = Annotated[list[float] | None, Field(description="[left, top, right, bottom] as shares of the upright picture.")]


class NearFace(BaseModel):
    """The face of a person that lies nearest."""

    person_id: str
    image_id: str
    external_id: str | None
    distance: Annotated[float, Field(ge=0, description="By `metric`; lower is closer.")]
    relation: Annotated[
        Literal["same_person", "unrelated"] | None, Field(description="By the threshold; null where there is none.")
    ]
    query_box: Box
    reference_box: Box
    links: Links


class Measured(BaseModel):
    space: str
    metric: Distance
    threshold: Annotated[float | None, Field(description="The largest distance at which two are one person.")]
    unknown: Unknown


class Verification(Measured):
    """Whether a face of the picture is the person's."""

    person_id: str
    same_person: Annotated[bool | None, Field(description="Whether the nearest face lies within the threshold.")]
    distance: Annotated[float | None, Field(ge=0, description="Of the nearest two faces.")]
    faces: Annotated[int, Field(description="Faces in the picture; each was tried.")]
    compared: Annotated[int, Field(description="Stored pictures of the person whose largest face was compared.")]
    undescribed: Annotated[int, Field(description="Stored pictures of the person that the space does not know yet.")]
    nearest: NearFace | None


class FaceIdentified(BaseModel):
    box: Box
    persons: Annotated[list[NearFace], Field(description="Each person once, nearest first.")]


class Identification(Measured):
    """Whose faces lie nearest to each face of the picture."""

    faces: list[FaceIdentified]
