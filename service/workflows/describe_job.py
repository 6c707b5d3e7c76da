"""Filling a further space as a job: asked for by whoever sees that it lacks something, and resumed after a crash.

An item of the job is one step: a few pictures that were described and committed together, or one that could not be
read. The items only tell; what is done is told by the catalogue, so a step whose item was lost is not done again.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from index_store.errors import SameJobError, StoreError
from index_store.job_records import UNFINISHED, JobItemOutcome, NewJob
from service import log
from service.domain.errors import UnknownSpaceError
from service.workflows.filling import AT_ONCE, fill, found_lacking, is_whole
from service.workflows.job_life import run
from service.workflows.spaces import space_named

if TYPE_CHECKING:
    import threading

    from index_store.job_records import ItemState, Job
    from service.workflows.filling import Step
    from service.workflows.job_life import End, Life
    from service.workflows.parts import Parts
    from service.workflows.spaces import FurtherSpace

KIND = "describe"
DESCRIBED, UNREADABLE, NOTHING_NEW = "described", "unreadable", "nothing-new"
LOOK_SECONDS = 2.0
_PAGE = 100
AGAIN_SECONDS = 60.0
"""After a job that failed, the next one is not asked for before."""
GIVEN_UP_SECONDS = 3600.0
"""A job whose space nobody has set is ended after so long. Whoever sets the space again asks for what is missing anew."""


def run_describe_job(job_id: str, owner: str, parts: Parts, *, stopping: threading.Event) -> End:
    """Run the job, or what is left of it, as this owner; see `job_life.run`."""

    def work(job: Job, life: Life) -> bool:
        space = space_named(job.request["space"], parts.spaces)
        if not _is_meant(job, space):
            raise UnknownSpaceError(f"{space.name} has other weights here than those that the job was asked for.")
        done = sum(parts.jobs.counts(job_id).values())
        left = parts.catalogue.descriptions.coverage(space.space.space_id).missing
        parts.jobs.add_items(job_id, 0, (), total=done + -(-left // AT_ONCE))
        account = _Account(job_id, done, parts, life)
        return fill(space, parts, wants_to_stop=life.wants_to_stop, told=account.keep)

    return run(job_id, owner, parts, work, stopping=stopping)


def can_run_here(job: Job, parts: Parts) -> bool:
    """Whether the model that is asked for is one of those that are set here, with the same weights."""
    return any(_is_meant(job, one) for one in parts.spaces)


def given_up(job: Job) -> dict[str, str]:
    """Why a job is ended that nobody could run for so long, as its row tells it."""
    detail = f"No worker has had the space {job.request.get('space')} with these weights for an hour."
    return {"error": UnknownSpaceError.__name__, "detail": f"{detail} Set again, it is filled by a new job."}


def _is_meant(job: Job, space: FurtherSpace) -> bool:
    return (job.request["space"], job.request.get("generation")) == (space.name, space.space.generation)


class _Account:
    """Writes down what was done."""

    def __init__(self, job_id: str, done: int, parts: Parts, life: Life) -> None:
        self._job_id, self._next, self._parts, self._life = job_id, done, parts, life

    def keep(self, step: Step) -> None:
        outcome = DESCRIBED if step.described else NOTHING_NEW
        self._write(outcome, name=f"{step.described} pictures")
        for content_id, why in step.unreadable.items():
            problem = {"error": UNREADABLE, "detail": why}
            self._write(UNREADABLE, name=content_id, content_id=content_id, problem=problem)

    def _write(
        self, outcome: str, *, name: str, content_id: str | None = None, problem: dict[str, str] | None = None
    ) -> None:
        state: ItemState = "succeeded" if problem is None else "failed"
        self._parts.jobs.record(
            JobItemOutcome(
                self._job_id,
                self._next,
                state=state,
                outcome=outcome,
                content_id=content_id,
                problem=problem,
                name=name,
            )
        )
        self._next += 1
        self._life.finished([outcome])


class Filler:
    """Sees to it that every further space is filled: asks for a job where one lacks something. One per worker."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._watched = [_Watched(space, parts) for space in parts.spaces]
        self._look_again = 0.0

    def look(self) -> None:
        """Ask for what is needed; at most every few seconds. Raises StoreError."""
        now = time.monotonic()
        if not self._watched or now < self._look_again:
            return
        self._look_again = now + LOOK_SECONDS
        head = self._parts.catalogue.head()
        for one in self._watched:
            try:
                one.look(head, now)
            except StoreError as error:  # of one space; the others are looked after all the same
                log.event("a space cannot be looked after", level=logging.WARNING, space=one.name, error=error)


class _Watched:
    """One space: how far the log was looked through for what it lacks, and the job that was asked for last."""

    def __init__(self, space: FurtherSpace, parts: Parts) -> None:
        self._space, self._parts = space, parts
        self._looked_to: int | None = None
        self._job_id: str | None = None
        self._not_before = 0.0

    @property
    def name(self) -> str:
        return self._space.name

    def look(self, head: int, now: float) -> None:
        if self._job_id is not None:
            state = self._parts.jobs.get(self._job_id).state
            if state in UNFINISHED or (state == "cancelled" and not is_whole(self._space, self._parts)):
                return  # who cancelled it may have it go on
            self._job_id = None
            if state != "succeeded":  # what it was to do may be missing still
                self._looked_to = None
            if state == "failed":
                self._not_before = now + AGAIN_SECONDS
        if head == self._looked_to or now < self._not_before:
            return
        if self._lacks_something():
            self._ask()
        elif self._looked_to is None:
            self._parts.catalogue.descriptions.use(self._space.space.space_id, is_whole=True)
        self._looked_to = head

    def _lacks_something(self) -> bool:
        descriptions, space_id = self._parts.catalogue.descriptions, self._space.space.space_id
        if self._looked_to is None:
            return bool(descriptions.missing(space_id, "", 1))
        return bool(descriptions.missing_since(space_id, self._looked_to, 1))

    def _ask(self) -> None:
        wanted = {"space": self._space.name, "generation": self._space.space.generation}
        if not is_whole(self._space, self._parts) and (cancelled := self._cancelled(wanted)):
            self._job_id = cancelled.job_id
            return
        found_lacking(self._space, self._parts)
        new = NewJob(KIND, wanted, alone=True)
        try:
            self._job_id = self._parts.jobs.create(new).job_id
        except SameJobError as error:  # another worker saw it too
            self._job_id = error.job_id

    def _cancelled(self, wanted: dict[str, str]) -> Job | None:
        """The newest job for this, whichever worker asked for it, if a person cancelled it."""
        cursor: str | None = None
        while True:
            page = self._parts.jobs.list(_PAGE, cursor, kind=KIND)
            for job in page.items:
                if job.request == wanted:
                    return job if job.state == "cancelled" else None
            cursor = page.next_cursor
            if cursor is None:
                return None
