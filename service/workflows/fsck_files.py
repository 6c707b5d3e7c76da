"""Are the originals there, and are they what they were named by? Quick: there, and of their size. Deep: every byte."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from index_store.errors import CorruptBlobError, MissingBlobError
from service.domain.errors import BrokenPictureError
from service.pictures import thumbnails
from service.workflows.findings import Finding
from service.workflows.fsck_catalogue import images_named
from service.workflows.verify import THUMBNAIL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from service.workflows.findings import Progress, Store
    from service.workflows.fsck_catalogue import Rows

GRACE_SECONDS = 3600
"""An original is written before the row that names it; after this long no row is on its way any more."""
_PIECE = 2**20
_THREADS = 4
"""Hashing and reading both let other threads run."""


def check_files(store: Store, rows: Rows, progress: Progress, *, deep: bool) -> list[Finding]:
    """Missing and rotten originals, orphans, and with `deep` thumbnails too. Raises StoreError."""
    wanted = [sha256 for sha256 in rows.contents if not rows.is_purged(sha256)]
    found = list(_originals(store, rows, wanted, progress, deep=deep))
    found += _orphans(store, rows)
    if deep:
        for place, sha256 in enumerate(wanted, 1):
            found += _thumbnail(store, sha256)
            progress("thumbnails", place, len(wanted))
    rows.checked["originals"] = len(wanted)
    return found


def _originals(store: Store, rows: Rows, wanted: Iterable[str], progress: Progress, *, deep: bool) -> Iterator[Finding]:
    names = list(wanted)

    def look(sha256: str) -> tuple[str, str] | None:
        return what_is_wrong(store, sha256, rows.contents[sha256].bytes, deep=deep)

    with ThreadPoolExecutor(_THREADS) as threads:
        for place, (sha256, wrong) in enumerate(zip(names, threads.map(look, names), strict=True), 1):
            if wrong is not None:
                kind, why = wrong
                yield Finding(kind, sha256, f"{why}; {images_named(rows, sha256)}; a backup may hold it")
            progress("originals", place, len(names))


def what_is_wrong(store: Store, sha256: str, size: int, *, deep: bool) -> tuple[str, str] | None:
    """The kind of finding and why, or None if the original is as it should be."""
    try:
        lies = store.blobs.size(sha256)
        if lies != size:
            return "rotten-blob", f"{lies} bytes where {size} were stored"
        if deep and _hashed(store, sha256) != sha256:
            return "rotten-blob", "its bytes hash to something else"
    except MissingBlobError:
        return "missing-blob", "there is no file"
    except CorruptBlobError as error:
        return "rotten-blob", str(error)
    return None


def _hashed(store: Store, sha256: str) -> str:
    digest = hashlib.sha256()
    with store.blobs.open(sha256) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _orphans(store: Store, rows: Rows) -> Iterator[Finding]:
    for original in store.blobs.originals():
        if original.sha256 not in rows.contents and original.age_seconds > GRACE_SECONDS:
            yield Finding("orphan-blob", original.sha256, f"{original.bytes} bytes")


def _thumbnail(store: Store, sha256: str) -> Iterator[Finding]:
    kind, extension = THUMBNAIL
    data = store.blobs.get_derived(kind, sha256, extension)
    if data is None:
        return  # made when it is needed
    try:
        thumbnails.load(data)
    except BrokenPictureError as error:
        yield Finding("bad-thumbnail", sha256, str(error))
