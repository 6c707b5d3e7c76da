"""`keepone ingest PATH…`: pictures and folders into the store, as a job of its own that this command runs.

Interrupted, by Ctrl-C or by a power cut, the same command goes on where it stopped: the job is found again by what was
asked for, and its items keep their outcomes.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from tqdm import tqdm

from index_store.ids import moment
from index_store.job_records import FINISHED, NewJob
from service import wiring
from service.cli import options
from service.domain.errors import KeeponeError
from service.domain.values import OperatingPoint
from service.jobs.preparing import InProcesses
from service.settings import load_settings
from service.workflows.arrival import OnDuplicate
from service.workflows.ingest_job import KIND, IngestRequest, run_ingest_job
from service.workflows.job_life import LEFT_BEHIND
from service.workflows.listing import can_go_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from index_store.job_records import Job, JobItem, JobState
    from service.settings import Settings
    from service.workflows.parts import Parts

FAILED, INTERRUPTED = 3, 130
COMMAND_LINE = "command line"
FOLLOW_SECONDS = 0.5
PAGE = 1000
MOST_TOLD = 50
"""Failed items that are named; a folder of a million bad files must not scroll the rest away."""
_ALWAYS = "9999-12-31T23:59:59.999999Z"
_GOES_ON: tuple[JobState, ...] = ("running", "queued", "cancelled", "failed")


class SameJobRunsError(KeeponeError):
    """These paths are being taken in by another process."""


class OwnFolderError(KeeponeError):
    """This lies in a folder of Keepone's own."""


@click.command("ingest")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--on-duplicate",
    type=click.Choice([choice.value for choice in OnDuplicate]),
    default="store",
    show_default=True,
    help="Store all the same, keep a reference, or leave out.",
)
@click.option(
    "--quick",
    is_flag=True,
    help="Look closely only at stored pictures that look alike as a whole or stand out: faster, fewer edited copies found.",
)
@options.operating_point
@options.data
def command(
    paths: tuple[Path, ...], on_duplicate: str, operating_point: str | None, data: Path | None, *, quick: bool
) -> None:
    """Take pictures in: files, and folders with all below them. Each keeps its path as its external id.

    Run again after an interruption, it goes on where it stopped, and takes in what has come since.
    """
    settings = load_settings(data=data)
    found = [path.resolve() for path in paths]
    refuse_own(found, settings)
    request = IngestRequest(
        "paths",
        OnDuplicate(on_duplicate),
        OperatingPoint(operating_point) if operating_point else settings.operating_point,
        paths=tuple(map(str, found)),
        roots=tuple(dict.fromkeys(str(path if path.is_dir() else path.parent) for path in found)),
        quick=quick,
    )
    sys.exit(take_in(request, settings))


