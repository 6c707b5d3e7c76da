"""Uploads for jobs: a batch's body to the staging area, without being held in memory."""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from anyio import CancelScope, to_thread
from python_multipart.multipart import parse_options_header

from index_store.errors import NotFoundError, StoreError
from index_store.failpoints import reached
from service.api.bodies import ENVELOPE, content_type, counted, wrong
from service.api.forms import BatchForm
from service.api.problems import ProblemError
from service.inputs.archives import open_archive
from service.workflows.ingest_job import archive_limits

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

    from index_store.job_records import IdempotentAnswer, Job, NewJob
    from service.workflows.parts import Parts

ARCHIVES = frozenset(
    {
        "application/zip",
        "application/x-tar",
        "application/gzip",
        "application/x-gzip",
        "application/x-bzip2",
        "application/x-xz",
        "application/octet-stream",
    }
)
"""Content types of an archive sent as it is. Which kind it is its first bytes say."""
PIECE = 1024 * 1024
"""Bytes handed to a thread at a time: parsing and writing them must not hold up the event loop."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What was uploaded: the fields beside it, a digest of all of it, and how many items there are, where known."""

    digest: str
    fields: dict[str, Any] = field(default_factory=dict)
    total: int | None = None


async def stage_batch(request: Request, parts: Parts, name: str) -> Staged:
    """The body of a batch, kept under this name. Raises ProblemError, BadArchiveError, StoreError."""
    kind = content_type(request)
    if kind != "multipart/form-data" and kind not in ARCHIVES:
        raise ProblemError(
            "unsupported-media-type", "Send multipart/form-data with files, one ZIP or TAR, or application/json."
        )
    limit = parts.settings.archive_max_bytes + ENVELOPE
    async with _kept(parts, name) as file:
        if kind in ARCHIVES:
            digest = hashlib.sha256()
            async for piece in _pieces(request, parts, limit):
                await to_thread.run_sync(digest.update, piece)
                await to_thread.run_sync(file.write, piece)
            staged = Staged(digest.hexdigest())
            is_archive = True
        else:
            _, options = parse_options_header(request.headers["content-type"])
            form = BatchForm(options.get(b"boundary", b""), file, most_files=parts.settings.archive_max_entries)
            async for piece in _pieces(request, parts, limit):
                await to_thread.run_sync(form.feed, piece)
            staged = Staged(form.close(), dict(form.fields), None if form.is_archive else form.files)
            is_archive = form.is_archive
        if is_archive:
            await to_thread.run_sync(_refuse_what_is_no_archive, file, parts)
    return staged


async def stage_picture(data: bytes, parts: Parts, name: str) -> None:
    """One picture, kept under this name."""
    async with _kept(parts, name) as file:
        await to_thread.run_sync(file.write, data)


async def queue_job(parts: Parts, new: NewJob, answer: IdempotentAnswer | None) -> Job:
    """Commit the job's row, and with it the answer to the request's key. Raises StoreError."""
    job = await to_thread.run_sync(parts.jobs.create, new, answer)
    reached("job.created")
    return job


@asynccontextmanager
async def dropped_without_job(parts: Parts, name: str) -> AsyncIterator[None]:
    """What was kept under this name goes if the block ends and no job of that name was made."""
    try:
        yield
    finally:
        with CancelScope(shield=True):
            await to_thread.run_sync(_drop_without_job, parts, name)


def _drop_without_job(parts: Parts, name: str) -> None:
    try:
        parts.jobs.get(name)
    except NotFoundError:
        parts.staging.drop(name)
    except StoreError:
        return  # the job may be there; what has none is swept up later


def _refuse_what_is_no_archive(file: BinaryIO, parts: Parts) -> None:
    file.flush()
    with open_archive(file, archive_limits(parts)):
        pass


@asynccontextmanager
async def _kept(parts: Parts, name: str) -> AsyncIterator[BinaryIO]:
    """A staged file; its opening and its syncing happen beside the event loop."""
    await to_thread.run_sync(parts.room.require)
    block = parts.staging.writing(name)
    file = await to_thread.run_sync(block.__enter__)
    try:
        yield file
    except BaseException as error:
        block.__exit__(type(error), error, error.__traceback__)
        raise
    await to_thread.run_sync(block.__exit__, None, None, None)


async def _pieces(request: Request, parts: Parts, limit: int) -> AsyncIterator[bytes]:
    """The body in larger pieces than it arrives in. Raises StoreFullError before the disk's reserve is touched."""
    declared = request.headers.get("content-length", "0")
    await to_thread.run_sync(parts.room.require, int(declared) if declared.isdigit() else 0)
    waiting = bytearray()
    async for chunk in counted(request, parts.settings, limit, held=False):
        waiting += chunk
        if len(waiting) >= PIECE:
            # Others write too, and not everybody says how long a body will be.
            await to_thread.run_sync(parts.room.require, len(waiting))
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


def paths_of(body: object) -> list[str]:
    """The paths of a JSON batch. Raises ProblemError."""
    if not isinstance(body, dict):
        raise wrong("", "a JSON object is required")
    if "urls" in body or "url" in body:
        raise ProblemError("url-not-allowed", "This service does not fetch pictures; send the bytes.")
    paths = body.get("paths")
    if not isinstance(paths, list) or not paths or not all(isinstance(path, str) for path in paths):
        raise wrong("paths", "a list of at least one path is required")
    return paths
