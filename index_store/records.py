"""What is remembered, as frozen values: DATA's rows and the entries that make them.

Two words matter more than the rest. A *content* is one per distinct bytes; an *image* is what a client handed in, and
points at a content. The reference count of a content is its active images: while there is one its vectors are found,
when the last goes they are not, and when one comes back they are found again. Nothing of that is a flag on a row; it
is the fold of the `change` log.

Facts, quality, authenticity, evidence, metadata and verdict blocks are opaque JSON objects here: `index_store` keeps
them and does not read them (the two sort keys `quality.overall` and `authenticity.risk` of `ImageFilter` excepted).
Times are RFC 3339 text in UTC with microseconds, and are for people: order is `sequence`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from index_store.ids import new_image_id

Json: TypeAlias = Mapping[str, Any]
Bits: TypeAlias = bytes
"""Under another name because `Content` has a field called bytes."""
HalfVector: TypeAlias = NDArray[np.float16]
Box: TypeAlias = tuple[float, float, float, float]
"""[left, top, right, bottom] as shares (0..1) of the upright picture."""

ImageState = Literal["active", "removed", "purged"]
Outcome = Literal["stored", "referenced"]
SpaceState = Literal["building", "active", "retired"]
ChangeKind = Literal[
    "stored", "restored", "referenced", "removed", "withdrawn", "returned", "revived", "described", "forgotten"
]
"""stored: a new content and its first image · restored: a content without active images got one again ·
referenced: one more image of a content · removed: an image went, others of its content stay ·
withdrawn: the last active image of a content went · returned and revived: a removed image came back, as one more of
its content or as the first · described: a further space has its vectors of a content (see `description_records`) ·
forgotten: what was `described` until a repair found it spoilt. Stored, restored and revived make the vectors of a
content findable, and described those of its space."""


@dataclass(frozen=True, slots=True)
class Content:
    """One per distinct bytes. `created` is filled in by the catalogue when it commits."""

    sha256: str
    bytes: int
    format: str
    width: int
    height: int
    pixel_hash: str
    phash: Bits
    """256 bits, so 32 bytes."""
    normalise_version: int
    facts: Json = field(default_factory=dict)
    quality: Json = field(default_factory=dict)
    authenticity: Json = field(default_factory=dict)
    too_little_detail: bool = False
    created: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """What a client handed in. `verdict_block` is the verdict as it stood when committed; it never changes."""

    image_id: str
    content_id: str
    external_id: str | None
    person_id: str | None
    metadata: Json
    state: ImageState
    outcome: Outcome
    verdict: str
    relation: str | None
    probability: float
    verdict_block: Json
    handed_in_bytes: int
    created: str
    sequence: int
    """The change that committed it; newest first means by this, not by a clock."""


@dataclass(frozen=True, slots=True)
class ContentWithImages:
    content: Content
    images: tuple[Image, ...]
    """Its active images, oldest first, capped."""
    references: int
    """How many active images it has, uncapped. 0: nothing of it may be shown or matched."""


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What rows alone say of a picture that is asked about."""

    exact: tuple[str, ...]
    """Contents with an active image that have its bytes or its pixels: same bytes first, then oldest; at most 64."""
    phashes: Mapping[str, bytes]
    """The perceptual hashes of those of its neighbours that have an active image."""


@dataclass(frozen=True, slots=True)
class Space:
    """A descriptor model at one exact state. Vectors of two generations are never compared."""

    space_id: int
    name: str
    generation: str
    dimension: int
    metric: str
    state: SpaceState


