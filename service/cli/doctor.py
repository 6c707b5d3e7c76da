"""`keepone doctor`: is this machine fit to run the service, and where does each setting come from?"""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

import click
import numpy as np

from service import wiring
from service.cli import options
from service.domain.values import OperatingPoint
from service.pictures import thumbnails
from service.settings import Settings, load_settings, settings_with_sources
from service.workflows.check import check

FAILED = 3
GIB = 1024**3
LEAST_ROOM = GIB
"""Bytes that should be free: below it the first uploads may already fail."""


@click.command("doctor")
@options.data
def command(data: Path | None) -> None:
    """Check the machine and print every setting with its source."""
    settings = load_settings(data=data)
    healthy = True
    for name, passed, said in examine(settings):
        click.echo(f"{'ok  ' if passed else 'FAIL'}  {name}: {said}")
        healthy &= passed
    click.echo()
    rows = settings_with_sources(data=data)
    width = max(len(name) for name, _, _ in rows)
    for name, value, source in rows:
        click.echo(f"{name:{width}}  {value}  ({source})")
    sys.exit(0 if healthy else FAILED)


def examine(settings: Settings) -> list[tuple[str, bool, str]]:
    """(what, whether it passed, what was found) for each check; opens the store and judges one made picture."""
    rows = [("Python", sys.version_info >= (3, 11), platform.python_version())]
    parts = wiring.build(settings)
    try:
        rows.append(("catalogue", True, parts.catalogue.software))
        free = shutil.disk_usage(settings.data).free
        rows.append(("room", free >= LEAST_ROOM, f"{free / GIB:.1f} GiB free in {settings.data}"))
        parts.catalogue.check_writable()
        stats = parts.catalogue.stats()
        rows.append(("store", True, f"{stats.images} images, {stats.bytes_stored / GIB:.2f} GiB, writable"))
        ramp = np.indices((64, 64)).sum(axis=0).astype(np.uint8)
        picture = thumbnails.encode(np.stack([ramp, ramp.T, 255 - ramp], axis=2))
        checked = check(picture, parts, top_k=1, point=OperatingPoint.BALANCED)
        rows.append(("decoders", True, f"a picture was judged in {checked.timings_ms['total']:.0f} ms"))
    finally:
        parts.close()
    return rows
