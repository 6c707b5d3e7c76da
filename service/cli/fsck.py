"""`keepone fsck`: is everything there that was acknowledged, and is it what it was?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service import wiring
from service.cli import options
from service.cli.progress import steps
from service.settings import load_settings
from service.workflows.findings import KINDS, Report, printable
from service.workflows.fsck import fsck
from service.workflows.fsck_repair import repair

if TYPE_CHECKING:
    from service.settings import Settings
    from service.workflows.findings import Progress, Store

FOUND = 1
_TOLD = 20
"""Findings of a kind that are listed for people; `--json` lists all."""


@click.command("fsck")
@click.option("--deep", is_flag=True, help="Hash every original and decode every thumbnail.")
@click.option(
    "--repair", "mend", is_flag=True, help="Make derived data again and remove rubbish; nobody else may be at work."
)
@options.as_json
@options.data
def command(*, deep: bool, mend: bool, as_json: bool, data: Path | None) -> None:
    """Check the store: rows, log, vectors, originals, jobs. A service may go on working meanwhile."""
    settings = load_settings(data=data)
    repaired = 0
    with wiring.open_store(settings, alone=mend) as store, steps() as progress:
        report = fsck(store, deep=deep, progress=progress)
        if mend and any(finding.repairable for finding in report.findings):
            before = set(report.findings)
            _mend(settings, store, report, progress)
            report = fsck(store, deep=deep, progress=progress)
            repaired = len(before - set(report.findings))
    if as_json:
        said = {"clean": report.is_clean, "checked": report.checked, "counts": report.counts(), "repaired": repaired}
        click.echo(json.dumps({**said, "findings": [finding.as_json() for finding in report.findings]}))
    else:
        _tell(report, repaired)
    sys.exit(0 if report.is_clean else FOUND)


def _mend(settings: Settings, store: Store, report: Report, progress: Progress) -> None:
    space = wiring.space_of(store.catalogue)
    with wiring.decoders(settings) as pool:
        repair(
            store,
            report,
            pool=pool,
            embedder=wiring.embedder(),
            space=space,
            forget_indexes=lambda: wiring.forget_indexes(settings),
            progress=progress,
        )


def _tell(report: Report, repaired: int) -> None:
    click.echo(", ".join(f"{count} {what}" for what, count in report.checked.items()) + " checked")
    if repaired:
        click.echo(f"{repaired} repaired")
    if report.is_clean:
        click.echo("nothing found")
        return
    counts = report.counts()
    width = max(map(len, counts))
    click.echo()
    for kind, count in counts.items():
        can = "repairable" if KINDS[kind].repairable else "not repairable"
        click.echo(f"{kind:{width}}  {count:6}  {can:14}  {KINDS[kind].meaning}")
    click.echo()
    told = dict.fromkeys(counts, 0)
    for finding in report.findings:
        told[finding.kind] += 1
        if told[finding.kind] <= _TOLD:
            click.echo(f"{finding.kind}  {printable(finding.name)}  {printable(finding.what)}".rstrip())
        elif told[finding.kind] == _TOLD + 1:
            click.echo(f"{finding.kind}  … and {counts[finding.kind] - _TOLD} more; --json lists all")
