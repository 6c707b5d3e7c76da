"""A backup that is worth its name: one moment of the catalogue, the originals it names, and the proof that both restore.

The catalogue is copied first. An original is on disk before the row that names it, and none is removed while a service
runs, so every original that the copy names is there. It is hashed while it is copied; what the folder has already from
an earlier backup is not copied again. Then the catalogue is read back from the folder and restored over the folder's
originals, and `fsck` reads every byte of both. Only then does the backup count. A copy in the folder that has rotted
shows there, and is replaced from the store.

An original that neither the store nor an earlier backup has a good copy of is lost already, and a backup that waited
for it would never be made again. So the manifest names what is lacking, the backup counts without it, and whoever
asked is told.

The folder may be a network share, where SQLite cannot be trusted: there a catalogue is only ever read and written from
end to end, and opened somewhere local.
"""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from index_store import ids
from index_store.backups import BLOBS, CATALOGUE, FORMAT, Backups, FileSum, Manifest, copy_durably
from index_store.catalogue.copying import originals_named, table_sums, where_sqlite_works
from index_store.catalogue.tables import SCHEMA
from index_store.errors import CorruptBlobError, MissingBlobError
from index_store.in_use import hold_alone
from service import __version__
from service.workflows.findings import Finding
from service.workflows.fsck import fsck
from service.workflows.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import TypeAlias

    from index_store.blobs.protocol import Blobs
    from service.workflows.findings import Progress, Store

    OpenAt: TypeAlias = Callable[[Path, Path], AbstractContextManager[Store]]
    """Opens the embedded store in a folder, with the originals in another one."""

OF_THEIR_TIME = ("abandoned-job", "old-answer")
"""What is true of every store that was at work when it was copied."""
LOST = ("missing-blob", "rotten-blob")
"""What may be wrong with an original, and does not keep the rest from being restored."""
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
        about = _copy_catalogue(store, backups, unfinished)
        copied = _copy_originals(store.blobs, backups, unfinished.name, about.count, progress)
        name = backups.finish(unfinished, about)
        findings = try_out(backups, name, open_at, progress)
        rotten = [finding.name for finding in findings if finding.kind == "rotten-blob"]
        if rotten and _throw_away(backups, rotten, store.blobs):
            copied += _copy_originals(store.blobs, backups, name, about.count, progress)
            findings = try_out(backups, name, open_at, progress)
        losses = tuple(one for one in findings if one.kind in LOST)
        others = tuple(one for one in findings if one.kind not in LOST)
        lacking = [one.name for one in losses]
        manifest = backups.manifest(name) if others else backups.mark_verified(name, ids.now(), lacking=lacking)
        removed = tuple(backups.keep(keep, made=name)) if keep and not others else ()
    return BackedUp(name, root / name, manifest, copied, others, losses, removed, time.monotonic() - began)


def try_out(backups: Backups, name: str, open_at: OpenAt, progress: Progress) -> tuple[Finding, ...]:
    """Restore its catalogue into a temporary folder and look at every byte; what was found wrong."""
    manifest = backups.check(name)
    trial = backups.begin_trial()
    try:
        with where_sqlite_works(trial) as place:
            copy_durably(backups.root / name / CATALOGUE, place / CATALOGUE)
            return tuple(examine(place, backups.root / BLOBS, manifest, open_at, progress))
    finally:
        shutil.rmtree(trial, ignore_errors=True)


def examine(folder: Path, blobs: Path, manifest: Manifest, open_at: OpenAt, progress: Progress) -> list[Finding]:
    """What is wrong with the catalogue in a folder that was just restored from a backup with that manifest, and with
    the originals it names; others may lie beside them.
    """
    tables = {name: asdict(one) for name, one in table_sums(folder / CATALOGUE).items()}
    found = []
    if manifest.schema == SCHEMA and tables != manifest.tables:
        others = ", ".join(name for name in tables if tables[name] != manifest.tables.get(name))
        found.append(Finding("changed-row", f"tables {others}", "they are not what was backed up"))
    with open_at(folder, blobs) as store:
        if store.catalogue.head() != manifest.sequence:
            found.append(Finding("missing-change", str(manifest.sequence), f"the log ends at {store.catalogue.head()}"))
        report = fsck(store, deep=True, orphans=False, progress=progress)
    return found + [one for one in report.findings if one.kind not in OF_THEIR_TIME]


def _copy_catalogue(store: Store, backups: Backups, unfinished: Path) -> Manifest:
    """What is known of the backup then: all but what its files are."""
    created = ids.now()
    with where_sqlite_works(unfinished) as place:
        sequence = store.copies.copy_to(place / CATALOGUE)
        count, size = backups.list_originals(unfinished, originals_named(place / CATALOGUE))
        tables = {name: asdict(one) for name, one in table_sums(place / CATALOGUE).items()}
        if place != unfinished:
            copy_durably(place / CATALOGUE, unfinished / CATALOGUE)
    return Manifest(FORMAT, __version__, SCHEMA, created, sequence, tables, _NOT_YET, _NOT_YET, count, size)


def _copy_originals(source: Blobs, backups: Backups, name: str, count: int, progress: Progress) -> int:
    """How many were copied. One that the store lacks or that has rotted there is left to the trial to find."""
    target = backups.blobs()

    def copy(sha256: str) -> bool:
        if target.has(sha256):
            return False
        try:
            return target.put(sha256, source.get(sha256, verify=True))
        except (MissingBlobError, CorruptBlobError):
            return False

    copied = 0
    names = (sha256 for sha256, _ in backups.originals(name))
    for done, (_, is_new) in enumerate(side_by_side(copy, names), 1):
        copied += is_new
        progress("originals copied", done, count)
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
