"""`keepone reindex`: the vector index anew, from what the catalogue holds."""

from __future__ import annotations

from pathlib import Path

import click
from tqdm import tqdm

from service import wiring
from service.cli import options
from service.domain.errors import SettingsError
from service.settings import load_settings
from service.workflows.reindex import reindex

MIB = 2**20


@click.command("reindex")
@options.data
def command(data: Path | None) -> None:
    """Make the vector index anew from the catalogue, without decoding a picture. A running service takes it over."""
    settings = load_settings(data=data)
    if settings.index_url == "exact://":
        raise SettingsError("KEEPONE_INDEX_URL is exact://, which keeps nothing on disk to be made anew")
    with wiring.open_snapshots(settings) as (catalogue, space, folder), tqdm(unit=" vectors", disable=None) as bar:

        def show(step: str, done: int) -> None:
            bar.set_description(step)
            bar.update(max(0, done - bar.n))

        made = reindex(catalogue, space, folder, show)
    if made is None:
        print("no vectors to index")
        return
    print(
        f"{made.vectors} vectors up to change {made.sequence} ({made.kind}), "
        f"{made.bytes / MIB:.1f} MiB in {made.seconds:.1f} s"
    )
