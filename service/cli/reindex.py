"""`keepone reindex`: the vector indexes anew from what the catalogue holds, or a further space filled from the originals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from tqdm import tqdm

from service import wiring
from service.cli import options
from service.domain.errors import SettingsError
from service.settings import load_settings
from service.workflows.filling import fill
from service.workflows.reindex import reindex
from service.workflows.spaces import space_named

if TYPE_CHECKING:
    from index_store.catalogue.protocol import ChangeLog
    from index_store.records import Space
    from index_store.vectors.snapshot import SnapshotFolder
    from service.settings import Settings
    from service.workflows.filling import Step

MIB = 2**20


@click.command("reindex")
@click.option("--space", help="A further space that is set, e.g. deepface:Dlib: describe in it whatever it lacks.")
@options.data
def command(space: str | None, data: Path | None) -> None:
    """Make the vector indexes anew from the catalogue, without decoding a picture. A running service takes them over.

    With --space it is the originals that are read, and the model of that space is asked about each that it has not
    described yet. What is described stays so, however this ends; a running service sees it at once.
    """
    settings = load_settings(data=data)
    if space is not None:
        _fill(settings, space)
        return
    if settings.index_url == "exact://":
        raise SettingsError("KEEPONE_INDEX_URL is exact://, which keeps nothing on disk to be made anew")
    with wiring.open_snapshots(settings) as (catalogue, builtin, folder):
        print(_made(catalogue, builtin, folder))
        for further, its_folder in wiring.further_snapshots(settings, catalogue):
            print(f"{further.name}: {_made(catalogue, further, its_folder)}")


def _made(catalogue: ChangeLog, space: Space, folder: SnapshotFolder) -> str:
    """One index anew, in words."""
    with tqdm(unit=" vectors", disable=None) as bar:

        def show(step: str, done: int) -> None:
            bar.set_description(step)
            bar.update(max(0, done - bar.n))

        made = reindex(catalogue, space, folder, show)
    if made is None:
        return "no vectors to index"
    return (
        f"{made.vectors} vectors up to change {made.sequence} ({made.kind}), "
        f"{made.bytes / MIB:.1f} MiB in {made.seconds:.1f} s"
    )


def _fill(settings: Settings, name: str) -> None:
    parts = wiring.build(settings, decoders_at_once=False)
    try:
        space = space_named(name, parts.spaces)
        missing = parts.catalogue.descriptions.coverage(space.space.space_id).missing
        unreadable: dict[str, str] = {}
        with tqdm(unit=" pictures", total=missing, disable=None) as bar:

            def show(step: Step) -> None:
                unreadable.update(step.unreadable)
                bar.update(step.described + len(step.unreadable))

            fill(space, parts, told=show)
        covered = parts.catalogue.descriptions.coverage(space.space.space_id)
    finally:
        parts.close()
    print(f"{name}: {covered.described} pictures described, {covered.missing} could not be")
    for content_id, why in unreadable.items():
        click.echo(f"{content_id}: {why}", err=True)
