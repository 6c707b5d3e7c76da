"""The catalogue's seams: a log that is appended to, records that are read, keys, jobs, and answers given again.

The log is the heart. Every effect takes the next sequence under the writer's lock, so the order of sequences is the
order of commits and a reader that has seen number n has seen everything up to n. That is what lets any number of
processes hold indexes of their own: an index is the fold of this log, and `index.sequence` says how far it has read.

It is also what makes verdicts sound. A verdict is reached outside every lock, from an index read up to S. `append`
takes that S, and refuses with `Stale` if pictures came or went after it: the caller compares with those only and
appends again. So of N re-encodings handed in at once exactly one finds nothing before it, and the catalogue never
judges a picture.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Protocol

from index_store.description_records import Coverage, Description, DescriptionOutcome, PlacedVector
from index_store.group_records import Group, GroupAnswer
from index_store.job_records import (
    Begun,
    IdempotentAnswer,
    InProgress,
    ItemState,
    Job,
    JobItem,
    JobItemOutcome,
    JobItemPage,
    JobPage,
    JobState,
    NewJob,
)
from index_store.person_records import ConflictPage, NewPerson, Person, PersonPage
from index_store.policy_records import NewPolicy, PolicyPage, PolicyRecord
from index_store.proof_records import Held, PairPage, ProvedPair
from index_store.records import (
    ApiKey,
    Committed,
    ContentWithImages,
    Delta,
    FirstLook,
    HandIn,
    Image,
    ImageFilter,
    Json,
    NewKey,
    Page,
    Removal,
    Return,
    Space,
    SpaceState,
    Stale,
    Stats,
    VectorPage,
)
from index_store.removal_records import (
    NewRemoval,
    RemovalItemPage,
    RemovalItemState,
    RemovalOutcome,
    RemovalPage,
    RemovalRecord,
    RemovalState,
)


class ChangeLog(Protocol):
    """What is written, and what a follower reads of it."""

    def append(self, entry: HandIn | Removal | Return, *, searched_to: int) -> Committed | Stale:
        """Commit the entry under the next sequence, all of it or nothing.

        A hand-in is `Stale` if any picture came or went after `searched_to`; a removal or a return never is. Raises
        `NotFoundError` (unknown image, or unknown content without one given), `KeeperGoneError` (a removal for the
        sake of what is not there), `BadEntryError`, `CatalogueBusyError`, `StoreFullError`.
        """
        ...

    def append_many(self, group: Group) -> list[GroupAnswer]:
        """Commit many entries in one transaction, each all or nothing, and answer for each in its place.

        An item is refused alone: it is answered `Stale`, `AlreadyDone`, or with the `BadEntryError`, `NotFoundError` or
        `BadTransitionError` that is about it, and the rest are committed. Later items see earlier ones: an item stays
        current only if it says that its verdict took their contents into account. The rule, and why it keeps exactly
        one of N re-encodings unique, is told in `index_store.group_records`. What an item commits `also` is there
        exactly when its entry is.

        Errors of the store itself (busy, full, unavailable) are raised, and then nothing of the group was kept.
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

    def ensure_space(
        self, name: str, generation: str, dimension: int, metric: str, state: SpaceState = "active"
    ) -> Space:
        """The space of that name and generation, made in this state if it is new.

        `BadEntryError` if it has another dimension or metric.
        """
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

    def first_look(self, sha256: str, pixel_hash: str, neighbours: Iterable[str]) -> FirstLook:
        """What the rows alone say of a picture with these bytes and pixels, and of its neighbours in an index."""
        ...

    def known(self, sha256s: Iterable[str]) -> set[str]:
        """Those of the hashes that are bytes of a content with an active image."""
        ...

    def references_at(self, content_id: str, sequence: int) -> int:
        """How many active images the content had when that change was committed, by the log."""
        ...

    def image(self, image_id: str) -> Image:
        """The image in whatever state it is. Raises `NotFoundError`."""
        ...

    def images(self, where: ImageFilter, limit: int, cursor: str | None = None) -> Page:
        """Active images, newest first. Raises `BadCursorError`."""
        ...

    def stats(self) -> Stats: ...


class Catalogue(ChangeLog, Records, Protocol):
    """Both halves over one database, with what an entry may commit also."""

    software: str
    """What keeps it, with its version, for people."""

    @property
    def jobs(self) -> "Jobs": ...

    @property
    def answers(self) -> "Answers": ...

    @property
    def persons(self) -> "Persons": ...

    @property
    def removals(self) -> "Removals": ...

    @property
    def policies(self) -> "Policies": ...

    @property
    def proofs(self) -> "Proofs": ...

    @property
    def descriptions(self) -> "Descriptions": ...

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


