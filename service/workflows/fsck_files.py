"""Are the originals there, and are they what they were named by? Quick: there, and of their size. Deep: every byte."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from index_store.errors import CorruptBlobError, MissingBlobError
from service.domain.errors import BrokenPictureError
from service.pictures import thumbnails
from service.workflows.derived import THUMBNAIL
from service.workflows.findings import Finding
from service.workflows.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.workflows.findings import Progress, Store
    from service.workflows.fsck_rows import Rows

GRACE_SECONDS = 3600
"""An original is written before the row that names it; after this long no row is on its way any more."""
_PIECE = 2**20


def check_files(store: Store, rows: Rows, progress: Progress, *, deep: bool, orphans: bool = True) -> list[Finding]:
    """Missing and rotten originals, orphans if asked for, and with `deep` thumbnails too. Raises StoreError."""
    count = sum(1 for _ in rows.contents.wanted())
    found = list(_originals(store, rows, count, progress, deep=deep))
    if orphans:
        found += _orphans(store, rows)
    if deep:
        for done, place in enumerate(rows.contents.wanted(), 1):
            found += _thumbnail(store, rows.contents.name(place))
            progress("thumbnails", done, count)
    rows.checked["originals"] = count
    return found


def _originals(store: Store, rows: Rows, count: int, progress: Progress, *, deep: bool) -> Iterator[Finding]:
    contents = rows.contents

    def look(place: int) -> tuple[str, str] | None:
        return what_is_wrong(store, contents.name(place), contents.sizes[place], deep=deep)

    wrong: dict[int, tuple[str, str]] = {}
    for done, (place, seen) in enumerate(side_by_side(look, contents.wanted()), 1):
        if seen is not None:
            wrong[place] = seen
        progress("originals", done, count)
    for place, named in rows.images.named(wrong).items():
        kind, why = wrong[place]
        yield Finding(kind, contents.name(place), f"{why}; {named}; a backup may hold it")


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
    except OSError as error:
        return "rotten-blob", f"its bytes cannot be read: {error.strerror}"
    return None


def _hashed(store: Store, sha256: str) -> str:
    digest = hashlib.sha256()
    with store.blobs.open(sha256) as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _orphans(store: Store, rows: Rows) -> Iterator[Finding]:
    for original in store.blobs.originals():
        if not rows.contents.needs(original.sha256) and original.age_seconds > GRACE_SECONDS:
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
