"""The kinds of jobs there are, and how each is run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.workflows import describe_job, ingest_job, removal_job

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from index_store.job_records import Job
    from service.workflows.job_life import End
    from service.workflows.parts import Parts
    from service.workflows.preparing import Preparing


def run_job(
    job_id: str,
    owner: str,
    parts: Parts,
    *,
    stopping: threading.Event,
    preparing: Callable[[Parts], Preparing],
) -> End:
    """Run a job of whatever kind, or what is left of it, as this owner; see `job_life.run`. Raises NotFoundError."""
    kind = parts.jobs.get(job_id).kind
    if kind == describe_job.KIND:
        return describe_job.run_describe_job(job_id, owner, parts, stopping=stopping)
    if kind == removal_job.KIND:
        return removal_job.run_removal_job(job_id, owner, parts, stopping=stopping)
    return ingest_job.run_ingest_job(job_id, owner, parts, stopping=stopping, preparing=preparing)


def can_run_here(job: Job, parts: Parts) -> bool:
    """Whether this machine has what the job needs. What is removed lies in the store, which all share."""
    if job.kind == describe_job.KIND:
        return describe_job.can_run_here(job, parts)
    return job.kind == removal_job.KIND or ingest_job.can_run_here(job, parts)
