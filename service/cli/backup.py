"""`keepone backup DIR` and `keepone restore BACKUP`: a copy that was tried out, and back again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from index_store.backups import Backups
from index_store.errors import BadBackupError
from service import wiring
from service.cli import options
from service.cli.progress import steps
from service.domain.errors import SettingsError
from service.settings import load_settings
from service.workflows.backup import back_up
from service.workflows.findings import Finding, printable
from service.workflows.restore_backup import restore_backup

NOT_WHOLE = 1
MIB = 2**20
_TOLD = 20


@click.command("backup")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--keep", type=click.IntRange(1), help="Afterwards remove all but this many verified backups.")
@options.data
def backup(folder: Path, keep: int | None, data: Path | None) -> None:
    """Make a backup in FOLDER and try it out. A service may go on working meanwhile."""
    settings = load_settings(data=data)
    if settings.data.absolute() in (folder.absolute(), *folder.absolute().parents):
        raise SettingsError(f"{folder} lies in the data folder; a backup belongs somewhere else")
    with wiring.open_store(settings) as store, steps() as progress:
        open_at = partial(wiring.open_store_at, settings)
        made = back_up(store, folder, open_at=open_at, keep=keep, progress=progress)
    about = made.manifest
    click.echo(f"{made.folder}")
    click.echo(
        f"{about.count} originals ({about.bytes / MIB:.1f} MiB), {made.copied} of them copied now, up to change "
        f"{about.sequence}, in {made.seconds:.1f} s"
    )
    if made.removed:
        click.echo(f"{len(made.removed)} older removed")
    if made.findings:
        click.echo(f"NOT verified: {len(made.findings)} findings; it cannot be restored", err=True)
        _list(made.findings)
    else:
        click.echo(f"verified{', with known losses' if made.losses else ''}: it was restored and checked")
    if made.losses:
        click.echo(
            f"LOST: no good copy is left of {len(made.losses)} originals, neither in the store nor in an earlier backup "
            "here; all the rest is restored without them",
            err=True,
        )
        _list(made.losses)
    if made.findings or made.losses:
        sys.exit(NOT_WHOLE)


def _list(findings: Sequence[Finding]) -> None:
    for finding in findings[:_TOLD]:
        click.echo(f"{finding.kind}  {printable(finding.name)}  {printable(finding.what)}".rstrip(), err=True)
    if len(findings) > _TOLD:
        click.echo(f"… and {len(findings) - _TOLD} more", err=True)


@click.command("restore")
@click.argument("source", metavar="BACKUP", type=click.Path(path_type=Path, file_okay=False, exists=True))
@options.data
def restore(source: Path, data: Path | None) -> None:
    """Make BACKUP the data folder, which must be absent or empty. BACKUP may be a folder of backups: its newest then."""
    settings = load_settings(data=data)
    if settings.blobs_url:
        raise SettingsError("KEEPONE_BLOBS_URL is set; a restore puts originals into the data folder, so unset it")
    backups, name = _named(source)
    with steps() as progress:
        manifest = restore_backup(
            backups,
            name,
            settings.data,
            open_at=partial(wiring.open_store_at, settings),
            progress=progress,
            load=(lambda file: wiring.load_catalogue(settings, file)) if settings.catalogue_url else None,
        )
    click.echo(f"{name} is restored to {settings.data}: {manifest.count} originals, up to change {manifest.sequence}")
    if manifest.lacking:
        click.echo(
            f"{len(manifest.lacking)} of the originals were lost before the backup was made; `keepone fsck` names what "
            "is missing",
            err=True,
        )


def _named(source: Path) -> tuple[Backups, str]:
    """The backup that a path names, or the newest verified one in a folder of backups."""
    source = source.absolute()
    if source.name in Backups(source.parent).names():
        return Backups(source.parent), source.name
    backups = Backups(source)
    verified = backups.verified()
    if not verified:
        raise BadBackupError(f"{source} is no backup, and there is no verified one in it")
    return backups, verified[-1]
