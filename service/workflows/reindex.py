"""Make the index anew from the vectors that lie in the catalogue: no picture is decoded and no model is asked.

For whoever lost the index's folder, doubts it, or has just brought a catalogue back from a backup. Services that run
meanwhile go on with their own index and change to the new one by themselves.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from index_store.vectors.builder import build_snapshot, load

if TYPE_CHECKING:
    from collections.abc import Callable

    from index_store.catalogue.protocol import ChangeLog
    from index_store.records import Space
    from index_store.vectors.snapshot import SnapshotFolder


@dataclass(frozen=True, slots=True)
class Reindexed:
    vectors: int
    sequence: int
    kind: str
    bytes: int
    seconds: float


def reindex(
    catalogue: ChangeLog, space: Space, folder: SnapshotFolder, progress: Callable[[str, int], None]
) -> Reindexed | None:
    """Build a snapshot, load it and probe it. None if the space holds no findable vector.

    `progress` is told the step (read, train, write, verify) and how many vectors it has done. Raises
    IndexBuildingError (another process is at it), BadSnapshotError or StoreError.
    """
    began = time.perf_counter()
    manifest = build_snapshot(catalogue, space, folder, progress)
    if manifest is None:
        return None
    progress("verify", manifest.count)
    load(catalogue, space, folder, manifest)
    return Reindexed(
        vectors=manifest.count,
        sequence=manifest.sequence,
        kind=manifest.kind,
        bytes=manifest.length,
        seconds=time.perf_counter() - began,
    )
