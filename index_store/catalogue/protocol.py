"""The catalogue's seams: a log that is appended to, records that are read, and keys.

The log is the heart. Every effect takes the next sequence under the writer's lock, so the order of sequences is the
order of commits and a reader that has seen number n has seen everything up to n. That is what lets any number of
processes hold indexes of their own: an index is the fold of this log, and `index.sequence` says how far it has read.

It is also what makes verdicts sound. A verdict is reached outside every lock, from an index read up to S. `append`
takes that S, and refuses with `Stale` if pictures came or went after it: the caller compares with those only and
appends again. So of N re-encodings handed in at once exactly one finds nothing before it, and the catalogue never
judges a picture.
"""

from collections.abc import Iterable
from typing import Protocol

from index_store.records import (
    ApiKey,
    Committed,
    ContentWithImages,
    Delta,
    HandIn,
    Image,
    ImageFilter,
    NewKey,
    Page,
    Removal,
    Space,
    Stale,
    Stats,
    VectorPage,
)


class ChangeLog(Protocol):
    """What is written, and what a follower reads of it."""

    def append(self, entry: HandIn | Removal, *, searched_to: int) -> Committed | Stale:
        """Commit the entry under the next sequence, all of it or nothing.

        A hand-in is `Stale` if any picture came or went after `searched_to`; a removal never is. Raises
        `NotFoundError` (unknown image, or unknown content without one given), `BadEntryError`,
        `CatalogueBusyError`, `StoreFullError`.
        """
        ...

    def head(self) -> int:
        """The last sequence committed; 0 before the first."""
        ...

    def changes_since(self, sequence: int, space_id: int, limit: int) -> Delta:
        """What the changes after `sequence`, at most `limit` of them, mean for an index of that space."""
        ...

    def vectors(self, space_id: int, up_to_sequence: int, after_id: int, limit: int) -> VectorPage:
        """The space's vectors that were findable when the log stood at `up_to_sequence`, by id, from after `after_id`.

        At most `limit` rows are read. However many pages it takes and whatever is committed between them, together
        they are the fold of the log up to that sequence.
        """
        ...

    def ensure_space(self, name: str, generation: str, dimension: int, metric: str) -> Space:
        """The space of that name and generation, made if new. `BadEntryError` if it has another dimension or metric."""
        ...

    def undescribed(self, space_id: int) -> int:
        """How many findable contents with enough detail have no vector in that space: a search there would miss them."""
        ...

    def check_writable(self) -> None:
        """Prove that a write can be committed now, by committing one. Raises what `append` would.

        A write that is rolled back proves little: SQLite keeps it in memory, and a full or read-only disk shows only
        at the commit. So this costs one synced commit; a readiness probe should ask at most every second or so.
        """
        ...


class Records(Protocol):
    """What is read. Every call is one consistent read and takes no writer's lock."""

    def contents(self, ids: Iterable[str]) -> dict[str, ContentWithImages]:
        """The contents that are known among these, by id, each with its active images (perhaps none)."""
        ...

    def find_exact(self, sha256: str, pixel_hash: str) -> list[str]:
        """Contents with an active image that have these bytes or pixels; same bytes first, then oldest; at most 64."""
        ...

    def known(self, sha256s: Iterable[str]) -> set[str]:
        """Those of the hashes that are bytes of a content with an active image."""
        ...

    def phashes(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The perceptual hashes of the contents known among these: a cheap first look at many neighbours."""
        ...

    def image(self, image_id: str) -> Image:
        """The image in whatever state it is. Raises `NotFoundError`."""
        ...

    def images(self, where: ImageFilter, limit: int, cursor: str | None = None) -> Page:
        """Active images, newest first. Raises `BadCursorError`."""
        ...

    def stats(self) -> Stats: ...


class Catalogue(ChangeLog, Records, Protocol):
    """Both halves over one database."""

    def close(self) -> None: ...


class Keys(Protocol):
    """API keys, and the secrets a service shares among its processes."""

    def create(self, name: str, scope: str) -> NewKey:
        """A new key; only the digest of its secret is kept."""
        ...

    def find(self, key_id: str) -> ApiKey | None:
        """The key, revoked or not: ask `key.opens(secret)`."""
        ...

    def list(self) -> tuple[ApiKey, ...]:
        """All keys, oldest first."""
        ...

    def revoke(self, key_id: str) -> ApiKey:
        """Revoke for good; a key already revoked keeps its first date. Raises `NotFoundError`."""
        ...

    def secret(self, name: str) -> bytes:
        """32 random bytes, made at the first asking and the same ever after, in every process."""
        ...
