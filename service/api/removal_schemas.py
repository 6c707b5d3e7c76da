"""Removals on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    StrictBool,
    Tag,
    ValidationInfo,
    field_validator,
)

from service.api.person_schemas import PersonId
from service.api.schemas import JobLinks, Reason
from service.domain.likeness import OPPOSITE, Distance
from service.domain.values import OperatingPoint
from service.workflows.criteria import BUILTIN, CRITERIA, SIMILAR
from service.workflows.person_plan import PersonQuestion
from service.workflows.removal_finding import Keep


def _a_number(value: object) -> object:
    """As JSON Schema has it: 640.0 is a whole number, but neither a truth value nor text is one."""
    if isinstance(value, bool | str):
        raise ValueError("is not a number")  # noqa: TRY004 - pydantic makes no answer of a TypeError
    return value


Width = Annotated[int, Field(ge=16, le=4096), BeforeValidator(_a_number)]
Bits = Annotated[int, Field(ge=0, le=256), BeforeValidator(_a_number)]


ConfirmToken = Annotated[str, Field(max_length=64, description="From the problem that asked for it.")]


class _Scope(BaseModel):
    """Which persons, and who stays. A parameter that is not given is at its default."""

    model_config = ConfigDict(extra="forbid")
    person_ids: Annotated[list[PersonId], Field(min_length=1, max_length=1000, json_schema_extra={"uniqueItems": True})]
    create_backup: Annotated[
        StrictBool, Field(description="Copy what goes, and read the copies back, before any goes.")
    ] = True
    keep: Keep = Keep.BEST

    @field_validator("person_ids")
    @classmethod
    def _once_each(cls, persons: list[str]) -> list[str]:
        if len(set(persons)) < len(persons):
            raise ValueError("a person is named twice")
        return persons


class _Asked(_Scope):
    """And what is done at once with what is found."""

    dry_run: Annotated[StrictBool, Field(description="Only say what would go.")] = False
    confirm_token: ConfirmToken = ""


class _Appearance(BaseModel):
    matcher: Literal["appearance"] = "appearance"
    threshold: Annotated[float | None, Field(strict=True, ge=0, le=1, allow_inf_nan=False)] = None


class _SceneChange(BaseModel):
    matcher: Literal["scene_change"]
    working_width: Annotated[Width | None, Field(description="In pixels.")] = None
    min_contour_area: Annotated[
        float | None, Field(strict=True, ge=0, allow_inf_nan=False, description="In pixels.")
    ] = None
    max_change: Annotated[float | None, Field(strict=True, ge=0, allow_inf_nan=False, description="In pixels.")] = None


class _Hash(BaseModel):
    matcher: Literal["hash"]
    max_distance: Annotated[Bits | None, Field(description="In bits of 256.")] = None


class _Copy(BaseModel):
    matcher: Literal["copy"]
    operating_point: Annotated[
        OperatingPoint | None, Field(description="How sure a copy must be; `balanced` unless told.")
    ] = None


class _Similar(BaseModel):
    matcher: Annotated[str, Field(pattern=f"^{SIMILAR}.+$", max_length=128, description="`similar:<space>`.")]
    metric: Distance | None = None
    threshold: Annotated[
        float | None,
        Field(
            strict=True,
            ge=0,
            le=1000,
            allow_inf_nan=False,
            validate_default=True,
            description="The least similarity (`cosine`, more than 0), or the largest distance: of the vectors as the "
            "model gives them (`euclidean`), or at length 1 (`euclidean_l2`). `similar:builtin` needs one, and its vectors "
            "have length 1; a further space has its makers' own where none is given.",
        ),
    ] = None

    @field_validator("threshold")
    @classmethod
    def _tells_apart(cls, threshold: float | None, info: ValidationInfo) -> float | None:
        is_builtin, metric = info.data.get("matcher") == BUILTIN, info.data.get("metric") or Distance.COSINE
        if threshold is None:
            if is_builtin:
                raise ValueError("what is near enough differs from space to space: this one needs to be told")
            return None
        if threshold <= 0 and metric is Distance.COSINE:
            raise ValueError("a similarity of 0 is reached by nearly all pictures")
        if threshold > OPPOSITE and (is_builtin or metric is not Distance.EUCLIDEAN):
            raise ValueError("no two vectors of length 1 are more than 2 apart")
        return threshold


class ByAppearance(_Appearance, _Asked):
    """Weighed likeness of hash, structure and colour."""


class BySceneChange(_SceneChange, _Asked):
    """Pictures of one camera with little changed between them."""


class ByHash(_Hash, _Asked):
    """Perceptual hashes that differ in few bits."""


class ByCopy(_Copy, _Asked):
    """Descriptor search and geometric proof, as in `POST /check-duplicate`."""


class BySimilar(_Similar, _Asked):
    """Descriptors of one space that lie close together."""


class PlanByAppearance(_Appearance, _Scope):
    """Weighed likeness of hash, structure and colour."""


class PlanBySceneChange(_SceneChange, _Scope):
    """Pictures of one camera with little changed between them."""


class PlanByHash(_Hash, _Scope):
    """Perceptual hashes that differ in few bits."""


class PlanByCopy(_Copy, _Scope):
    """Descriptor search and geometric proof, as in `POST /check-duplicate`."""


class PlanBySimilar(_Similar, _Scope):
    """Descriptors of one space that lie close together."""


def _matcher_of(body: object) -> object:
    name = body.get("matcher", "appearance") if isinstance(body, dict) else "appearance"
    return SIMILAR if isinstance(name, str) and name.startswith(SIMILAR) else name


_CHOICE = Discriminator(
    _matcher_of,
    custom_error_type="matcher",
    custom_error_message=f"matcher is none of {', '.join(CRITERIA)}, {SIMILAR}<space>",
)


class RemoveDuplicates(
    RootModel[
        Annotated[
            Annotated[ByAppearance, Tag("appearance")]
            | Annotated[BySceneChange, Tag("scene_change")]
            | Annotated[ByHash, Tag("hash")]
            | Annotated[ByCopy, Tag("copy")]
            | Annotated[BySimilar, Tag(SIMILAR)],
            _CHOICE,
        ]
    ]
):
    """Which persons, by which criterion: each matcher has its own parameters, and `appearance` needs no naming."""


class PlanRemoval(
    RootModel[
        Annotated[
            Annotated[PlanByAppearance, Tag("appearance")]
            | Annotated[PlanBySceneChange, Tag("scene_change")]
            | Annotated[PlanByHash, Tag("hash")]
            | Annotated[PlanByCopy, Tag("copy")]
            | Annotated[PlanBySimilar, Tag(SIMILAR)],
            _CHOICE,
        ]
    ]
):
    """The same for a plan that is written down, and applied by a request of its own."""


def question_of(body: RemoveDuplicates | PlanRemoval) -> PersonQuestion:
    """What is asked of whom; of the matcher's parameters those that are given."""
    asked = body.root
    parameters = asked.model_dump(exclude=set(_Asked.model_fields) | {"matcher"}, exclude_none=True, mode="json")
    return PersonQuestion(tuple(asked.person_ids), asked.matcher, parameters, asked.keep)


