"""Put right what `fsck` found, where what is broken is only derived, or rubbish.

A vector or a thumbnail is made again from its original. If that cannot be read, nothing is touched: a bad vector is
more than none. After a change to vectors the indexes on disk are thrown away, for no change of the log tells of it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from index_store.errors import CorruptBlobError, MissingBlobError
from index_store.ids import moment
from index_store.records import NewVector
from service.domain.errors import KeeponeError
from service.pictures import thumbnails
from service.workflows.derived import THUMBNAIL
from service.workflows.fsck import ANSWERS_KEPT
from service.workflows.fsck_catalogue import PAGE
from service.workflows.fsck_files import GRACE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from index_store.records import Space
    from service.descriptors.builtin import Builtin
    from service.pictures.pool import DecodePool
    from service.workflows.findings import Finding, Progress, Report, Store

_DECODER_WAIT = 60.0
_UNREADABLE = (KeeponeError, MissingBlobError, CorruptBlobError)
_AT_ONCE = 200


def repair(
    store: Store,
    report: Report,
    *,
    pool: DecodePool,
    embedder: Builtin,
    space: Space,
    forget_indexes: Callable[[], None],
    progress: Progress,
) -> None:
    """Whatever can be put right; look again to see what was. Nobody else may have the store open. Raises StoreError."""
    by_kind: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if finding.repairable:
            by_kind.setdefault(finding.kind, []).append(finding)
    useless = {int(one.name) for kind in ("extra-vector", "stale-vector") for one in by_kind.get(kind, ())}
    doubtful = {int(one.name) for one in by_kind.get("bad-vector", ())}
    doubtful |= {int(one.name.removeprefix("vector ")) for one in by_kind.get("changed-row", ())}
    doubtful -= useless
    missing = [one.name for one in by_kind.get("missing-vector", ())]
    spoilt = [one.name.split(" ") for one in by_kind.get("spoilt-description", ())]
    if useless or doubtful or missing or spoilt:
        forget_indexes()  # first: a crash between the two leaves work, not a wrong index
        store.inspection.mend_vectors(forget=useless)
        places = _places_of(store, doubtful)
        # No further model is asked here: what is forgotten is missing, and whoever fills its space describes it anew.
        anew = {(content_id, of) for content_id, of in places.values() if of != space.space_id}
        anew.update((content_id, int(of)) for content_id, of in spoilt)
        store.inspection.mend_vectors(forget=(), undescribe={one for one in anew if _could_be(one[0])})
        mine = {name: content_id for name, (content_id, of) in places.items() if of == space.space_id}
        _make_vectors(store, mine, missing, pool, embedder, space, progress)
    for place, finding in enumerate(broken := by_kind.get("bad-thumbnail", []), 1):
        _make_thumbnail(store, finding.name, pool)
        progress("thumbnails made", place, len(broken))
    for finding in by_kind.get("orphan-blob", ()):
        name = finding.name
        if not store.catalogue.contents([name]) or name in store.catalogue.removals.unneeded([name]):
            store.blobs.let_go(name, unused_seconds=GRACE_SECONDS)
    if "old-answer" in by_kind:
        store.answers.forget_before(moment(datetime.now(UTC) - ANSWERS_KEPT))


def _places_of(store: Store, vector_ids: set[int]) -> dict[int, tuple[str, int]]:
    """Vector ids with their contents and spaces, which may be none that exists."""
    found: dict[int, tuple[str, int]] = {}
    after = 0
    while vector_ids - found.keys() and (rows := store.inspection.vectors(after, PAGE)):
        found |= {row.vector_id: (row.content_id, row.space_id) for row in rows if row.vector_id in vector_ids}
        after = rows[-1].vector_id
    return found


def _make_vectors(
    store: Store,
    doubtful: dict[int, str],
    missing: Iterable[str],
    pool: DecodePool,
    embedder: Builtin,
    space: Space,
    progress: Progress,
) -> None:
    work: list[tuple[int | None, str]] = [*doubtful.items(), *((None, content_id) for content_id in missing)]
    for start in range(0, len(work), _AT_ONCE):
        forget, add = set(), []
        for vector_id, content_id in work[start : start + _AT_ONCE]:
            is_known = bool(store.catalogue.contents([content_id])) if _could_be(content_id) else False
            working = _decoded(store, content_id, pool) if is_known else None
            if vector_id is not None and (working is not None or not is_known):
                forget.add(vector_id)
            if working is not None:
                values = embedder.embed([working])[0].astype(np.float16)
                add.append((content_id, NewVector(space.space_id, values)))
        store.inspection.mend_vectors(forget=forget, add=add)
        progress("vectors made", min(start + _AT_ONCE, len(work)), len(work))


def _could_be(content_id: str) -> bool:
    """A row may have changed to text that no database takes."""
    return content_id.isascii() and content_id.isprintable()


def _make_thumbnail(store: Store, content_id: str, pool: DecodePool) -> None:
    working = _decoded(store, content_id, pool)
    if working is not None:
        kind, extension = THUMBNAIL
        store.blobs.put_derived(kind, content_id, extension, thumbnails.encode(working))


def _decoded(store: Store, content_id: str, pool: DecodePool) -> NDArray[np.uint8] | None:
    """The working picture of an original, or None if it cannot be had."""
    try:
        with pool.decode(store.blobs.get(content_id, verify=True), wait_s=_DECODER_WAIT) as decoded:
            return np.array(decoded.working)
    except _UNREADABLE:
        return None