class Persons(Protocol):
    """Whom images belong to. A person that an image is committed for is known from then on."""

    def create(self, new: NewPerson, answer: IdempotentAnswer | None = None) -> Person:
        """Raises `BadEntryError`; `BadTransitionError` if there is one of that id.

        With an answer both are committed together; if the key has its answer already, the person named in its body by
        `person_id` is answered and nothing is made.
        """
        ...

    def get(self, person_id: str) -> Person:
        """Raises `NotFoundError`."""
        ...

    def list(self, limit: int, cursor: str | None = None) -> PersonPage:
        """Those that became known last come first. Raises `BadCursorError`."""
        ...

    def change(self, person_id: str, how: Callable[[Person], Person]) -> Person:
        """Its name and metadata, made from what they are; nothing else changes. Raises `NotFoundError`, `BadEntryError`."""
        ...

    def remove(self, person_id: str) -> None:
        """Forget it. Raises `NotFoundError`; `BadTransitionError` while it has active images."""
        ...

    def conflicts(
        self, limit: int, cursor: str | None = None, *, least: float, of_one_person: bool = False
    ) -> ConflictPage:
        """Pairs of contents that show the same and belong to different persons, or to one, in the order of their hashes.

        The same bytes, the same pixels, or copies as they were proved with at least that probability, unless somebody
        has said that the two differ. Raises `BadCursorError`.
        """
        ...


class Policies(Protocol):
    """What makes one copy better than another, by name. A policy never changes and never goes."""

    def create(self, new: NewPolicy, answer: IdempotentAnswer | None = None) -> PolicyRecord:
        """Raises `BadEntryError`; `BadTransitionError` if there is one of that name.

        With an answer both are committed together; if the key has its answer already, the policy named in its body by
        `name` is answered and nothing is made.
        """
        ...

    def get(self, name: str) -> PolicyRecord:
        """Raises `NotFoundError`."""
        ...

    def list(self, limit: int, cursor: str | None = None) -> PolicyPage:
        """The newest first. Raises `BadCursorError`."""
        ...


class Proofs(Protocol):
    """Copies as they were proved, of contents that have active images, unless somebody has said that the two differ."""

    def pairs(self, limit: int, cursor: str | None = None, *, least: float) -> PairPage:
        """All of at least that probability, in the order of their hashes. Raises `BadCursorError`."""
        ...

    def among(self, content_ids: Iterable[str], *, least: float) -> list[ProvedPair]:
        """Those of which both are among these, in the order of their hashes."""
        ...

    def held(self, content_ids: Iterable[str]) -> dict[str, Held]:
        """Those of the contents that have active images, with what these are called."""
        ...


class Descriptions(Protocol):
    """What further spaces say of contents; see `index_store.description_records`."""

    def add(self, descriptions: Sequence[Description]) -> list[DescriptionOutcome]:
        """Write them in one transaction, each once, and tell of each by a change of the log; what became of each.

        Raises `BadEntryError`, and then none is written.
        """
        ...

    def missing(self, space_id: int, after: str, limit: int) -> list[str]:
        """Findable contents with enough detail that the space has not described, by hash, from after that one."""
        ...

    def missing_since(self, space_id: int, sequence: int, limit: int) -> list[str]:
        """The same, of contents alone that a change after that sequence tells of: quick where little has changed."""
        ...

    def coverage(self, space_id: int) -> Coverage:
        """How much the space knows. It looks at every content."""
        ...

    def described(self, space_id: int) -> int:
        """How many contents it has described: read off an index."""
        ...

    def of(self, space_id: int, content_ids: Iterable[str]) -> dict[str, tuple[PlacedVector, ...]]:
        """Those of the contents that the space has described, each with its vectors by ordinal, perhaps none."""
        ...

    def spaces(self) -> tuple[Space, ...]:
        """All there ever were, oldest first."""
        ...

    def use(self, space_id: int, *, is_whole: bool, back: bool = False) -> Space:
        """Make it `active`, or `building` while it is not whole, and the active generation of its name `retired`.

        One that is retired itself changes nothing, for another has its place, unless somebody goes `back` to it: then
        those that are being filled are retired too.
        Raises `NotFoundError`.
        """
        ...


