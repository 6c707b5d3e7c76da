"""Policies as JSON: read strictly, shown as they were written, and turned into the value that the keeper weighs by.

`keeper-2.json` beside this is the one that holds unless another is named. A document says only what differs from it.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from service.domain.policy import DEFAULT, Policy, Protected, Weights
from service.domain.values import PictureFormat, Relation

NAME: Final = r"^[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?$"
Name = Annotated[str, Field(pattern=NAME, max_length=63, description="Lower case; `house-3`, say.")]
Weight = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Reviewless = Literal["identical", "same_pixels", "reencoded", "edited"]
"""The relations of which a policy may say that they need no person's look."""
Place = Annotated[str, Field(min_length=1, max_length=1024)]

_STRICT = ConfigDict(extra="forbid", frozen=True)
_ONCE: Final[dict[str, Any]] = {"uniqueItems": True}
_W: Final = DEFAULT.weights


class WeightsDocument(BaseModel):
    """What a full lead in each thing adds, 0..1."""

    model_config = _STRICT
    detail: Weight = Field(_W.detail, description="Per doubling of real detail, two doublings at most.")
    shows_more: Weight = Field(_W.shows_more, description="Per doubling of the scene that is shown, one at most.")
    compression: Weight = Field(_W.compression, description="What lossy saves left, 1 for all of it.")
    saved_before: Weight = Field(_W.saved_before, description="Not having been a JPEG before this file.")
    tones: Weight = Field(_W.tones, description="Not having been changed in light and contrast since.")
    sharpness: Weight = Field(_W.sharpness, description="Of two of one size.")
    noise: Weight = Field(_W.noise, description="Ten grey levels less of it.")
    exposure: Weight = Field(_W.exposure, description="Fewer levels cut off at black and white.")
    frame: Weight = Field(_W.frame, description="No border, caption or page around it.")
    overlay: Weight = Field(_W.overlay, description="Nothing laid over it.")
    screenshot: Weight = Field(_W.screenshot, description="Not looking like a screenshot.")
    generated: Weight = Field(_W.generated, description="Not being marked as generated.")
    camera: Weight = Field(_W.camera, description="Naming the camera that took it.")
    format: Weight = Field(_W.format, description="The whole way through `formats`.")
    bytes: Weight = Field(_W.bytes, description="Four times the bytes, of one format.")
    centre: Weight = Field(_W.centre, description="Being what all the others are most like.")


class ProtectedDocument(BaseModel):
    """What is never recommended to go."""

    model_config = _STRICT
    folders: Annotated[
        list[Place], Field(max_length=1000, description="Of files or external ids, with all below them.")
    ] = []
    sources: Annotated[
        list[Place], Field(max_length=1000, description="Values of `source` in an image's metadata.")
    ] = []


class PolicyDocument(BaseModel):
    """What makes one copy better than another. What is not said is as in `keeper-2`."""

    model_config = _STRICT
    name: Name
    description: Annotated[str, Field(max_length=2000)] = ""
    weights: WeightsDocument = WeightsDocument()
    formats: Annotated[
        list[PictureFormat],
        Field(description="Best first; one that is not named comes last.", max_length=8, json_schema_extra=_ONCE),
    ] = [*DEFAULT.formats]
    without_review: Annotated[
        list[Reviewless],
        Field(
            description="Relations to its keeper in which a picture may go without a person's look.",
            max_length=4,
            json_schema_extra=_ONCE,
        ),
    ] = ["identical", "same_pixels", "reencoded"]
    clear_lead: Annotated[
        float,
        Field(strict=True, ge=0.001, le=1, allow_inf_nan=False, description="The least lead that tells two apart."),
    ] = DEFAULT.clear_lead
    protected: ProtectedDocument = ProtectedDocument()

    @field_validator("formats", "without_review")
    @classmethod
    def _each_once(cls, given: list[Any]) -> list[Any]:
        if len({*given}) < len(given):
            raise ValueError("names something twice")
        return given


def policy_of(document: PolicyDocument) -> Policy:
    """The value that a document describes."""
    return Policy(
        name=document.name,
        weights=Weights(**document.weights.model_dump()),
        formats=tuple(document.formats),
        without_review=frozenset(Relation(one) for one in document.without_review),
        clear_lead=document.clear_lead,
        protected=Protected(tuple(document.protected.folders), tuple(document.protected.sources)),
    )


@cache
def built_in() -> PolicyDocument:
    """The one that is shipped."""
    text = (files(__name__) / "keeper-2.json").read_text(encoding="utf-8")
    return PolicyDocument.model_validate_json(text)


__all__ = ["NAME", "PolicyDocument", "built_in", "policy_of"]
