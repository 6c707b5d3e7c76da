"""Long work as it is remembered: jobs, their items, and answers that are given again.

A job's rows are what anybody may ask about; who runs it is not known here. An item has one outcome for ever: the first
that is recorded stands, and whoever comes later is told of it. So work may be begun again after a crash, and an effect
that was committed with its item's outcome is not made twice.

A running job has an owner who gives signs of life. One that gives none for long has lost the job to whoever claims it
next; should it wake up, the items' outcomes keep it from doing anything twice.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Literal

from index_store.errors import BadTransitionError
from index_store.ids import new_id
from index_store.records import Json

JobState = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ItemState = Literal["pending", "succeeded", "failed", "skipped"]

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    "queued": frozenset({"running", "failed", "cancelled"}),
    "running": frozenset({"succeeded", "failed", "cancelled"}),
    "succeeded": frozenset(),
    "failed": frozenset({"queued"}),
    "cancelled": frozenset({"queued"}),
}
"""Where a job may go from each state. Staying where it is is always allowed and changes nothing. What failed or was
cancelled may be queued again, and goes on with the items that have no outcome."""
FINISHED: frozenset[JobState] = frozenset({"succeeded", "failed", "cancelled"})
UNFINISHED: frozenset[JobState] = frozenset({"queued", "running"})


def new_job_id() -> str:
    return new_id("job")


@dataclass(frozen=True, slots=True)
class NewJob:
    """Work to be done. `names` become its first items, numbered from 0; more may be added while it is not finished."""

    kind: str
    request: Json = field(default_factory=dict)
    names: tuple[str, ...] = ()
    total: int | None = None
    """How many items there will be, if that is known and not the number of names."""
    created_by: str | None = None
    owner: str | None = None
    """Who runs it from the start; None: it is queued."""
    alone: bool = False
    """Not beside an unfinished job of this kind that was asked for the same."""
    job_id: str = field(default_factory=new_job_id)


@dataclass(frozen=True, slots=True)
class Job:
    job_id: str
    kind: str
    state: JobState
    total: int | None
    """None while nobody knows how many items there will be."""
    request: Json
    problem: Json | None
    """Why the job as a whole failed; what happened to an item is told by the item."""
    cancel_requested: str | None
    """When somebody asked it to stop; whoever runs it looks at this between items."""
    created: str
    started: str | None
    finished: str | None
    created_by: str | None
    owner: str | None
    """Who runs it, or ran it last."""
    seen: str | None
    """The owner's last sign of life."""
    attempt: int
    """How often it was claimed or queued again: no two runs share it."""
    number: int
    """Newest first means by this, not by a clock."""
    starts: int = 0
    """How often work at it was begun since an item got its outcome, or since it was queued."""
    done_at_start: int = 0
    """Items that had their outcome when it was begun last."""


def in_states(state: JobState | Collection[JobState] | None) -> frozenset[JobState]:
    """The states that are asked for; none means all."""
    if state is None:
        return frozenset()
    return frozenset({state} if isinstance(state, str) else state)


def claimed(job: Job, owner: str, *, now: str, left_behind: str, done: int | None = None) -> Job | None:
    """The job with this owner, or None if it is not to be had: finished, or another's who was seen since `left_behind`.

    With the number of its items that are `done`, the owner begins to work at it, and that is counted.
    """
    if job.state in FINISHED:
        return None
    if done is not None:
        stuck = done <= job.done_at_start
        job = replace(job, starts=job.starts + 1 if stuck else 1, done_at_start=done)
    if job.state == "running" and job.owner == owner:
        return replace(job, seen=now)
    if job.state == "running" and (job.seen or "") >= left_behind:
        return None
    return replace(
        job, state="running", owner=owner, seen=now, attempt=job.attempt + 1, started=job.started or now, finished=None
    )


def moved(job: Job, state: JobState, *, now: str, problem: Json | None) -> Job:
    """The job in another state. Raises `BadTransitionError`."""
    if job.state == state:
        return job
    if state not in TRANSITIONS[job.state]:
        raise BadTransitionError(f"job {job.job_id} is {job.state} and cannot become {state}")
    if state == "queued":
        attempt = job.attempt + 1
        return replace(job, state=state, problem=None, cancel_requested=None, finished=None, starts=0, attempt=attempt)
    if state == "running":
        return replace(job, state=state, problem=problem, started=now)
    return replace(job, state=state, problem=problem, finished=now)


@dataclass(frozen=True, slots=True)
class JobItem:
    job_id: str
    ordinal: int
    name: str
    state: ItemState
    outcome: str | None
    """One word that counts are kept by, such as `stored`, `referenced` or `rejected`."""
    image_id: str | None
    content_id: str | None
    verdict: str | None
    problem: Json | None
    finished: str | None


@dataclass(frozen=True, slots=True)
class JobItemOutcome:
    """What became of an item. Committed with an entry of the log, what is None here is taken from the entry's image."""

    job_id: str
    ordinal: int
    state: ItemState = "succeeded"
    outcome: str | None = None
    image_id: str | None = None
    content_id: str | None = None
    verdict: str | None = None
    problem: Json | None = None
    name: str | None = None
    """None: the name it has."""


@dataclass(frozen=True, slots=True)
class IdempotentAnswer:
    """The answer a client gets for a key of its own, now and whenever it asks again.

    Committed with an entry of the log, `image_id` is the entry's image unless it is given: what is to be told about
    the image can be read from its row, which never changes in what was said when it was committed.
    """

    key_id: str
    key: str
    payload_digest: str
    status: int
    body: Json = field(default_factory=dict)
    headers: Json = field(default_factory=dict)
    image_id: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """Nobody used the key before: do the work, and commit its answer with it."""


@dataclass(frozen=True, slots=True)
class InProgress:
    """Somebody is doing the work at this moment."""

    since: str


@dataclass(frozen=True, slots=True)
class JobPage:
    items: tuple[Job, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class JobItemPage:
    items: tuple[JobItem, ...]
    next_cursor: str | None
