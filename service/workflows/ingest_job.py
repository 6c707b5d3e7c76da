"""An ingest job from beginning to end: its request, where its items come from, and how it is run.

`run_ingest_job` is a plain function over a job's id. It may be called again after a crash, by another process, or by
two at once; claim and outcomes in the catalogue see to it that every item is taken in once.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from index_store.errors import StoreError
from index_store.failpoints import reached
from index_store.ids import moment
from service import log
from service.domain.errors import JobStuckError, KeeponeError
from service.domain.values import OperatingPoint
from service.inputs.archives import open_archive
from service.inputs.roots import ImportRoots
from service.inputs.values import ArchiveLimits
from service.workflows.arrival import OnDuplicate, Wish
from service.workflows.batch import Batch
from service.workflows.listing import listed, roots_stand
from service.workflows.preparing import Entry, InThreads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from index_store.job_records import Job, JobState
    from service.workflows.parts import Parts
    from service.workflows.preparing import Preparing

KIND = "ingest"
LIFE_SECONDS = 10.0
"""How often whoever runs a job says so."""
LEFT_BEHIND = timedelta(seconds=60)
"""Without a sign of life for so long, a job may be taken over."""
LOOK_SECONDS = 0.5
"""How often a running job looks whether it was cancelled."""
MOST_STARTS = 20
"""A job whose worker died so often before one more item was done is not begun again: it would kill workers for ever."""
PAGE = 1000

Source = Literal["archive", "paths", "picture"]
End = Literal["succeeded", "failed", "cancelled", "interrupted", "not ours"]


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """What was asked for, as the job's row keeps it (JSON)."""

    source: Source
    on_duplicate: OnDuplicate = OnDuplicate.STORE
    operating_point: OperatingPoint = OperatingPoint.BALANCED
    external_id: str | None = None
    """For a single picture; pictures of an archive or a folder are known by their names there."""
    person_id: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    roots: tuple[str, ...] | None = None
    """Folders that bound the paths; None: the configured import roots. Only the command line says otherwise."""

    def as_json(self) -> dict[str, Any]:
        """As it is read back from a row: two requests are the same if these are equal."""
        given = {name: value for name, value in asdict(self).items() if value not in (None, (), {})}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> IngestRequest:
        given = dict(kept)
        roots = given.get("roots")
        return replace(
            cls(**given),
            on_duplicate=OnDuplicate(given["on_duplicate"]),
            operating_point=OperatingPoint(given["operating_point"]),
            paths=tuple(given.get("paths", ())),
            roots=None if roots is None else tuple(roots),
        )

    def wish_for(self, name: str) -> Wish:
        return Wish(
            on_duplicate=self.on_duplicate,
            external_id=self.external_id or name or None,
            person_id=self.person_id or None,  # earlier builds took an empty one
            metadata=self.metadata,
            point=self.operating_point,
            top_k=1,
        )


def import_roots(request: IngestRequest, parts: Parts) -> ImportRoots:
    folders = parts.settings.import_folders if request.roots is None else map(Path, request.roots)
    return ImportRoots(folders)


def can_run_here(job: Job, parts: Parts) -> bool:
    """Whether this machine has what the job needs. One that has not leaves it alone, for whoever has.

    Where the catalogue lies on this machine there is no other, and what is missing is missing: the job may fail of it.
    """
    request = IngestRequest.from_json(job.request)
    is_staged = parts.staging.has(job.job_id)
    if request.source != "paths":
        return is_staged or parts.settings.is_alone
    if request.roots is not None and not all(Path(root).is_dir() for root in request.roots):
        return False
    if is_staged:
        return request.roots is None or roots_stand(job.job_id, parts.staging, exactly=True)
    return parts.settings.is_alone or (job.total is None and _can_list(request, parts))


def _can_list(request: IngestRequest, parts: Parts) -> bool:
    try:
        import_roots(request, parts).check(request.paths)
    except KeeponeError:
        return False
    return True


def archive_limits(parts: Parts) -> ArchiveLimits:
    settings = parts.settings
    return ArchiveLimits(
        entry_bytes=settings.max_bytes,
        archive_bytes=settings.archive_max_bytes,
        entries=settings.archive_max_entries,
        ratio=settings.archive_max_ratio,
    )


