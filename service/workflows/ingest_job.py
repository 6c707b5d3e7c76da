"""An ingest job from beginning to end: its request, where its items come from, and how it is run.

`run_ingest_job` is a plain function over a job's id. It may be called again after a crash, by another process, or by
two at once; claim and outcomes in the catalogue see to it that every item is taken in once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from service.domain.errors import KeeponeError
from service.domain.values import OperatingPoint
from service.inputs.archives import open_archive
from service.inputs.roots import ImportRoots
from service.inputs.values import ArchiveLimits
from service.workflows.arrival import OnDuplicate, Wish
from service.workflows.batch import Batch
from service.workflows.job_life import run
from service.workflows.listing import listed, roots_stand
from service.workflows.person_import import unless_there
from service.workflows.preparing import Entry, InThreads

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from index_store.job_records import Job
    from service.workflows.job_life import End, Life
    from service.workflows.parts import Parts
    from service.workflows.preparing import Preparing

KIND = "ingest"
PAGE = 1000

Source = Literal["archive", "paths", "picture"]


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
    persons: Mapping[str, str] = field(default_factory=dict)
    """Of a tree of persons: the id of each by the name of its folder. What lies below is known by its name there."""
    roots: tuple[str, ...] | None = None
    """Folders that bound the paths; None: the configured import roots. Only the command line says otherwise."""
    quick: bool = False
    """As `Inquiry` has it."""

    def as_json(self) -> dict[str, Any]:
        """As it is read back from a row: two requests are the same if these are equal."""
        given = {name: value for name, value in asdict(self).items() if value not in (None, (), {}, False)}
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
        folder, _, below = name.partition("/")
        person_id = self.persons.get(folder, self.person_id)
        return Wish(
            on_duplicate=self.on_duplicate,
            external_id=self.external_id or (below if self.persons else name) or None,
            person_id=person_id or None,  # earlier builds took an empty one
            metadata=self.metadata,
            point=self.operating_point,
            top_k=1,
            quick=self.quick,
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

    def take_in(job: Job, life: Life) -> bool:
        return _take_in(job, parts, life, preparing)

    return run(job_id, owner, parts, take_in, stopping=stopping, on_progress=on_progress)


def _take_in(job: Job, parts: Parts, life: Life, preparing: Callable[[Parts], Preparing]) -> bool:
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
    entries = listed(job, request.paths, import_roots(request, parts), parts, done)
    return unless_there(entries, request.wish_for, parts.catalogue) if request.persons else entries


def _from_picture(job: Job, _request: IngestRequest, parts: Parts, done: frozenset[int]) -> Iterator[Entry]:
    if not done:
        with parts.staging.open(job.job_id) as file:
            yield Entry(0, "", file.read())


_SOURCES: dict[Source, Callable[[Job, IngestRequest, Parts, frozenset[int]], Iterator[Entry]]] = {
    "archive": _from_archive,
    "paths": _from_paths,
    "picture": _from_picture,
}