class ApplyRemoval(BaseModel):
    """Names the plan that was looked at."""

    model_config = ConfigDict(extra="forbid")
    plan_hash: Annotated[str, Field(min_length=1, max_length=64)]
    confirm_token: ConfirmToken = ""


class RemovableImage(BaseModel):
    """An image that agrees with a better one of the same person."""

    image_id: str
    external_id: str | None
    keeper: Annotated[str, Field(description="The image for whose sake it could go.")]
    agreement: Annotated[
        float | Literal["pixels"], Field(description="In the matcher's unit; `pixels`: the same ones.")
    ]
    reasons: Annotated[list[str], Field(description="How the keeper differs from it.")]
    weighed: Annotated[list[Reason], Field(description="What of it counted, by the policy's weights.")] = []
    policy: Annotated[str | None, Field(description="By which the keeper was chosen.")] = None


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
    policy: Annotated[str | None, Field(description="By which keepers were chosen; null of an older plan.")]
    backup_id: str | None
    created: str
    created_by: Annotated[str | None, Field(description="Id of the key that asked for it.")]
    changed: Annotated[str, Field(description="When it came into its state.")]


class AcceptedRemoval(BaseModel):
    """A job was made that will remove."""

    job_id: str
    links: JobLinks
    removal_id: Annotated[str, Field(description="Of the removal that the job makes; there once its plan is written.")]


class PlannedRemoval(Removal):
    results: list[PersonResult]


class RemovalItem(BaseModel):
    """One decision of a plan, and what became of it."""

    ordinal: int
    state: Literal["planned", "removed", "skipped", "returned", "purged"]
    loser: Annotated[str, Field(description="An image id; of a folder, a file's name below it.")]
    keeper: Annotated[str, Field(description="For whose sake it could go.")]
    person_id: str | None
    external_id: str | None
    agreement: Annotated[
        float | Literal["pixels"] | None, Field(description="In the matcher's unit; `pixels`: the same ones.")
    ]
    reasons: list[str]
    weighed: Annotated[list[Reason], Field(description="What of it counted, by the policy's weights.")]
    policy: Annotated[str | None, Field(description="Null of a plan made before policies.")]
    bytes: int
    problem: Annotated[str | None, Field(description="Why it was skipped.")]
    settled: Annotated[str | None, Field(description="When it came into its state.")]


class RemovalItemPage(BaseModel):
    items: list[RemovalItem]
    next_cursor: str | None


class RemovalPage(BaseModel):
    items: list[Removal]
    next_cursor: str | None