@dataclass(frozen=True, slots=True, eq=False)
class NewVector:
    """A descriptor to be remembered: finite, not zero, as long as its space's dimension, and stored as float16."""

    space_id: int
    values: HalfVector
    ordinal: int = 0
    box: Box | None = None
    """None: the whole picture."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredVector:
    vector_id: int
    content_id: str
    space_id: int
    sequence: int
    """The change that last made it findable."""
    values: HalfVector


@dataclass(frozen=True, slots=True)
class ProvedMatch:
    """What was proved between two contents. Kept only when both are held."""

    query_content: str
    reference_content: str
    relation: str
    probability: float
    evidence: Json
    model: str
    policy: str


@dataclass(frozen=True, slots=True)
class Change:
    """One committed effect. Sequences have no gaps, are never reused, and their order is the order of commits."""

    sequence: int
    kind: ChangeKind
    image_id: str
    """Empty where no image came or went."""
    content_id: str
    created: str
    space_id: int | None = None
    """The space that has described the content."""
    vectors: int | None = None
    """How many it has of it."""


@dataclass(frozen=True, slots=True)
class HandIn:
    """A picture handed in, with all that must be committed together. Its blob must already lie safely on disk.

    `content` is None when the image only points at a content the catalogue has (its own bytes are not kept, or they
    are known). Giving a content that turns out to be known is no error: the image then refers to the known one, and
    nothing is written twice.
    """

    content_id: str
    handed_in_bytes: int
    verdict: str
    probability: float
    verdict_block: Json
    relation: str | None = None
    content: Content | None = None
    vectors: tuple[NewVector, ...] = ()
    matches: tuple[ProvedMatch, ...] = ()
    external_id: str | None = None
    person_id: str | None = None
    metadata: Json = field(default_factory=dict)
    image_id: str = field(default_factory=new_image_id)


@dataclass(frozen=True, slots=True)
class Removal:
    """Make an image `removed`. Doing it again changes nothing.

    With a `keeper` it goes for that image's sake: only if both are active at that moment. So of any set of images that
    are removed for one another's sake, by however many processes, one always stays.
    """

    image_id: str
    keeper: str | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """Make a removed image active again, as it was. Doing it again changes nothing."""

    image_id: str


@dataclass(frozen=True, slots=True)
class Committed:
    """It is on disk. `sequence` is the log's head as this commit left it; `image` is the row as it now stands."""

    sequence: int
    image: Image


@dataclass(frozen=True, slots=True)
class Stale:
    """Nothing was written: pictures came or went after what was searched. Look at those, then retry."""

    head: int


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed for an index after `since`, up to and including `sequence`: enough to fold, nothing more.

    A content in `vectors` replaces whatever an index holds of it; one in `removed` is no longer to be found. Vectors
    come in the order they became findable.
    """

    since: int
    sequence: int
    vectors: tuple[StoredVector, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VectorPage:
    """Vectors in the order of their ids. It may hold fewer than were asked for, even none, before the last page."""

    vectors: tuple[StoredVector, ...]
    next_id: int | None
    """Ask for what comes after this one next; None: that was all."""


@dataclass(frozen=True, slots=True)
class ImageFilter:
    """Which active images to list; every condition given must hold.

    `min_risk` compares with `authenticity.risk` and `max_quality` with `quality.overall` (0..1); an image without the
    number is left out. `since` needs a time zone and is inclusive.
    """

    verdict: str | None = None
    relation: str | None = None
    person_id: str | None = None
    external_id: str | None = None
    min_risk: float | None = None
    max_quality: float | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Page:
    items: tuple[Image, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class Stats:
    images: int
    """Active images."""
    contents: int
    """Contents with an active image."""
    vectors: int
    """Vectors of those contents, over all spaces."""
    bytes_handed_in: int
    """Sum over active images of what the client sent."""
    bytes_stored: int
    """Sum over all contents: a removed picture still lies on disk until it is purged."""
    bytes_saved: int
    """Sum over active images that refer to bytes already there."""
    sequence: int


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A client's key as we keep it: the SHA-256 of its secret, never the secret. 256 random bits need no slow hash."""

    key_id: str
    name: str
    scope: str
    digest: bytes
    created: str
    revoked: str | None = None

    def opens(self, secret: str) -> bool:
        """Whether this secret is the key's and the key is not revoked, in time that does not depend on the secret."""
        same = compare_digest(sha256(secret.encode("utf-8", "surrogatepass")).digest(), self.digest)
        return same and self.revoked is None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made. This is the only time its secret is seen."""

    key: ApiKey
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """What a client sends: the key's id, a full stop, the secret. Neither part can hold a full stop."""
        return f"{self.key.key_id}.{self.secret}"
