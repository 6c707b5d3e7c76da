"""The nouns of Keepone, as frozen values.

A picture is asked about (the *query*) or known (a *reference*). Neighbours from the index become *candidates* when
joined with their rows, and *matches* when verified, with evidence and a probability. Matches make a *verdict*.
A number that is unknown is None, and `unknown` says why under the field's name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.domain.faces import FoundFace

Matrix3 = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
Region = tuple[float, float, float, float]
"""[left, top, right, bottom] as shares (0..1) of the upright normalised picture."""


class Relation(StrEnum):
    IDENTICAL = "identical"
    SAME_PIXELS = "same_pixels"
    REENCODED = "reencoded"
    EDITED = "edited"
    SIBLING = "sibling"
    SAME_PERSON = "same_person"
    UNRELATED = "unrelated"


class Edit(StrEnum):
    CROPPED = "cropped"
    PADDED = "padded"
    ROTATED = "rotated"
    FLIPPED = "flipped"
    STRETCHED = "stretched"
    PERSPECTIVE = "perspective"
    RECOLOURED = "recoloured"
    GREYSCALE = "greyscale"
    BLURRED = "blurred"
    SHARPENED = "sharpened"
    NOISY = "noisy"
    PIXELATED = "pixelated"
    COMPRESSED = "compressed"
    OVERLAID = "overlaid"
    COMPOSITED = "composited"
    SCREENSHOT = "screenshot"


class Direction(StrEnum):
    QUERY_FROM_REFERENCE = "query_from_reference"
    REFERENCE_FROM_QUERY = "reference_from_query"
    SAME_DETAIL = "same_detail"
    UNKNOWN = "unknown"


class VerdictKind(StrEnum):
    DUPLICATE = "duplicate"
    UNIQUE = "unique"
    UNCERTAIN = "uncertain"


class OperatingPoint(StrEnum):
    STRICT = "strict"
    BALANCED = "balanced"
    LOOSE = "loose"


class Action(StrEnum):
    KEEP = "keep"
    DELETE = "delete"
    REVIEW = "review"


PictureFormat = Literal["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIC"]


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is known of a file once it is decoded. Width and height are of the upright normalised picture, in pixels."""

    sha256: str
    format: PictureFormat
    width: int
    height: int
    bytes: int
    pixel_hash: str
    """SHA-256 (hex) over normalise version, width, height and the normalised RGB bytes: equal means the same pixels."""
    normalise_version: int
    animated: bool = False
    notes: tuple[str, ...] = ()
    """What normalising met, e.g. `icc_unusable`."""

    @property
    def megapixels(self) -> float:
        return self.width * self.height / 1e6

    @property
    def unseen(self) -> frozenset[str]:
        """What the file holds that its normalised pixels do not show: transparency, more than eight bits."""
        return frozenset(self.notes) & {"alpha_composited", "depth_scaled"}


@dataclass(frozen=True, slots=True)
class Quality:
    """How good a picture is. Numbers are 0..1, higher is better, but where another unit stands beside them."""

    overall: float | None = None
    sharpness: float | None = None
    effective_megapixels: float | None = None
    colourfulness: float | None = None
    exposure: float | None = None
    compression: float | None = None
    contrast: float | None = None
    noise: float | None = None
    """Standard deviation in grey levels of 255; higher is worse."""
    blocking: float | None = None
    """How strongly JPEG's blocks show, 0..1; higher is worse."""
    enlargement: float | None = None
    """Times a side is longer than the detail needs, 1 or more."""
    jpeg_quality: int | None = None
    """1..100."""
    was_lossy: bool | None = None
    """Whether a lossless file holds what was a JPEG before."""
    moved_grid: bool | None = None
    """Whether the pixels lie on the blocks of an earlier JPEG that are not where the file's own are: it was cropped, padded
    or mirrored since."""
    bit_depth: int | None = None
    """Bits a channel in the file."""
    metadata_kept: bool | None = None
    """Whether the file carries EXIF, XMP or IPTC."""
    camera_named: bool | None = None
    """Whether its EXIF names the camera that took it."""
    margin: float | None = None
    """The share of the picture, 0..1, that is a frame around it: a border, a caption's band, a page."""
    earlier_jpeg_quality: int | None = None
    """1..100: what the pixels were saved as before they became this file."""
    tones_changed: bool | None = None
    """Whether light or contrast was changed after that earlier save."""
    tones_stretched: float | None = None
    """Times the contrast that was made since that save, 1 for none."""
    lights_cut_at: int | None = None
    """Grey level of 255 at which its lights are cut off; less than white where it was darkened since."""
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def shows_an_earlier_save(self) -> bool:
        """Whether its pixels were a JPEG before they became this file."""
        return self.earlier_jpeg_quality is not None or bool(self.was_lossy)


@dataclass(frozen=True, slots=True)
class Authenticity:
    """Whether a picture is what it claims to be. Every number is a risk, 0..1, higher is worse."""

    risk: float | None = None
    screenshot: float | None = None
    recapture: float | None = None
    generated: float | None = None
    presentation_attack: float | None = None
    signals: tuple[str, ...] = ()
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assessed:
    """A picture as the keeper rule sees it: its facts and what was assessed of it."""

    facts: PictureFacts
    quality: Quality
    authenticity: Authenticity
    too_little_detail: bool = False
    faces: tuple[FoundFace, ...] | None = None
    """Those that were found, the surest first; None where none were looked for, or were not kept."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found when a query was laid against one reference. `unknown` says why a field is None."""

    content_hash_equal: bool
    pixels_equal: bool
    phash_distance: int | None = None
    """Hamming distance of the closest dihedral variants, of 256 bits."""
    appearance: float | None = None
    """Combined hash, SSIM and histogram score, 0..1 (docs/explanation/compare.md)."""
    inliers: int | None = None
    """Distinct pairs of local features that one map carries onto each other."""
    agreement: float | None = None
    """Share of the cells of what both show that were found where the map says, 0..1."""
    in_place: float | None = None
    """Share of those cells that lie just where the map says, 0..1: another exposure's are found, and pulled about."""
    query_overlap: float | None = None
    reference_overlap: float | None = None
    transform: Matrix3 | None = None
    """Maps query shares to reference shares, row-major."""
    reference_region: Region | None = None
    unknown: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reason:
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`keeper` is an image id or "query"; None inside a match, whose action is about that reference alone."""

    action: Action
    keeper: str | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A verified candidate. `similarity` is the cosine in the descriptor space, -1..1, None if it came by a hash."""

    image_id: str
    content_id: str
    external_id: str | None
    relation: Relation
    edits: tuple[Edit, ...]
    direction: Direction
    probability: float
    similarity: float | None
    evidence: Evidence
    recommendation: Recommendation


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer. `probability` is the best match's, 0 when there is none."""

    kind: VerdictKind
    probability: float
    recommendation: Recommendation
    matches: tuple[Match, ...]
    too_little_detail: bool = False
