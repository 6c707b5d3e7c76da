"""Removals on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    StrictBool,
    Tag,
    field_validator,
)

from service.api.person_schemas import PersonId
from service.workflows.matchers import MATCHERS
from service.workflows.removal_finding import Keep


def _a_number(value: object) -> object:
    """As JSON Schema has it: 640.0 is a whole number, but neither a truth value nor text is one."""
    if isinstance(value, bool | str):
        raise ValueError("is not a number")  # noqa: TRY004 - pydantic makes no answer of a TypeError
    return value


Width = Annotated[int, Field(ge=16, le=4096), BeforeValidator(_a_number)]
Bits = Annotated[int, Field(ge=0, le=256), BeforeValidator(_a_number)]


class _Asked(BaseModel):
    """Which persons, and what is done with what is found. A parameter that is not given is at its default."""

    model_config = ConfigDict(extra="forbid")
    person_ids: Annotated[list[PersonId], Field(min_length=1, max_length=1000, json_schema_extra={"uniqueItems": True})]
    create_backup: Annotated[
        StrictBool, Field(description="Copy what goes, and read the copies back, before any goes.")
    ] = True
    dry_run: Annotated[StrictBool, Field(description="Only say what would go.")] = False
    keep: Keep = Keep.BEST
    confirm_token: Annotated[str, Field(max_length=64, description="From the problem that asked for it.")] = ""

    @field_validator("person_ids")
    @classmethod
    def _once_each(cls, persons: list[str]) -> list[str]:
        if len(set(persons)) < len(persons):
            raise ValueError("a person is named twice")
        return persons


class ByAppearance(_Asked):
    """Embeddings that agree."""

    matcher: Literal["appearance"] = "appearance"
    threshold: Annotated[float | None, Field(strict=True, ge=0, le=1, allow_inf_nan=False)] = None


class BySceneChange(_Asked):
    """Pictures of one camera with little changed between them."""

    matcher: Literal["scene_change"]
    working_width: Annotated[Width | None, Field(description="In pixels.")] = None
    min_contour_area: Annotated[
        float | None, Field(strict=True, ge=0, allow_inf_nan=False, description="In pixels.")
    ] = None
    max_change: Annotated[float | None, Field(strict=True, ge=0, allow_inf_nan=False, description="In pixels.")] = None


class ByHash(_Asked):
    """Perceptual hashes that differ in few bits."""

    matcher: Literal["hash"]
    max_distance: Annotated[Bits | None, Field(description="In bits of 256.")] = None


def _matcher_of(body: object) -> object:
    return body.get("matcher", "appearance") if isinstance(body, dict) else "appearance"


class RemoveDuplicates(
    RootModel[
        Annotated[
            Annotated[ByAppearance, Tag("appearance")]
            | Annotated[BySceneChange, Tag("scene_change")]
            | Annotated[ByHash, Tag("hash")],
            Discriminator(
                _matcher_of,
                custom_error_type="matcher",
                custom_error_message=f"matcher is none of {', '.join(MATCHERS)}",
            ),
        ]
    ]
):
    """Which persons, by which criterion: each matcher has its own parameters, and `appearance` needs no naming."""

    def parameters(self) -> dict[str, Any]:
        """The matcher's own, as far as they are given."""
        return self.root.model_dump(exclude=set(_Asked.model_fields) | {"matcher"}, exclude_none=True)


class RemovableImage(BaseModel):
    """An image that agrees with a better one of the same person."""

    image_id: str
    external_id: str | None
    keeper: Annotated[str, Field(description="The image for whose sake it could go.")]
    agreement: Annotated[
        float | Literal["pixels"], Field(description="In the matcher's unit; `pixels`: the same ones.")
    ]
    reasons: Annotated[list[str], Field(description="How the keeper differs from it.")]


class StayedImage(BaseModel):
    image_id: str
    reason: str


class DoubtfulPair(BaseModel):
    """Two images that agree, and why somebody has to look before one of them goes."""

    one: str
    other: str
    why: str


class PersonResult(BaseModel):
    person_id: str
    duplicates_found: int
    duplicates_removed: int
    kept: Annotated[list[str], Field(description="Image ids that are there now.")]
    duplicates: list[RemovableImage]
    removed: list[str]
    skipped: Annotated[list[StayedImage], Field(description="What could not be looked at, or could not go.")]
    doubtful: list[DoubtfulPair]


class RemovedDuplicates(BaseModel):
    success: Annotated[bool, Field(description="Whether all that were to go went.")]
    results: list[PersonResult]
    total_removed: int
    backup_created: bool
    removal_id: Annotated[str | None, Field(description="Undo by it; null where nothing was removed.")]
    backup_id: str | None
    plan_hash: str


class Removal(BaseModel):
    removal_id: str
    kind: Annotated[Literal["folder", "persons"], Field(description="`folder`: made by `keepone dedupe`.")]
    state: Literal["planned", "applying", "applied", "undoing", "undone", "purged"]
    plan_hash: str
    items: int
    bytes: Annotated[int, Field(description="Of all items together.")]
    counts: Annotated[dict[str, int], Field(description="Items by state.")]
    matcher: str | None
    backup_id: str | None
    created: str
    created_by: Annotated[str | None, Field(description="Id of the key that asked for it.")]
    changed: Annotated[str, Field(description="When it came into its state.")]


class RemovalPage(BaseModel):
    items: list[Removal]
    next_cursor: str | None
