"""The files of a job over paths, listed: an item keeps its number whatever happens to the folders meanwhile.

The list is a staged file. Its first line tells what the roots were, by device and inode; each further line is a file's
name and locator, and the line's place is the item's number. A job that is run again walks its paths again, and what is
not in the list is written behind the rest of it.

A file that is not there is that item's problem. A root that is not there is the job's: a disk that is not mounted, or a
worker that does not see the folder, must not give every file that is left an outcome for good.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, BinaryIO

from index_store.errors import MissingBlobError
from service import log
from service.domain.errors import (
    KeeponeError,
    PathNotFoundError,
    PictureTooLargeError,
    RootGoneError,
    UnsupportedPictureError,
)
from service.inputs.roots import identities, identity
from service.inputs.values import Item, Skipped
from service.pictures.admit import HEAD_BYTES, sniff
from service.workflows.preparing import Entry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from index_store.blobs.staging import Staging
    from index_store.job_records import Job
    from service.inputs.roots import Identity, ImportRoots
    from service.workflows.parts import Parts

    Roots = Mapping[str, Identity]  # what each was, by its locator


def listed(job: Job, paths: tuple[str, ...], roots: ImportRoots, parts: Parts, done: frozenset[int]) -> Iterator[Entry]:
    """The files that are not done. Raises RootGoneError, and MissingBlobError where the list is gone.

    Without its list a job cannot be gone on with: a new one might give the numbers of what is done to other files.
    """
    if done and not parts.staging.has(job.job_id):
        raise MissingBlobError(f"the list of files of {job.job_id} is no longer there")
    total = _list(job.job_id, paths, roots, parts)
    if total != job.total:
        parts.jobs.add_items(job.job_id, 0, (), total=total)
    with parts.staging.open(job.job_id) as file:
        were = _roots_in(file)
        for ordinal, line in enumerate(file):
            if ordinal not in done:
                name, locator = json.loads(line)
                yield _entry(Item(ordinal, name, 0), locator, roots, were, parts.settings.max_bytes)


def can_go_on(job: Job, parts: Parts) -> bool:
    """Whether what is left of a job can be found: its list is there and its roots stand, or nothing was done yet."""
    if parts.staging.has(job.job_id):
        return roots_stand(job.job_id, parts.staging)
    return all(word == "pending" for word in parts.jobs.counts(job.job_id))


def roots_stand(job_id: str, staging: Staging, *, exactly: bool = False) -> bool:
    """Whether the roots of a list that lies here are what they were when it was written. Raises MissingBlobError.

    A disk that was mounted anew may have another device number, and a folder that was made anew another inode; only
    `exactly` the same is surely the same for whoever was not told to read it.
    """
    with staging.open(job_id) as file:
        were = _roots_in(file)
    return all(identity(root) == was if exactly else _is_it(root, was) for root, was in were.items())


def _entry(item: Item, locator: str, roots: ImportRoots, were: Roots, max_bytes: int) -> Entry:
    error: KeeponeError
    try:
        return Entry(item.ordinal, item.name, _file(roots, locator, max_bytes))
    except KeeponeError as found:
        error = found
    except OSError as found:
        error = PathNotFoundError(f"The file cannot be read: {found.strerror}")
    if isinstance(error, PathNotFoundError):
        _refuse_gone({root: was for root, was in were.items() if locator.startswith(root.rstrip("/") + "/")})
    return Entry(item.ordinal, item.name, b"", error)


def _file(roots: ImportRoots, locator: str, max_bytes: int) -> bytes:
    """A film is too large and no picture either: the second is what matters to whoever hands in a folder."""
    try:
        return roots.read(locator, max_bytes)
    except PictureTooLargeError:
        if sniff(roots.head(locator, HEAD_BYTES)) is None:
            raise UnsupportedPictureError from None
        raise


def _list(job_id: str, paths: tuple[str, ...], roots: ImportRoots, parts: Parts) -> int:
    """Write the list, or write behind it what is new; how many files it has."""
    if not parts.staging.has(job_id):
        return _write(job_id, paths, roots, parts, ())
    with parts.staging.open(job_id) as earlier:
        _refuse_gone(were := _roots_in(earlier))
        try:
            roots.check(paths)
        except PathNotFoundError:  # some of what was asked for is gone by now; what is left of it is in the list
            return _write(job_id, (), roots, parts, earlier, were)
        return _write(job_id, paths, roots, parts, earlier, were)


def _write(
    job_id: str,
    paths: tuple[str, ...],
    roots: ImportRoots,
    parts: Parts,
    earlier: Iterable[bytes],
    were: Roots | None = None,
) -> int:
    own = identities(parts.settings.own_folders)
    skipped, known, total = Skipped(), set[bytes](), 0
    stand = {root: now for root in {*(were or ()), *roots.roots_of(paths)} if (now := identity(root))}
    with parts.staging.writing(job_id) as file:
        file.write(json.dumps({"roots": stand}).encode() + b"\n")
        for line in earlier:
            known.add(_digest(json.loads(line)[1]))
            file.write(line)
            total += 1
        for found in roots.walk(paths, skipped, own=own):
            if _digest(found.locator) not in known:
                file.write(json.dumps((found.item.name, found.locator)).encode() + b"\n")
                total += 1
        _refuse_gone(stand)  # what was walked while a disk was taken away is no list
    if skipped.own:
        log.event("Keepone's own folders are passed over", job_id=job_id, folders=skipped.own)
    return total


def _roots_in(file: BinaryIO) -> dict[str, Identity]:
    """From the first line, after which the files begin. Lists of earlier versions have no such line."""
    first = json.loads(file.readline() or "[]")
    if isinstance(first, list):
        file.seek(0)
        return {}
    return {root: (device, inode) for root, (device, inode) in first["roots"].items()}


def _refuse_gone(were: Roots) -> None:
    if not all(_is_it(root, was) for root, was in were.items()):
        raise RootGoneError


def _is_it(root: str, was: Identity) -> bool:
    """The folder it was: a mount point without its disk differs in device and inode from what was mounted there."""
    now = identity(root)
    return now is not None and (now[0] == was[0] or now[1] == was[1])


def _digest(locator: str) -> bytes:
    """In its place: what is remembered of a million files is some eighty megabytes, however long their names are."""
    return hashlib.blake2b(locator.encode("ascii"), digest_size=16).digest()
