"""A backup that is worth its name: one moment of the catalogue, the originals it names, and the proof that both restore.

The catalogue is copied first. An original is on disk before the row that names it, and none is removed while a service
runs, so every original that the copy names is there. It is hashed while it is copied; what the folder has already from
an earlier backup is not copied again. Then the backup is restored into a temporary folder (with the same files under
second names) and `fsck` reads every byte of it. Only then does it count. A copy in the folder that has rotted shows
there, and is replaced from the store.

An original that neither the store nor an earlier backup has a good copy of is lost already, and a backup that waited
for it would never be made again. So the manifest names what is lacking, the backup counts without it, and whoever
asked is told.
"""

from __future__ import annotations

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from index_store import ids
from index_store.backups import CATALOGUE, FORMAT, Backups, FileSum, Manifest, copy_durably
from index_store.blobs.local import LocalBlobs
from index_store.catalogue.copying import originals_named, table_sums
from index_store.catalogue.tables import SCHEMA
from index_store.errors import CorruptBlobError, MissingBlobError
from index_store.in_use import hold_alone
from service import __version__
from service.workflows.findings import Finding
from service.workflows.fsck import fsck

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import TypeAlias

    from index_store.blobs.protocol import Blobs
    from service.workflows.findings import Progress, Store

    OpenAt: TypeAlias = Callable[[Path], AbstractContextManager[Store]]
    """Opens the embedded store in a folder."""

OF_THEIR_TIME = ("abandoned-job", "old-answer")
"""What is true of every store that was at work when it was copied."""
LOST = ("missing-blob", "rotten-blob")
"""What may be wrong with an original, and does not keep the rest from being restored."""
_THREADS = 4
"""Reading, hashing and writing all let other threads run."""
_NOT_YET = FileSum(0, "")


@dataclass(frozen=True, slots=True)
class BackedUp:
    name: str
    folder: Path
    manifest: Manifest
    copied: int
    """Originals that were not there from earlier backups."""
    findings: tuple[Finding, ...]
    """Why it does not count; empty if it does."""
    losses: tuple[Finding, ...]
    """Originals that it lacks, because no good copy of them is left anywhere."""
    removed: tuple[str, ...]
    """Older backups that went."""
    seconds: float


def back_up(store: Store, root: Path, *, open_at: OpenAt, keep: int | None, progress: Progress) -> BackedUp:
    """Make a backup in that folder of backups. Raises StoreError, `StoreInUseError` while another one is being made."""
    began = time.monotonic()
    with hold_alone(root):
        backups = Backups(root)
        backups.sweep()
        unfinished = backups.begin()
        progress("catalogue", 0, None)
        created = ids.now()
        sequence = store.copies.copy_to(unfinished / CATALOGUE)
        originals = originals_named(unfinished / CATALOGUE)
        copied = _copy_originals(store.blobs, backups.blobs(), [sha256 for sha256, _ in originals], progress)
        tables = {name: asdict(one) for name, one in table_sums(unfinished / CATALOGUE).items()}
        about = Manifest(FORMAT, __version__, SCHEMA, created, sequence, tables, _NOT_YET, _NOT_YET, 0, 0)
        name = backups.finish(unfinished, originals, about)
        findings = try_out(backups, name, open_at, progress)
        rotten = [finding.name for finding in findings if finding.kind == "rotten-blob"]
        if rotten and _throw_away(backups, rotten, store.blobs):
            copied += _copy_originals(store.blobs, backups.blobs(), rotten, progress)
            findings = try_out(backups, name, open_at, progress)
        losses = tuple(one for one in findings if one.kind in LOST)
        others = tuple(one for one in findings if one.kind not in LOST)
        lacking = [one.name for one in losses]
        manifest = backups.manifest(name) if others else backups.mark_verified(name, ids.now(), lacking=lacking)
        removed = tuple(backups.keep(keep, made=name)) if keep and not others else ()
    return BackedUp(name, root / name, manifest, copied, others, losses, removed, time.monotonic() - began)


def try_out(backups: Backups, name: str, open_at: OpenAt, progress: Progress) -> tuple[Finding, ...]:
    """Restore it into a temporary folder and look at every byte; what was found wrong."""
    manifest = backups.check(name)
    trial = backups.begin_trial()
    try:
        copy_durably(backups.root / name / CATALOGUE, trial / CATALOGUE)
        kept, lent = backups.blobs(), LocalBlobs(trial / "blobs")
        missing = []
        for sha256, _ in backups.originals(name):
            try:
                lent.borrow(kept, sha256)
            except MissingBlobError as error:
                missing.append(Finding("missing-blob", sha256, str(error)))
        return (*missing, *examine(trial, manifest, open_at, progress, besides=missing))
    finally:
        shutil.rmtree(trial, ignore_errors=True)


def examine(
    folder: Path, manifest: Manifest, open_at: OpenAt, progress: Progress, *, besides: list[Finding] | None = None
) -> list[Finding]:
    """What is wrong with a store that was just restored from a backup with that manifest."""
    tables = {name: asdict(one) for name, one in table_sums(folder / CATALOGUE).items()}
    found = []
    if manifest.schema == SCHEMA and tables != manifest.tables:
        others = ", ".join(name for name in tables if tables[name] != manifest.tables.get(name))
        found.append(Finding("changed-row", f"tables {others}", "they are not what was backed up"))
    with open_at(folder) as store:
        if store.catalogue.head() != manifest.sequence:
            found.append(Finding("missing-change", str(manifest.sequence), f"the log ends at {store.catalogue.head()}"))
        report = fsck(store, deep=True, progress=progress)
    found += [one for one in report.findings if one.kind not in OF_THEIR_TIME and one not in (besides or [])]
    return found


def _copy_originals(source: Blobs, target: LocalBlobs, names: list[str], progress: Progress) -> int:
    """How many were copied. One that the store lacks or that has rotted there is left to the trial to find."""

    def copy(sha256: str) -> bool:
        if target.has(sha256):
            return False
        try:
            return target.put(sha256, source.get(sha256, verify=True))
        except (MissingBlobError, CorruptBlobError):
            return False

    copied = 0
    with ThreadPoolExecutor(_THREADS) as threads:
        for place, new in enumerate(threads.map(copy, names), 1):
            copied += new
            progress("originals copied", place, len(names))
    target.settle()
    return copied


def _throw_away(backups: Backups, names: list[str], source: Blobs) -> int:
    """Copies that have rotted, where the store has a good one; how many."""
    kept, thrown = backups.blobs(), 0
    for sha256 in names:
        try:
            source.get(sha256, verify=True)
        except (MissingBlobError, CorruptBlobError):
            continue
        kept.discard(sha256)
        thrown += 1
    return thrown