def run_ingest_job(
    job_id: str,
    owner: str,
    parts: Parts,
    *,
    stopping: threading.Event,
    on_progress: Callable[[list[str]], None] | None = None,
    preparing: Callable[[Parts], Preparing] = InThreads,
) -> End:
    """Run the job, or what is left of it, as this owner.

    "not ours": it is finished, or somebody else is at it. "interrupted": `stopping` was set, or another took the job
    over; it can be gone on with. A store that fails makes the job fail, with the reason in its row; raises StoreError
    where not even that can be written.
    """
    job = parts.jobs.claim(job_id, owner, left_behind=_left_behind(), begins=True)
    if job is None:
        return "not ours"
    reached("job.claimed")
    if job.cancel_requested is not None:
        return _end(job_id, "cancelled", owner, parts)
    with _Life(job_id, owner, parts, stopping, on_progress) as life:
        try:
            whole = _take_in(job, parts, life, preparing)
        except (KeeponeError, StoreError) as error:
            problem = {"error": type(error).__name__, "detail": str(error)}
            return _end(job_id, "failed", owner, parts, problem)
        except Exception as error:  # noqa: BLE001 - a job left running by a defect would be run again for ever
            log.event("a job met a defect", level=logging.ERROR, error=error, job_id=job_id)
            return _end(job_id, "failed", owner, parts, {"error": "internal", "detail": str(error)})
    if whole:
        # Folders and noise in an archive are no items, so only now it is known how many there were.
        parts.jobs.add_items(job_id, 0, (), total=sum(parts.jobs.counts(job_id).values()))
        reached("job.items-done")
        return _end(job_id, "succeeded", owner, parts)
    return _end(job_id, "cancelled", owner, parts) if life.cancelled else "interrupted"


def _end(job_id: str, state: JobState, owner: str, parts: Parts, problem: dict[str, str] | None = None) -> End:
    """The job's last word, unless another has it by now. What was uploaded stays for a job that may be queued again."""
    if parts.jobs.claim(job_id, owner, left_behind=_left_behind()) is None:
        return "interrupted"
    parts.jobs.set_state(job_id, state, problem=problem)
    reached("job.finished")
    if state == "succeeded":
        parts.staging.drop(job_id)
        return "succeeded"
    return "cancelled" if state == "cancelled" else "failed"


def _take_in(job: Job, parts: Parts, life: _Life, preparing: Callable[[Parts], Preparing]) -> bool:
    if job.starts > MOST_STARTS:
        raise JobStuckError
    request = IngestRequest.from_json(job.request)
    done = _done(job.job_id, parts)
    batch = Batch(job.job_id, parts, request.wish_for, life, preparing)
    return batch.run(_SOURCES[request.source](job, request, parts, done))


def _done(job_id: str, parts: Parts) -> frozenset[int]:
    """Ordinals of the items that have their outcome."""
    done: set[int] = set()
    cursor: str | None = None
    while True:
        page = parts.jobs.items(job_id, PAGE, cursor)
        done.update(item.ordinal for item in page.items if item.state != "pending")
        cursor = page.next_cursor
        if cursor is None:
            return frozenset(done)


def _from_archive(job: Job, _request: IngestRequest, parts: Parts, done: frozenset[int]) -> Iterator[Entry]:
    with parts.staging.open(job.job_id) as file, open_archive(file, archive_limits(parts)) as archive:
        if job.total is None and archive.expected is not None:
            parts.jobs.add_items(job.job_id, 0, (), total=archive.expected)
        first = next(ordinal for ordinal in range(len(done) + 1) if ordinal not in done)
        ordinal = -1
        for item, data in archive.items(first):
            ordinal = item.ordinal
            if ordinal not in done:
                yield Entry(ordinal, item.name, data, item.problem)


def _from_paths(job: Job, request: IngestRequest, parts: Parts, done: frozenset[int]) -> Iterator[Entry]:
    return listed(job, request.paths, import_roots(request, parts), parts, done)


def _from_picture(job: Job, _request: IngestRequest, parts: Parts, done: frozenset[int]) -> Iterator[Entry]:
    if not done:
        with parts.staging.open(job.job_id) as file:
            yield Entry(0, "", file.read())


_SOURCES: dict[Source, Callable[[Job, IngestRequest, Parts, frozenset[int]], Iterator[Entry]]] = {
    "archive": _from_archive,
    "paths": _from_paths,
    "picture": _from_picture,
}


class _Life:
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
                self._lost = self._parts.jobs.claim(self._job_id, self._owner, left_behind=_left_behind()) is None
            except StoreError:  # the work itself will run into it, and says so better
                continue


def _left_behind() -> str:
    return moment(datetime.now(UTC) - LEFT_BEHIND)
