"""A backup made into a data folder again: beside it first, looked at, and then put in its place in one step.

Nothing is ever restored over something. The folder must be absent or empty, and it becomes the restored one by a
rename, which the system refuses if anything has come into it meanwhile.
"""

from __future__ import annotations

import errno
import secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

from index_store.backups import CATALOGUE, Backups, Manifest, copy_durably
from index_store.blobs.local import LocalBlobs, sync_folder, translated
from index_store.catalogue.tables import SCHEMA
from index_store.errors import BadBackupError, CorruptBlobError, MissingBlobError, StoreNotEmptyError
from index_store.in_use import LOCK, hold_alone
from service.workflows.backup import LOST, examine
from service.workflows.findings import printable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service.workflows.backup import OpenAt
    from service.workflows.findings import Finding, Progress

_THREADS = 4


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
        data: an absent or empty folder.
        open_at: opens the embedded store in a folder.
        progress: told how far it is.
        load: takes the catalogue's file into another database, which must be empty; the file is not kept then.

    What the manifest says the backup lacks may be missing, and nothing else.

    Raises:
        StoreInUseError: a service has the folder open.
        StoreNotEmptyError: there is something in it.
        BadBackupError: unverified, damaged, or of a newer version.
    """
    data = data.absolute()
    _refuse_what_holds_anything(data)
    manifest = _trusted(backups, name)
    beside = data.parent / f"{data.name}.restoring-{secrets.token_hex(8)}"
    beside.mkdir(mode=0o700, parents=True)
    try:
        copy_durably(backups.root / name / CATALOGUE, beside / CATALOGUE)
        _copy_originals(backups, name, manifest, beside, progress)
        _refuse_unsound(name, manifest, examine(beside, manifest, open_at, progress))
        if load is not None:
            load(beside / CATALOGUE)
            (beside / CATALOGUE).unlink()
        sync_folder(beside)
        _take_place(beside, data)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    return manifest


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
    if not data.exists():
        return
    holds = sorted(path.name for path in data.iterdir() if path.name != LOCK)
    with hold_alone(data):  # tells a live one first
        if holds:
            raise StoreNotEmptyError(f"{data} is not empty (it holds {holds[0]}); restore into a new folder")


def _copy_originals(backups: Backups, name: str, manifest: Manifest, beside: Path, progress: Progress) -> None:
    source, target = backups.blobs(), LocalBlobs(beside / "blobs", settle_later=True)
    wanted = [sha256 for sha256, _ in backups.originals(name)]
    lacking = frozenset(manifest.lacking)

    def copy(sha256: str) -> None:
        try:
            target.put(sha256, source.get(sha256, verify=True))
        except (MissingBlobError, CorruptBlobError):
            if sha256 not in lacking:  # a later backup may have found a good copy
                raise

    with ThreadPoolExecutor(_THREADS) as threads:
        for place, _ in enumerate(threads.map(copy, wanted), 1):
            progress("originals", place, len(wanted))
    target.settle()


def _take_place(beside: Path, data: Path) -> None:
    with ExitStack() as held, translated():
        held.enter_context(hold_alone(beside))  # whoever opens the folder the moment it is there waits for us
        if data.exists():
            held.enter_context(hold_alone(data))
            (data / LOCK).unlink()
        try:
            beside.rename(data)
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:
                raise StoreNotEmptyError(f"something came into {data} meanwhile; nothing was restored") from error
            raise
        sync_folder(data.parent)