def take_in(request: IngestRequest, settings: Settings, then: Callable[[Parts], None] = lambda _: None) -> int:
    """Take in what was asked for, or what is left of it, and `then` do what follows a whole run. The exit code."""
    parts = wiring.build(settings)
    try:
        job = _job_for(request, parts)
        end = _run(job, parts)
        _tell(job.job_id, parts)
        failed = parts.jobs.counts(job.job_id).get("failed", 0)
        if end == "succeeded":
            then(parts)
    finally:
        parts.close()
    if end == "cancelled":
        print("stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    return FAILED if failed or end == "failed" else 0


def refuse_own(found: list[Path], settings: Settings) -> None:
    """What the store keeps must not be taken in: each run would find the one before. Raises OwnFolderError."""
    folders = [folder.resolve() for folder in settings.own_folders]
    for path in found:
        if any(path.is_relative_to(folder) for folder in folders):
            raise OwnFolderError(f"{path} lies in Keepone's own data folder, which is not taken in.")
    for folder in folders:
        if any(folder.is_relative_to(path) for path in found) and not {*folder.parents} & {*folders}:
            print(f"{folder} is Keepone's own and is passed over", file=sys.stderr)


def _owner() -> str:
    return f"{COMMAND_LINE}:{socket.gethostname()}:{os.getpid()}"


def _job_for(request: IngestRequest, parts: Parts) -> Job:
    """A new job of ours, or the one that was interrupted. Raises SameJobRunsError."""
    earlier = next((job for job in _jobs_that_may_go_on(parts) if _is_this(job, request, parts)), None)
    if earlier is None:
        return parts.jobs.create(NewJob(KIND, request.as_json(), created_by=COMMAND_LINE, owner=_owner()))
    if earlier.state == "running" and _lives(earlier):
        if _process_of(earlier) is None:  # a worker has taken it over; there is nothing to do but to watch it
            return earlier
        raise SameJobRunsError(f"These paths are being taken in already ({earlier.job_id}).")
    print(f"going on with what was begun at {earlier.created[:16]}Z ({earlier.job_id})", file=sys.stderr)
    if earlier.state in FINISHED:
        earlier = parts.jobs.set_state(earlier.job_id, "queued")
    return parts.jobs.claim(earlier.job_id, _owner(), left_behind=_ALWAYS) or earlier


def _is_this(job: Job, request: IngestRequest, parts: Parts) -> bool:
    """Whether it was asked for the same, and can be gone on with if nobody is at it."""
    if job.request != request.as_json():
        return False
    return (job.state == "running" and _lives(job)) or can_go_on(job, parts)


def _jobs_that_may_go_on(parts: Parts) -> Iterator[Job]:
    for state in _GOES_ON:
        cursor: str | None = None
        while True:
            page = parts.jobs.list(100, cursor, state=state)
            yield from (job for job in page.items if job.created_by == COMMAND_LINE)
            cursor = page.next_cursor
            if cursor is None:
                break


def _lives(job: Job) -> bool:
    """Whether somebody runs the job. A process that is gone cannot; of others only their signs of life are known."""
    host, pid = _process_of(job) or ("", 0)
    if host == socket.gethostname() and (pid == os.getpid() or not _is_there(pid)):
        return False
    return (job.seen or "") >= moment(datetime.now(UTC) - LEFT_BEHIND)


def _process_of(job: Job) -> tuple[str, int] | None:
    """Host and process id of the command that runs the job, or ran it last; None if that is a worker."""
    who, _, place = (job.owner or "").partition(":")
    host, _, pid = place.rpartition(":")
    return (host, int(pid)) if who == COMMAND_LINE else None


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _run(job: Job, parts: Parts) -> str:
    stopping = threading.Event()
    earlier = signal.signal(signal.SIGINT, lambda *_: stopping.set())
    try:
        with tqdm(unit=" pictures", disable=None) as bar:
            done = sum(number for word, number in parts.jobs.counts(job.job_id).items() if word != "pending")
            bar.update(done)

            def advance(outcomes: list[str]) -> None:
                if bar.total is None:
                    bar.total = parts.jobs.get(job.job_id).total
                bar.update(len(outcomes))

            end: str = run_ingest_job(
                job.job_id, _owner(), parts, stopping=stopping, on_progress=advance, preparing=InProcesses
            )
            if end == "not ours" or (end == "interrupted" and not stopping.is_set()):  # a worker has it
                end = _follow(job.job_id, parts, bar, stopping)
    finally:
        signal.signal(signal.SIGINT, earlier)
    if end == "interrupted":
        parts.jobs.set_state(job.job_id, "cancelled")
        return "cancelled"
    return end


def _follow(job_id: str, parts: Parts, bar: tqdm[Any], stopping: threading.Event) -> str:
    while True:
        job = parts.jobs.get(job_id)
        done = sum(number for word, number in parts.jobs.counts(job_id).items() if word != "pending")
        bar.total = job.total
        bar.update(done - bar.n)
        if job.state in FINISHED:
            return job.state
        if stopping.wait(FOLLOW_SECONDS):
            parts.jobs.request_cancel(job_id)


def _tell(job_id: str, parts: Parts) -> None:
    """What became of everything, and which items failed."""
    counts: Counter[str] = Counter()
    for item in _items(job_id, parts):
        counts[_words(item)] += item.state != "pending"
        if item.state == "failed" and counts["failed"] <= MOST_TOLD:
            print(f"{item.name}: {(item.problem or {}).get('detail', 'failed')}", file=sys.stderr)
    if problem := parts.jobs.get(job_id).problem:
        print(f"the job failed: {problem['detail']}", file=sys.stderr)
    print(", ".join(f"{count} {word}" for word, count in sorted(counts.items()) if count) or "no files")


def _words(item: JobItem) -> str:
    if item.outcome in {"stored", "referenced"}:
        return f"{item.outcome} as {item.verdict}"
    words = {"rejected": "left out", "not-a-picture": "not pictures", "already-there": "there already"}
    return words.get(item.outcome or "", item.state)


def _items(job_id: str, parts: Parts) -> Iterator[JobItem]:
    cursor: str | None = None
    while True:
        page = parts.jobs.items(job_id, PAGE, cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return
