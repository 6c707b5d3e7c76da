"""A backup made into a data folder again: built under a mark, looked at, and then put in its place.

Nothing is ever restored over something: the folder must be absent or empty. It is held alone from first to last, and
what is built lies in it under a name that keeps every service out (`in_use.RESTORING`). It need not be the folder's
parent that can be written to, nor the folder one that can be renamed, so a mount point will do.

Then the originals get their place, and the catalogue last: no row ever names a file that is not there. The mark goes
when all is on disk. So a restore that is killed, wherever it was, leaves a folder that no service opens and that can be
restored into again.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from index_store.backups import BLOBS, CATALOGUE, Backups, Manifest, copy_durably
from index_store.blobs.local import LocalBlobs, translated
from index_store.catalogue.copying import where_sqlite_works
from index_store.catalogue.tables import SCHEMA
from index_store.errors import (
    BadBackupError,
    BadEntryError,
    CorruptBlobError,
    MissingBlobError,
    StoreNotEmptyError,
)
from index_store.failpoints import reached
from index_store.in_use import LOCK, RESTORING, hold_alone
from index_store.syncing import make_folder, sync_folder
from service.workflows.backup import LOST, examine
from service.workflows.findings import printable
from service.workflows.side_by_side import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service.workflows.backup import OpenAt
    from service.workflows.findings import Finding, Progress

_IN_EMPTY_VOLUMES = {"lost+found"}


def restore_backup(
    backups: Backups,
    name: str,
    data: Path,
    *,
    open_at: OpenAt,
    progress: Progress,
    load: Callable[[Path], None] | None = None,
) -> Manifest:
    """Make `data` the store that the backup holds; the backup's manifest.

    Args:
        backups: the folder of backups.
        name: which of them.
        data: an absent or empty folder, or one in which a restore was cut short.
        open_at: opens the embedded store in a folder, with the originals in another one.
        progress: told how far it is.
        load: takes the catalogue's file into another database, which must be empty or hold just that; the file is not
            kept then.

    What the manifest says the backup lacks may be missing, and nothing else.

    Raises:
        StoreInUseError: a service has the folder open.
        StoreNotEmptyError: there is something in it.
        BadEntryError: there is something in the other database.
        BadBackupError: unverified, damaged, or of a newer version.
    """
    data = data.absolute()
    with translated():
        is_new = not data.exists()
        make_folder(data)
    with hold_alone(data, to_restore=True), translated():
        try:
            _refuse_what_holds_anything(data)
            manifest = _trusted(backups, name)
            _clear(data)
            _restore(backups, name, manifest, data, open_at, progress, load)
        except BaseException:
            if is_new and not _is_half_restored(data):
                with suppress(OSError):
                    (data / LOCK).unlink()
                    data.rmdir()
            raise
    return manifest


def _restore(
    backups: Backups,
    name: str,
    manifest: Manifest,
    data: Path,
    open_at: OpenAt,
    progress: Progress,
    load: Callable[[Path], None] | None,
) -> None:
    building = data / RESTORING
    with ExitStack() as local:
        try:
            building.mkdir(mode=0o700)
            sync_folder(data)
            reached("restore.begun")
            # What goes into another database need not lie where SQLite works, and yet has to be opened.
            place = building if load is None else local.enter_context(where_sqlite_works(building))
            copy_durably(backups.root / name / CATALOGUE, place / CATALOGUE)
            _copy_originals(backups, name, manifest, building, progress)
            _refuse_unsound(name, manifest, examine(place, building / BLOBS, manifest, open_at, progress))
            sync_folder(building)
            reached("restore.built")
            (building / BLOBS).rename(data / BLOBS)
            sync_folder(data)
            reached("restore.originals-placed")
            if load is None:
                (building / CATALOGUE).rename(data / CATALOGUE)
                sync_folder(data)
        except BaseException:
            with suppress(OSError):
                _clear(data)
            raise
        if load is not None:
            try:
                load(place / CATALOGUE)
            except BadEntryError:  # a refusal; after any other error it may be committed, and its originals must stay
                _clear(data)
                raise
    reached("restore.catalogue-placed")
    shutil.rmtree(building)
    sync_folder(data)


def _trusted(backups: Backups, name: str) -> Manifest:
    manifest = backups.check(name)
    if manifest.verified is None:
        raise BadBackupError(f"backup {name} was never verified: its trial restore failed or was cut short")
    if manifest.schema > SCHEMA:
        raise BadBackupError(
            f"backup {name} has schema {manifest.schema}, made by a newer Keepone; this knows {SCHEMA}"
        )
    return manifest


def _refuse_unsound(name: str, manifest: Manifest, found: list[Finding]) -> None:
    known = {(kind, sha256) for sha256 in manifest.lacking for kind in LOST}
    found = [one for one in found if (one.kind, one.name) not in known]
    if found:
        first = f"{found[0].kind} {printable(found[0].name)}"
        raise BadBackupError(f"backup {name} did not restore soundly: {len(found)} findings, the first is {first}")


def _refuse_what_holds_anything(data: Path) -> None:
    ours = {LOCK, RESTORING, BLOBS, CATALOGUE} if _is_half_restored(data) else {LOCK}
    holds = sorted(path.name for path in data.iterdir() if path.name not in ours | _IN_EMPTY_VOLUMES)
    if holds:
        raise StoreNotEmptyError(f"{data} is not empty (it holds {holds[0]}); restore into a new folder")


def _is_half_restored(data: Path) -> bool:
    return (data / RESTORING).exists()


def _clear(data: Path) -> None:
    """Remove what a restore that did not come to its end has left, the mark last."""
    if not _is_half_restored(data):
        return
    (data / CATALOGUE).unlink(missing_ok=True)
    if (data / BLOBS).exists():
        shutil.rmtree(data / BLOBS)
    sync_folder(data)
    shutil.rmtree(data / RESTORING)
    sync_folder(data)


def _copy_originals(backups: Backups, name: str, manifest: Manifest, building: Path, progress: Progress) -> None:
    source, target = backups.blobs(), LocalBlobs(building / BLOBS, settle_later=True)
    lacking = frozenset(manifest.lacking)

    def copy(sha256: str) -> None:
        try:
            target.put(sha256, source.get(sha256, verify=True))
        except (MissingBlobError, CorruptBlobError):
            if sha256 not in lacking:  # a later backup may have found a good copy
                raise

    names = (sha256 for sha256, _ in backups.originals(name))
    for done, _ in enumerate(side_by_side(copy, names), 1):
        progress("originals", done, manifest.count)
    target.settle()
