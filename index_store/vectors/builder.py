"""Making a snapshot from the catalogue, and telling whether one may be used.

The vectors lie in the catalogue, so an index is made without a model and without a picture: read every vector that was
findable at a sequence, train, add, write. Pages are read one transaction each, so that writers are never kept waiting;
together they are still the fold of the log up to that sequence, whatever is committed meanwhile.

A loaded snapshot is believed only after it was asked about vectors of the catalogue: its bytes may be those that were
written, and yet have been written by a broken build, or tell of a history that a restored backup has undone.
"""

import hashlib
import logging
from collections.abc import Callable, Sequence

import numpy as np

from index_store.catalogue.protocol import ChangeLog
from index_store.errors import BadSnapshotError, IndexBuildingError, StoreError
from index_store.records import Space, StoredVector
from index_store.vectors.columns import Columns
from index_store.vectors.faiss_part import FaissPart
from index_store.vectors.manifest import Manifest
from index_store.vectors.snapshot import SnapshotFolder

PAGE = 4096
"""Vectors read in one transaction: some 50 ms."""
PROBES = 256
"""Vectors of the catalogue that a loaded snapshot is asked about."""
_PROBES_AT_ONCE = 16
_MARKED = 64
_CODEC_ERROR = 1e-3

Progress = Callable[[str, int], None]
"""Told the step (read, train, write) and how many vectors it has done."""

_log = logging.getLogger(__name__)


def build_snapshot(
    log: ChangeLog, space: Space, folder: SnapshotFolder, progress: Progress = lambda _step, _done: None
) -> Manifest | None:
    """Build and publish a snapshot of the log as it stands. None if there is not one vector.

    Raises `IndexBuildingError` if another process is at it, and what reading the catalogue and writing the folder
    raise; the older snapshots then stand as they stood.
    """
    with folder.lease() as mine:
        if not mine:
            raise IndexBuildingError("another process is building a snapshot of this index")
        sequence = log.head()
        columns = read_columns(log, space, sequence, progress)
        count = len(columns.vector_ids)
        if not count:
            return None
        progress("train", count)
        part = FaissPart.built(columns, sequence)
        progress("write", count)
        return folder.write(
            part.sections(),
            kind=part.kind,
            count=count,
            sequence=sequence,
            log_mark=log_mark(log, space, sequence),
        )


def load_newest(log: ChangeLog, space: Space, folder: SnapshotFolder, probes: int = PROBES) -> FaissPart | None:
    """The newest snapshot that is sound and of this log's past; None if there is none such."""
    for manifest in folder.manifests():
        try:
            return load(log, space, folder, manifest, probes)
        except BadSnapshotError as error:
            _log.warning("snapshot %d was passed over: %s", manifest.number, error)
    return None


def load(log: ChangeLog, space: Space, folder: SnapshotFolder, manifest: Manifest, probes: int = PROBES) -> FaissPart:
    """One snapshot, verified. Raises `BadSnapshotError`."""
    if manifest.sequence > log.head() or log_mark(log, space, manifest.sequence) != manifest.log_mark:
        raise BadSnapshotError(f"snapshot {manifest.number} tells of another history than the catalogue")
    part = FaissPart.loaded(folder.open(manifest), space.dimension)
    probe(log, space, part, probes)
    return part


def probe(log: ChangeLog, space: Space, part: FaissPart, probes: int) -> int:
    """Ask the part about vectors of the catalogue, spread over all ids and the newest. How many were asked.

    Each must be there as the catalogue has it, and find itself first, or another just as near. Raises
    `BadSnapshotError`.
    """
    asked: set[int] = set()
    ids, blocks = part.columns.vector_ids, max(1, min(probes, part.count) // _PROBES_AT_ONCE + 1)
    for start in np.linspace(0, max(0, part.count - _PROBES_AT_ONCE), blocks).astype(int).tolist():
        # One more than the block, so that also what the catalogue has after the last vector is missed.
        page = log.vectors(space.space_id, part.sequence, int(ids[start]) - 1, _PROBES_AT_ONCE + 1)
        for vector in page.vectors:
            if vector.vector_id not in asked:
                _probe_one(part, vector)
                asked.add(vector.vector_id)
    if not asked:
        raise BadSnapshotError("none of the snapshot's vectors is in the catalogue")
    return len(asked)


def _probe_one(part: FaissPart, vector: StoredVector) -> None:
    columns = part.columns
    row = int(np.searchsorted(columns.vector_ids, vector.vector_id))
    if row == part.count or columns.vector_ids[row] != vector.vector_id:
        raise BadSnapshotError(f"vector {vector.vector_id} is in the catalogue and not in the snapshot")
    same = columns.contents[row].tobytes().hex() == vector.content_id and columns.sequences[row] == vector.sequence
    if not same or not np.array_equal(columns.values[row], vector.values):
        raise BadSnapshotError(f"vector {vector.vector_id} is another one in the snapshot")
    values = vector.values.astype(np.float32)
    near = part.nearest((values / np.linalg.norm(values))[None], 1, np.zeros(part.count, np.bool_))
    if not len(near.rows) or near.similarities[0] < 1 - _CODEC_ERROR:
        raise BadSnapshotError(f"vector {vector.vector_id} does not find itself in the snapshot")


def read_columns(log: ChangeLog, space: Space, sequence: int, progress: Progress) -> Columns:
    """All vectors of the space that were findable at `sequence`, in the order of their ids."""
    pages, after_id, count = [columns_of((), space.dimension)], 0, 0
    while True:
        page = log.vectors(space.space_id, sequence, after_id, PAGE)
        pages.append(columns_of(page.vectors, space.dimension))
        count += len(page.vectors)
        progress("read", count)
        if page.next_id is None:
            return Columns.joined(pages)
        after_id = page.next_id


def columns_of(vectors: Sequence[StoredVector], dimension: int) -> Columns:
    """A few vectors, ordered by their ids, as columns."""
    digests = bytes.fromhex("".join(vector.content_id for vector in vectors))
    return Columns.of(
        np.array([vector.vector_id for vector in vectors], np.int64),
        np.frombuffer(digests, np.uint8).reshape(-1, 32),
        np.array([vector.sequence for vector in vectors], np.int64),
        np.array([vector.values for vector in vectors], np.float16).reshape(-1, dimension),
    )


def log_mark(log: ChangeLog, space: Space, sequence: int) -> str:
    """A digest of what the last few changes up to `sequence` meant for the index.

    Raises `StoreError` if the log does not reach so far.
    """
    since = max(0, sequence - _MARKED)
    delta = log.changes_since(since, space.space_id, sequence - since)
    if delta.sequence != sequence:
        raise StoreError(f"the log does not reach {sequence}")
    said = [(one.sequence, one.vector_id, one.content_id) for one in delta.vectors], sorted(delta.removed)
    return hashlib.sha256(repr(said).encode()).hexdigest()
