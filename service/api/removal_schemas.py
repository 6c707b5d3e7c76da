"""Removals on the wire."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.workflows.matchers import MATCHERS
from service.workflows.removal_finding import Keep

PersonId = Annotated[str, Field(min_length=1, max_length=512)]


class RemoveDuplicates(BaseModel):
    """Which persons, by which criterion. A parameter that is not given is at its matcher's default."""

    model_config = ConfigDict(extra="forbid")
    person_ids: Annotated[list[PersonId], Field(min_length=1, max_length=1000)]
    create_backup: Annotated[bool, Field(description="Copy what goes, and read the copies back, before any goes.")] = (
        True
    )
    dry_run: Annotated[bool, Field(description="Only say what would go.")] = False
    matcher: Literal["appearance", "scene_change", "hash"] = "appearance"
    threshold: Annotated[float | None, Field(ge=0, le=1, allow_inf_nan=False, description="Of `appearance`.")] = None
    working_width: Annotated[int | None, Field(ge=16, le=4096, description="Of `scene_change`, in pixels.")] = None
    min_contour_area: Annotated[
        float | None, Field(ge=0, allow_inf_nan=False, description="Of `scene_change`, in pixels.")
    ] = None
    max_change: Annotated[
        float | None, Field(ge=0, allow_inf_nan=False, description="Of `scene_change`, in pixels.")
    ] = None
    max_distance: Annotated[int | None, Field(ge=0, le=256, description="Of `hash`, in bits of 256.")] = None
    keep: Keep = Keep.BEST
    confirm_token: Annotated[str, Field(max_length=64, description="From the problem that asked for it.")] = ""

    @model_validator(mode="after")
    def _each_parameter_has_its_matcher(self) -> RemoveDuplicates:
        strange = [name for name in _PARAMETERS - set(MATCHERS[self.matcher][1]) if getattr(self, name) is not None]
        if strange:
            raise ValueError(f"{self.matcher} takes no {', '.join(sorted(strange))}")
        if len(set(self.person_ids)) < len(self.person_ids):
            raise ValueError("a person is named twice")
        return self

    def parameters(self) -> dict[str, Any]:
        """The matcher's own, as far as they are given."""
        given = {name: getattr(self, name) for name in MATCHERS[self.matcher][1]}
        return {name: value for name, value in given.items() if value is not None}


_PARAMETERS = {name for _, names in MATCHERS.values() for name in names}


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