class Jobs(Protocol):
    """Long work, as rows that anybody may read. Who runs it is not known here."""

    def create(self, new: NewJob, answer: IdempotentAnswer | None = None) -> Job:
        """A queued job with its pending items. A job id that is known already is answered as it stands.

        With an answer both are committed together; if the key has its answer already, the job named in its body by
        `job_id` is answered and nothing is made. Raises `SameJobError` for one that is to be `alone` and is not.
        """
        ...

    def get(self, job_id: str) -> Job:
        """Raises `NotFoundError`, as every call here does for a job that is not there."""
        ...

    def list(
        self,
        limit: int,
        cursor: str | None = None,
        *,
        state: JobState | Collection[JobState] | None = None,
        kind: str | None = None,
    ) -> JobPage:
        """Newest first, in this state or one of these, of this kind or of any. Raises `BadCursorError`."""
        ...

    def set_state(self, job_id: str, state: JobState, *, problem: Json | None = None) -> Job:
        """Go to a state that `TRANSITIONS` allows, or raise `BadTransitionError`. The state it is in changes nothing."""
        ...

    def claim(self, job_id: str, owner: str, *, left_behind: str, begins: bool = False) -> Job | None:
        """Run it as this owner, or tell that one is still at it; None if it is not to be had.

        To be had are queued jobs, and running ones whose owner gave no sign of life since `left_behind`. An owner who
        `begins` is counted in the job's `starts`.
        """
        ...

    def request_cancel(self, job_id: str) -> Job:
        """Ask it to stop, once; whoever runs it looks between items. A finished job is answered as it is."""
        ...

    def add_items(self, job_id: str, first: int, names: Sequence[str], *, total: int | None = None) -> None:
        """Pending items from ordinal `first` on; one that is there already stays as it is."""
        ...

    def items(
        self, job_id: str, limit: int, cursor: str | None = None, *, state: ItemState | None = None
    ) -> JobItemPage:
        """By ordinal. Raises `BadCursorError`."""
        ...

    def counts(self, job_id: str) -> dict[str, int]:
        """How many items had each outcome; those without one are counted as `pending`."""
        ...

    def record(self, outcome: JobItemOutcome) -> JobItem:
        """The outcome of an item that made no entry, such as a failed one. The first outcome stands and is answered."""
        ...


class Removals(Protocol):
    """Plans of what could go, and what became of each item. Who acts on them is not known here."""

    def plan(self, new: NewRemoval) -> RemovalRecord:
        """Write a plan down, whole. One whose id is known already is answered as it stands."""
        ...

    def get(self, removal_id: str) -> RemovalRecord:
        """Raises `NotFoundError`, as every call here does for a removal that is not there."""
        ...

    def list(self, limit: int, cursor: str | None = None, *, state: RemovalState | None = None) -> RemovalPage:
        """Newest first. Raises `BadCursorError`."""
        ...

    def items(
        self, removal_id: str, limit: int, cursor: str | None = None, *, state: RemovalItemState | None = None
    ) -> RemovalItemPage:
        """By ordinal, from 1. Raises `BadCursorError`."""
        ...

    def counts(self, removal_id: str) -> dict[str, int]:
        """How many items are in each state."""
        ...

    def keepers(self, kind: str) -> tuple[Json, ...]:
        """For whose sake something went, by removals of this kind, and has not come back; once for each that went."""
        ...

    def set_state(self, removal_id: str, state: RemovalState) -> RemovalRecord:
        """Go to a state that `TRANSITIONS` allows, or raise `BadTransitionError`."""
        ...

    def record(self, removal_id: str, outcomes: Sequence[RemovalOutcome]) -> None:
        """What became of these items, in one transaction. An outcome that is told again changes nothing.

        Raises `BadTransitionError` for one that contradicts what is known, and then none is recorded.
        """
        ...

    def purge(self, removal_id: str, ordinals: Sequence[int]) -> dict[int, str]:
        """Make the images of these removed items `purged` for good, each together with its item, in one transaction.

        Answers by ordinal why an image stays: the one for whose sake it went is not there any more, say. Raises
        `BadTransitionError` unless the removal is applied.
        """
        ...

    def unneeded(self, contents: Iterable[str]) -> set[str]:
        """Those of the contents whose images are all purged."""
        ...


class Answers(Protocol):
    """What was answered to a client's own key, so that a request sent twice is one request."""

    def begin(
        self, key_id: str, key: str, payload_digest: str, *, left_behind: str = ""
    ) -> Begun | InProgress | IdempotentAnswer:
        """Claim the key, or learn that it is claimed or answered. One begun before `left_behind` may be claimed anew.

        Raises `KeyReusedError` if the key came with another payload.
        """
        ...

    def finish(self, answer: IdempotentAnswer) -> IdempotentAnswer:
        """Keep the answer to work that made no entry of the log. The first answer stands and is answered."""
        ...

    def abandon(self, key_id: str, key: str) -> None:
        """Give a claimed key back, because its work failed in a way that should be tried again. No answer is lost."""
        ...

    def forget_before(self, moment: str) -> int:
        """Drop keys first used before that moment (`index_store.ids` format), and say how many."""
        ...
