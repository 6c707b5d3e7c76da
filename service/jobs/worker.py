"""The worker: takes queued jobs from the catalogue and runs each as a DBOS workflow.

The catalogue's rows are the outbox: whoever makes a job commits its row and nothing else, so no job is ever half made.
The worker enqueues what it finds there under a workflow id made of job, attempt and its own name, so that finding it
twice does no harm. Each worker has queues of its own, and of several that find a job the first to claim it runs it. A
workflow holds no state of its own: its argument is the job's id, and what is done is told by the items' rows.

After a crash DBOS hands the workflow to the worker of the same name. If that one never comes back, the job gives no
signs of life any more, and any worker enqueues it as the next attempt; the last sign of life is part of the workflow's
id, for one that was used up in vain is never begun again by DBOS.

Not every machine has every upload, or sees every folder: what cannot be run here is left alone. So no worker may take
from another's queue.

Told to stop, a running job ends after its present group, and its workflow is left pending for the next start.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowSerializationFormat

from index_store.errors import BadTransitionError, NotFoundError, StoreError
from index_store.ids import moment
from index_store.job_records import FINISHED, UNFINISHED
from index_store.parent import when_parent_ends
from index_store.syncing import has_failed, make_folder
from service import log, wiring
from service.jobs.identity import executor_id
from service.jobs.preparing import InProcesses
from service.settings import load_settings
from service.workflows import describe_job
from service.workflows.job_life import LEFT_BEHIND
from service.workflows.jobs import can_run_here, run_job

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from index_store.job_records import Job, JobState
    from service.workflows.parts import Parts

PROTOCOL = "1"
"""DBOS gives a workflow only to executors of its application version. A job can be gone on with by any version that
understands its row, so this changes with the meaning of the rows and not with releases."""
SINGLE, MANY, DESCRIBING = "single-pictures", "many-pictures", "describing"
"""Queues: one picture never waits behind an archive of thousands, and neither behind a space that is being filled."""
LOOK_SECONDS = 0.5
LONGEST_PAUSE = 30.0
SWEEP_SECONDS = 3600.0
KEPT = timedelta(days=3)
"""How long the upload of a job that failed or was cancelled is kept, for it may be queued again."""
LISTS_KEPT = timedelta(days=30)
"""The same for a list of paths, which is small, and without which nobody knows what of the folder is done."""
LEFT_ALONE_SECONDS = 10.0
"""How often it is looked again whether a job that was left alone can be run here by now."""
ANSWERS_KEPT = timedelta(hours=24)
"""How long the answer to an idempotency key can be had again."""
PARTING_SECONDS = 20.0
PAGE = 100


@dataclass(frozen=True, slots=True)
class _LeftAlone:
    """A job that cannot be run here: since when that is known, and when it was looked at last."""

    since: float
    looked: float

    @property
    def waited(self) -> float:
        return self.looked - self.since


class Worker:
    """One per process, for DBOS is."""

    def __init__(self, parts: Parts, owner: str) -> None:
        self._parts = parts
        self._owner = owner
        self._enqueued: set[str] = set()
        self._left_alone: dict[str, _LeftAlone] = {}
        self._running = 0
        self._changed = threading.Condition()
        self._swept = -SWEEP_SECONDS
        self._filler = describe_job.Filler(parts)
        self.stopping = threading.Event()

    def run(self) -> None:
        """Until told to stop."""
        config: DBOSConfig = {
            "name": "keepone",
            "system_database_url": self._parts.settings.effective_jobs_url,
            "application_version": PROTOCOL,
            "executor_id": self._owner,
            "console_log_level": "ERROR",
            "enable_otlp": False,
        }
        DBOS(config=config)
        as_workflow = DBOS.workflow(name="ingest", serialization_type=WorkflowSerializationFormat.PORTABLE)

        def ingest(job_id: str) -> str:  # DBOS marks its workflows with attributes, which a method does not take
            return self._ingest(job_id)

        self._workflow = as_workflow(ingest)
        queues = [f"{queue}:{self._owner}" for queue in (SINGLE, MANY, DESCRIBING)]
        DBOS.listen_queues(queues)
        DBOS.launch()
        for queue in queues:
            DBOS.register_queue(queue, worker_concurrency=1, polling_interval_sec=LOOK_SECONDS)
        log.event("worker started", owner=self._owner)
        # After a failed sync nothing can be written here any more: this process ends, and is started again.
        while not self.stopping.wait(LOOK_SECONDS) and not has_failed():
            try:
                self._look()
            except Exception as error:  # noqa: BLE001 - the store's or DBOS's; the jobs that run here go on meanwhile
                log.event("the worker cannot look after its jobs", level=logging.WARNING, error=error)
        with self._changed:
            self._changed.wait_for(lambda: self._running == 0, PARTING_SECONDS)
        log.event("worker stopped", owner=self._owner)

    def _ingest(self, job_id: str) -> str:
        with self._changed:
            self._running += 1
        try:
            end = self._run(job_id)
            log.event("job", job_id=job_id, end=end)
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()
        if end == "interrupted" and self.stopping.is_set():
            # A workflow that returns is done for DBOS. This one is not: the process ends around it.
            threading.Event().wait()
        return end

    def _run(self, job_id: str) -> str:
        """Until the job's row tells how it ended: a workflow that failed before would never be begun again."""
        pause = LOOK_SECONDS
        while True:
            try:
                return run_job(job_id, self._owner, self._parts, stopping=self.stopping, preparing=InProcesses)
            except NotFoundError:
                return "not ours"
            except StoreError as error:
                log.event("a job's row cannot be written", level=logging.WARNING, job_id=job_id, error=error)
            except Exception as error:  # noqa: BLE001 - a defect of ours; begun again and again it would be no better
                log.event("a job failed", level=logging.ERROR, job_id=job_id, error=error)
                problem = {"error": type(error).__name__, "detail": str(error)}
                with suppress(StoreError):
                    self._parts.jobs.set_state(job_id, "failed", problem=problem)
                return "failed"
            if self.stopping.wait(pause):
                return "interrupted"
            pause = min(2 * pause, LONGEST_PAUSE)

    def _look(self) -> None:
        """Enqueue what is queued, and what has been left behind by its owner; end what is to be cancelled of both."""
        left_behind = moment(datetime.now(UTC) - LEFT_BEHIND)
        waiting = [job for job in self._jobs(UNFINISHED) if job.state == "queued" or (job.seen or "") < left_behind]
        for job in waiting:
            if job.cancel_requested is not None:
                self._end(job, "cancelled", left_behind)
            elif self._can_run(job):
                self._enqueue(job)
            elif job.kind == describe_job.KIND and self._left_alone[job.job_id].waited >= describe_job.GIVEN_UP_SECONDS:
                self._end(job, "failed", left_behind, describe_job.given_up(job))
        self._enqueued &= {self._workflow_id(job) for job in waiting}
        self._left_alone = {
            job.job_id: self._left_alone[job.job_id] for job in waiting if job.job_id in self._left_alone
        }
        if time.monotonic() - self._swept >= SWEEP_SECONDS:
            self._swept = time.monotonic()
            self._sweep()
        self._filler.look()

    def _end(self, job: Job, state: JobState, left_behind: str, problem: dict[str, str] | None = None) -> None:
        if job.state == "running" and self._parts.jobs.claim(job.job_id, self._owner, left_behind=left_behind) is None:
            return  # its owner is back
        with suppress(BadTransitionError):  # it ended meanwhile
            self._parts.jobs.set_state(job.job_id, state, problem=problem)

    def _can_run(self, job: Job) -> bool:
        left = self._left_alone.get(job.job_id)
        if left is not None and time.monotonic() - left.looked < LEFT_ALONE_SECONDS:
            return False
        try:
            can = can_run_here(job, self._parts)
        except (KeyError, TypeError, ValueError):
            can = True  # nobody can read such a row: its run will say so in it
        if can:
            self._left_alone.pop(job.job_id, None)
        else:
            now = time.monotonic()
            if left is None:
                log.event("a job is left alone: what it needs is not here", job_id=job.job_id)
            self._left_alone[job.job_id] = _LeftAlone(left.since if left else now, now)
        return can

    def _enqueue(self, job: Job) -> None:
        workflow_id = self._workflow_id(job)
        if workflow_id in self._enqueued:
            return
        with SetWorkflowID(workflow_id):
            queue = DESCRIBING if job.kind == describe_job.KIND else SINGLE if job.total == 1 else MANY
            DBOS.enqueue_workflow(f"{queue}:{self._owner}", self._workflow, job.job_id)
        self._enqueued.add(workflow_id)

    def _workflow_id(self, job: Job) -> str:
        """One for each time that it is to be begun."""
        begun = f"{job.job_id}.{job.attempt + 1}.{self._owner}"
        return f"{begun}.{job.seen}" if job.state == "running" else begun

    def _sweep(self) -> None:
        """Uploads that no job needs any more, and answers that need not be given again."""
        now = datetime.now(UTC)
        self._parts.answers.forget_before(moment(now - ANSWERS_KEPT))
        self._parts.staging.sweep({job.job_id for job in self._jobs(_MAY_GO_ON) if _is_wanted(job, now)})

    def _jobs(self, state: Collection[JobState]) -> Iterator[Job]:
        cursor: str | None = None
        while True:
            page = self._parts.jobs.list(PAGE, cursor, state=state)
            yield from page.items
            cursor = page.next_cursor
            if cursor is None:
                return


_MAY_GO_ON = UNFINISHED | FINISHED - {"succeeded"}


def _is_wanted(job: Job, now: datetime) -> bool:
    """Whether what was staged for it may be needed yet."""
    kept = LISTS_KEPT if "paths" in job.request else KEPT
    return job.state in UNFINISHED or (job.finished or "") >= moment(now - kept)


def main() -> None:
    """Run until SIGTERM or SIGINT, or until whoever started this process is gone: its end of our input closes then."""
    settings = load_settings()
    log.configure(settings.log_format, settings.log_level)
    make_folder(settings.data.absolute())
    with executor_id(settings.data) as owner:
        parts = wiring.build(settings, decoders_at_once=False)
        worker = Worker(parts, owner)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stopping.set())
        if not sys.stdin.isatty():
            when_parent_ends(worker.stopping.set)
        status = 1
        try:
            worker.run()
            parts.close()
            status = 0
        except Exception as error:  # noqa: BLE001 - whoever started this process starts the next one
            log.event("the worker failed", level=logging.ERROR, error=error)
        finally:
            # Past the workflows that are left pending, and DBOS's own threads: waiting for them would be for ever, and
            # a worker that nobody stops any more would hold its slot and its jobs.
            os._exit(status)
