"""What goes over the wire: the contract's names, with what they mean. Fields may be added, never renamed."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from service.domain.likeness import Distance
from service.domain.values import Action, Direction, Edit, PictureFormat, Relation, VerdictKind

Share = Annotated[float, Field(ge=0, le=1)]
Unknown = Annotated[dict[str, str], Field(description="Why a field is null, by its name.")]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]

_DATE_AND_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}")


def _written_out(value: object) -> object:
    """Pydantic would also take seconds since 1970 and bare dates, which the contract does not."""
    if isinstance(value, str) and _DATE_AND_TIME.match(value) is None:
        raise ValueError("is not a date and time as RFC 3339 writes them")
    return value


def _in_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError as error:  # an offset that leads out of the years 1 to 9999
        raise ValueError("is out of range") from error


Moment = Annotated[datetime, BeforeValidator(_written_out), AfterValidator(_in_utc)]


class Reason(BaseModel):
    text: str
    weight: Annotated[float, Field(ge=-1, le=1, description="Negative where it speaks against the recommendation.")]


class Recommendation(BaseModel):
    action: Action
    keeper: Annotated[str | None, Field(description='An image id or "query"; null where it cannot be told.')] = None
    reasons: list[Reason] = []
    policy: Annotated[str | None, Field(description="By which it was weighed; null of one made before policies.")] = (
        None
    )
    model: Annotated[str | None, Field(description="By which it was proved, likewise.")] = None


class MatchRecommendation(BaseModel):
    action: Action


class Evidence(BaseModel):
    content_hash_equal: bool
    pixels_equal: bool
    phash_distance: Annotated[int | None, Field(ge=0, le=256, description="Bits that differ, of 256.")]
    appearance: Share | None
    inliers: Annotated[int | None, Field(ge=0, description="Local features that one map carries onto each other.")]
    agreement: Annotated[
        Share | None, Field(description="Share of the cells of what both show that were found where the map says.")
    ]
    in_place: Annotated[Share | None, Field(description="Share of the cells that lie just where the map says.")]
    query_overlap: Share | None
    reference_overlap: Share | None
    transform: Annotated[
        list[list[float]] | None, Field(description="3x3, row-major: query shares to reference shares.")
    ]
    reference_region: Annotated[list[float] | None, Field(description="[left, top, right, bottom] as shares.")]
    unknown: Unknown


class Links(BaseModel):
    thumbnail: str


class Match(BaseModel):
    image_id: str
    external_id: str | None
    relation: Relation
    edits: list[Edit]
    direction: Direction
    probability: Annotated[Share, Field(description="That both come from one source picture.")]
    similarity: Annotated[float | None, Field(ge=-1, le=1, description="Cosine in the descriptor space.")]
    evidence: Evidence
    unknown: Unknown
    recommendation: MatchRecommendation
    links: Links


class Quality(BaseModel):
    """How good a picture is. Where no unit stands beside it a number is 0..1, and higher is better."""

    overall: Share | None
    sharpness: Share | None
    effective_megapixels: Annotated[
        float | None, Field(ge=0, description="Megapixels that would hold the detail that is really there.")
    ]
    colourfulness: Share | None
    exposure: Share | None
    compression: Annotated[Share | None, Field(description="What lossy compression left: a JPEG's quality / 100.")]
    contrast: Share | None = None
    noise: Annotated[float | None, Field(ge=0, description="Standard deviation in grey levels of 255.")] = None
    blocking: Annotated[Share | None, Field(description="How strongly JPEG's blocks show; higher is worse.")] = None
    enlargement: Annotated[float | None, Field(ge=1, description="Times a side is longer than the detail needs.")] = (
        None
    )
    jpeg_quality: Annotated[int | None, Field(ge=1, le=100, description="By the quantisation tables.")] = None
    was_lossy: Annotated[bool | None, Field(description="Whether a lossless file holds what was a JPEG.")] = None
    moved_grid: Annotated[
        bool | None, Field(description="Whether the pixels lie on an earlier JPEG's blocks, moved or mirrored since.")
    ] = None
    bit_depth: Annotated[int | None, Field(description="Bits a channel in the file.")] = None
    metadata_kept: Annotated[bool | None, Field(description="Whether the file carries EXIF, XMP or IPTC.")] = None
    camera_named: Annotated[bool | None, Field(description="Whether its EXIF names the camera that took it.")] = None
    margin: Annotated[Share | None, Field(description="How much of it is a frame: a border, a caption, a page.")] = None
    earlier_jpeg_quality: Annotated[
        int | None, Field(ge=1, le=100, description="Of a save as JPEG before this file, told by the pixels.")
    ] = None
    tones_changed: Annotated[
        bool | None, Field(description="Whether light or contrast was changed after that save.")
    ] = None
    tones_stretched: Annotated[
        float | None, Field(gt=0, description="Times the contrast that was made since that save, 1 for none.")
    ] = None
    lights_cut_at: Annotated[
        int | None,
        Field(ge=0, le=255, description="Grey level at which its lights are cut off: 251 and more are white."),
    ] = None
    unknown: Unknown


class Authenticity(BaseModel):
    risk: Share | None
    screenshot: Share | None
    recapture: Share | None
    generated: Share | None
    presentation_attack: Share | None
    signals: list[str]
    unknown: Unknown


class FaceQuality(BaseModel):
    """In the words of ISO/IEC 29794-5. Where no unit stands beside it a number is 0..1, and higher is better."""

    size: Annotated[Share | None, Field(description="By the distance of the eyes, 0.5 at 70 pixels.")]
    pose: Annotated[Share | None, Field(description="1 for a head that looks straight into the camera.")]
    occlusion: Annotated[
        Share | None, Field(description="1 where nothing covers the face; not judged in this version.")
    ]
    sharpness: Share | None
    exposure: Share | None
    inter_eye_pixels: Annotated[float | None, Field(ge=0, description="Distance of the eyes as from the front.")]
    yaw: Annotated[float | None, Field(description="Degrees to a side; plus is towards the right of the picture.")]
    pitch: Annotated[float | None, Field(description="Degrees up or down; not judged in this version.")]
    roll: Annotated[float | None, Field(description="Degrees in the plane of the picture; plus is clockwise.")]
    unknown: Unknown


class Face(BaseModel):
    box: Annotated[
        list[float],
        Field(description="[left, top, right, bottom] as shares of the upright picture; it may reach beyond it."),
    ]
    confidence: Annotated[Share | None, Field(description="Where the detector tells one.")]
    quality: FaceQuality
    presentation_attack: Annotated[Share | None, Field(description="Risk that it is no living face.")]
    unknown: Unknown


class Query(BaseModel):
    sha256: Sha256
    format: PictureFormat
    width: int
    height: int
    bytes: int
    animated: bool
    quality: Quality
    authenticity: Authenticity
    faces: Annotated[list[Face] | None, Field(description="The surest first; null where none were sought.")] = None
    unknown: Unknown = {}


class IndexState(BaseModel):
    sequence: Annotated[int, Field(description="How far the log was read before this verdict.")]
    size: Annotated[int, Field(description="Vectors that could be found.")]
    model: str


class Timings(BaseModel):
    decode: float
    embed: float
    search: float
    verify: float
    assess: float
    total: float


class Similar(BaseModel):
    """A stored picture that means much the same, by a further descriptor space. That alone makes it no copy."""

    space: str
    image_id: str
    external_id: str | None
    person_id: str | None
    similarity: Annotated[float, Field(ge=-1, le=1, description="Cosine in that space.")]
    distance: Annotated[float, Field(ge=0, description="By `metric`; lower is closer.")]
    metric: Distance
    threshold: Annotated[float | None, Field(description="The largest distance that the model's makers take for one.")]
    below: Annotated[bool | None, Field(description="Whether the distance is within the threshold.")]
    unknown: Unknown
    links: Links


class SimilarFace(Similar):
    """A face in a stored picture that lies near a face in the query, nearest first."""

    relation: Annotated[Literal["same_person"] | None, Field(description="`same_person` within the threshold.")]
    query_box: Annotated[list[float] | None, Field(description="[left, top, right, bottom] as shares.")]
    reference_box: list[float] | None


class SpaceAsked(BaseModel):
    """A further descriptor space, and how much it knew when it was asked."""

    space: str
    of_faces: bool
    generation: Annotated[str, Field(description="Digest of the model's exact state.")]
    found: Annotated[
        int | None, Field(description="Descriptors of the query: 1 of a picture, and of faces as many as it has.")
    ]
    pictures: Annotated[int, Field(description="Stored pictures that it has described so far.")]
    vectors: Annotated[int, Field(description="Vectors that could be found.")]
    sequence: Annotated[int, Field(description="How far its index has read the log.")]
    searched: Annotated[
        bool, Field(description="False while its index is being read, or where its model failed; nothing was searched.")
    ]
    unknown: Unknown = {}


class VerdictBlock(BaseModel):
    """Do we have this picture already, which one is it, and which copy should stay?"""

    verdict: VerdictKind
    probability: Annotated[Share, Field(description="The best match's; 0 when there is none.")]
    too_little_detail: Annotated[bool, Field(description="Flat, blank or tiny: matched by identical bytes or pixels.")]
    recommendation: Recommendation
    matches: list[Match]
    query: Query
    index: IndexState
    quick: Annotated[
        bool,
        Field(
            description="Whether only stored pictures were looked at closely that look alike as a whole or stand out."
        ),
    ] = False
    timings_ms: Timings
    similar: Annotated[
        list[Similar], Field(description="Beside the verdict: by every further space of pictures that is set.")
    ] = []
    persons: Annotated[
        list[SimilarFace], Field(description="Beside the verdict: by every further space of faces that is set.")
    ] = []
    spaces: Annotated[list[SpaceAsked], Field(description="The further spaces that were asked.")] = []


class Stage(BaseModel):
    """One thing that was looked at."""

    stage: str
    passed: Annotated[bool | None, Field(description="Null where an earlier stage had decided.")]
    text: str


class ComparisonLinks(BaseModel):
    change_map: Annotated[
        str | None,
        Field(description="A PNG as a data: URL: the reference in grey, dark where not shown, red where it differs."),
    ]


class Comparison(BaseModel):
    """What joins two pictures, and why they are no copies where they are none."""

    verdict: VerdictKind
    relation: Relation
    edits: list[Edit]
    direction: Direction
    probability: Annotated[Share, Field(description="That both come from one source picture.")]
    similarity: Annotated[float | None, Field(ge=-1, le=1, description="Cosine in the descriptor space.")]
    evidence: Evidence
    stages: Annotated[list[Stage], Field(description="As a check goes through them.")]
    why_not: Annotated[list[str], Field(description="What spoke against a copy; empty of a duplicate.")]
    query: Query
    reference: Query
    model: str
    unknown: Unknown
    links: ComparisonLinks
    timings_ms: Timings


class HandedIn(VerdictBlock):
    """What became of a picture handed in, and its verdict as it stood when committed."""

    image_id: str
    content_id: Sha256
    outcome: Literal["stored", "referenced"]
    references: Annotated[int, Field(description="Active images of this content, this one included.")]


class ImageLinks(Links):
    content: str


class Image(BaseModel):
    image_id: str
    content_id: Sha256
    external_id: str | None
    person_id: str | None
    metadata: dict[str, Any]
    state: Literal["active", "removed", "purged"]
    outcome: Literal["stored", "referenced"]
    verdict: VerdictKind
    relation: Relation | None
    probability: Share
    created: Annotated[str, Field(description="RFC 3339, UTC.")]
    links: ImageLinks


class ImageDetail(Image, Query):
    """An image with what was found out about its content."""

    references: Annotated[int, Field(description="Active images of its content.")]
    verdict_block: Annotated[dict[str, Any], Field(description="The verdict as it stood when committed.")]


class ImagePage(BaseModel):
    items: list[Image]
    next_cursor: str | None


class Accepted(BaseModel):
    """A job was made for the request."""

    job_id: str
    links: JobLinks


class JobLinks(BaseModel):
    self: str
    events: str
    items: str


class ToldProblem(BaseModel):
    """A problem (RFC 9457) of a job or an item."""

    type: str
    title: str
    status: int
    detail: str


class Job(BaseModel):
    job_id: str
    kind: str
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    total: Annotated[int | None, Field(description="Items in all; null while that is not known.")]
    done: Annotated[int, Field(description="Items that have their outcome.")]
    counts: Annotated[dict[str, int], Field(description="Items by outcome.")]
    rate: Annotated[float | None, Field(description="Items a second since it began; null before.")]
    eta_seconds: Annotated[float | None, Field(description="Time left at that rate; null where it cannot be told.")]
    cancel_requested: bool
    problem: Annotated[ToldProblem | None, Field(description="Why the job as a whole failed.")]
    created: str
    started: str | None
    finished: str | None
    created_by: Annotated[str | None, Field(description="Id of the key that asked for it.")]
    links: JobLinks


class JobPage(BaseModel):
    items: list[Job]
    next_cursor: str | None


class JobItem(BaseModel):
    ordinal: Annotated[int, Field(description="Where it stands in its source, from 0.")]
    name: str
    state: Literal["pending", "succeeded", "failed", "skipped"]
    outcome: Annotated[str | None, Field(description="stored, referenced, rejected, not-a-picture or failed.")]
    image_id: str | None
    content_id: Sha256 | None
    verdict: VerdictKind | None
    problem: ToldProblem | None
    finished: str | None


class JobItemPage(BaseModel):
    items: list[JobItem]
    next_cursor: str | None


class Precheck(BaseModel):
    """Which of these bytes are here already? Ask before sending them."""

    model_config = ConfigDict(extra="forbid")
    sha256: Annotated[list[Sha256], Field(min_length=1, max_length=10_000)]


class PrecheckedHash(BaseModel):
    sha256: Sha256
    known: bool


class Prechecked(BaseModel):
    results: list[PrecheckedHash]


class IndexStats(BaseModel):
    space: str
    model: str
    size: int
    sequence: int
    lag: Annotated[int, Field(description="Changes committed that this process's index has not read yet.")]
    state: Annotated[
        Literal["building", "active", "retired"], Field(description="`building` until it has described all there was.")
    ] = "active"
    pictures: Annotated[int | None, Field(description="Stored pictures described; null: each as it is taken in.")] = (
        None
    )
    missing: Annotated[int, Field(description="Stored pictures that are yet to be described.")] = 0


class Stats(BaseModel):
    images: int
    contents: int
    bytes_handed_in: int
    bytes_stored: int
    bytes_saved: Annotated[int, Field(description="Bytes not stored because a reference stands for them.")]
    index: list[IndexStats]


class Session(BaseModel):
    scope: Literal["read", "write", "admin"]
    csrf_token: Annotated[str | None, Field(description="Send it in X-CSRF-Token; null where there is no session.")]
    expires_at: Annotated[str | None, Field(description="RFC 3339, UTC.")]


class Health(BaseModel):
    status: Literal["live", "ready"]
    spaces: Annotated[
        dict[str, bool] | None,
        Field(description="Further spaces, where any are set: whether the index of each is level with the log."),
    ] = None


class ProblemRow(BaseModel):
    where: str
    what: str


class Problem(BaseModel):
    """RFC 9457."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    detail: str
    instance: Annotated[str, Field(description="The request's id, as in the log.")]
    errors: list[ProblemRow] | None = None
