"""Removing duplicates from persons as a job: the same plan, copies and removal as at once, and resumed after a crash.

The ids of the removal and of its backup are made with the job. So whoever goes on after a crash finds what was written
down, and nothing is planned, copied or removed a second time. A removal that has begun comes to its end; a job that is
cancelled before removes nothing.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from index_store.errors import NotFoundError
from index_store.failpoints import reached
from index_store.ids import new_id
from index_store.job_records import JobItemOutcome, NewJob
from index_store.removal_records import new_removal_id
from service.workflows.brakes import check_confirmed
from service.workflows.file_removal import items_of
from service.workflows.job_life import run
from service.workflows.person_backup import back_up
from service.workflows.person_plan import PersonQuestion, plan_persons
from service.workflows.person_removal import go_on, to_be_kept
from service.workflows.removal_finding import Keep

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping

    from index_store.job_records import Job
    from index_store.removal_records import RemovalRecord
    from service.workflows.job_life import End, Life
    from service.workflows.parts import Parts

KIND = "remove-duplicates"


@dataclass(frozen=True, slots=True)
class RemovalRequest:
    """What was asked for, as the job's row keeps it (JSON)."""

    question: PersonQuestion
    backup: bool = True
    confirm: str = ""
    removal_id: str = field(default_factory=new_removal_id)
    backup_id: str = field(default_factory=lambda: new_id("bak"))

    def as_job(self, created_by: str | None) -> NewJob:
        """One item for each person."""
        names = self.question.person_ids
        return NewJob(KIND, self.as_json(), names=names, total=len(names), created_by=created_by)

    def as_json(self) -> dict[str, Any]:
        ids = {"removal_id": self.removal_id, "backup_id": self.backup_id}
        return self.question.as_json() | ids | {"backup": self.backup, "confirm": self.confirm}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> RemovalRequest:
        question = PersonQuestion(
            tuple(kept["person_ids"]), kept["matcher"], dict(kept["parameters"]), Keep(kept["keep"])
        )
        return cls(question, kept["backup"], kept["confirm"], kept["removal_id"], kept["backup_id"])


class _StoppedError(Exception):
    """Somebody wants the job to stop."""


def run_removal_job(job_id: str, owner: str, parts: Parts, *, stopping: threading.Event) -> End:
    """Run the job, or what is left of it, as this owner; see `job_life.run`."""

    def work(job: Job, life: Life) -> bool:
        request = RemovalRequest.from_json(job.request)
        try:
            _write_down(request, job, life, parts)
        except _StoppedError:
            return False
        record = parts.catalogue.removals.get(request.removal_id)
        if record.state in {"planned", "applying"}:
            record = go_on(record.removal_id, parts)
        _tell(job, record, parts)
        return True

    return run(job_id, owner, parts, work, stopping=stopping)


def _write_down(request: RemovalRequest, job: Job, life: Life, parts: Parts) -> None:
    """The plan, with its backup on disk; once."""
    removals = parts.catalogue.removals
    with suppress(NotFoundError):
        removals.get(request.removal_id)
        return

    def stop_if_asked(_what: str, _done: int, _total: int | None) -> None:
        if life.wants_to_stop():
            raise _StoppedError

    plan = plan_persons(request.question, parts, stop_if_asked)
    check_confirmed(plan.removal.plan_hash, len(plan.removal.items), plan.pictures, request.confirm)
    backup_id = request.backup_id if request.backup else None
    removal = to_be_kept(plan, backup_id=backup_id, created_by=job.created_by, removal_id=request.removal_id)
    if backup_id is not None:
        back_up(removal.items, backup_id, parts)
    reached("removal-job.backed-up")
    removals.plan(removal)


def _tell(job: Job, record: RemovalRecord, parts: Parts) -> None:
    """The outcome of each person."""
    states: dict[str, Counter[str]] = {name: Counter() for name in record.request["person_ids"]}
    for item in items_of(record.removal_id, parts.catalogue.removals):
        states[item.loser["person_id"]][item.state] += 1
    for ordinal, counted in enumerate(states.values()):
        outcome = "removed" if counted["removed"] else "stayed" if counted["skipped"] else "no-duplicates"
        parts.jobs.record(JobItemOutcome(job.job_id, ordinal, outcome=outcome))
