"""Who runs a job: how it says that it lives, hears that it is to stop, and has the last word."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, Self

from index_store.errors import StoreError
from index_store.failpoints import reached
from index_store.ids import moment
from service import log
from service.domain.errors import JobStuckError, KeeponeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from index_store.job_records import Job, JobState
    from service.workflows.parts import Parts

LIFE_SECONDS = 10.0
"""How often whoever runs a job says so."""
LEFT_BEHIND = timedelta(seconds=60)
"""Without a sign of life for so long, a job may be taken over."""
LOOK_SECONDS = 0.5
"""How often a running job looks whether it was cancelled."""
MOST_STARTS = 20
"""A job whose worker died so often before one more item was done is not begun again: it would kill workers for ever."""

End = Literal["succeeded", "failed", "cancelled", "interrupted", "not ours"]


def run(
    job_id: str,
    owner: str,
    parts: Parts,
    work: Callable[[Job, Life], bool],
    *,
    stopping: threading.Event,
    on_progress: Callable[[list[str]], None] | None = None,
) -> End:
    """Do a job's work, or what is left of it, as this owner. The work answers whether it came to its end.

    "not ours": it is finished, or somebody else is at it. "interrupted": `stopping` was set, or another took the job
    over; it can be gone on with. A store that fails makes the job fail, with the reason in its row; raises StoreError
    where not even that can be written.
    """
    job = parts.jobs.claim(job_id, owner, left_behind=left_behind(), begins=True)
    if job is None:
        return "not ours"
    reached("job.claimed")
    if job.cancel_requested is not None:
        return ended(job_id, "cancelled", owner, parts)
    with Life(job_id, owner, parts, stopping, on_progress) as life:
        try:
            if job.starts > MOST_STARTS:
                raise JobStuckError  # noqa: TRY301 - it ends the job as any error of the work does
            whole = work(job, life)
        except (KeeponeError, StoreError) as error:
            problem = {"error": type(error).__name__, "detail": str(error)}
            return ended(job_id, "failed", owner, parts, problem)
        except Exception as error:  # noqa: BLE001 - a job left running by a defect would be run again for ever
            log.event("a job met a defect", level=logging.ERROR, error=error, job_id=job_id)
            return ended(job_id, "failed", owner, parts, {"error": "internal", "detail": str(error)})
    if whole:
        # Folders and noise in an archive are no items, so only now it is known how many there were.
        parts.jobs.add_items(job_id, 0, (), total=sum(parts.jobs.counts(job_id).values()))
        reached("job.items-done")
        return ended(job_id, "succeeded", owner, parts)
    return ended(job_id, "cancelled", owner, parts) if life.cancelled else "interrupted"


def ended(job_id: str, state: JobState, owner: str, parts: Parts, problem: dict[str, str] | None = None) -> End:
    """The job's last word, unless another has it by now. What was uploaded stays for a job that may be queued again."""
    if parts.jobs.claim(job_id, owner, left_behind=left_behind()) is None:
        return "interrupted"
    parts.jobs.set_state(job_id, state, problem=problem)
    reached("job.finished")
    if state == "succeeded":
        parts.staging.drop(job_id)
        return "succeeded"
    return "cancelled" if state == "cancelled" else "failed"


class Life:
    """The signs of life of a running job, and the ear for whoever wants it to stop."""

    def __init__(
        self,
        job_id: str,
        owner: str,
        parts: Parts,
        stopping: threading.Event,
        on_progress: Callable[[list[str]], None] | None,
    ) -> None:
        self.cancelled = False
        self._job_id = job_id
        self._owner = owner
        self._parts = parts
        self._stopping = stopping
        self._on_progress = on_progress
        self._lost = False
        self._ended = threading.Event()
        self._looked = time.monotonic()
        self._thread = threading.Thread(target=self._show, name="signs-of-life", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def finished(self, outcomes: list[str]) -> None:
        if self._on_progress is not None:
            self._on_progress(outcomes)

    def wants_to_stop(self) -> bool:
        if time.monotonic() - self._looked >= LOOK_SECONDS:
            self._looked = time.monotonic()
            self.cancelled = self._parts.jobs.get(self._job_id).cancel_requested is not None
        return self.cancelled or self._lost or self._stopping.is_set()

    def _show(self) -> None:
        while not self._ended.wait(LIFE_SECONDS):
            try:
                self._lost = self._parts.jobs.claim(self._job_id, self._owner, left_behind=left_behind()) is None
            except StoreError:  # the work itself will run into it, and says so better
                continue


def left_behind() -> str:
    """The moment before which an owner must have been seen last to have lost its job."""
    return moment(datetime.now(UTC) - LEFT_BEHIND)
