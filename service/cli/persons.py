"""`keepone persons`: whom images belong to, taken in from a folder tree and written out as one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service import wiring
from service.cli import ingest, options, person_faces
from service.cli.check import FAILED
from service.cli.progress import steps
from service.domain.errors import KeeponeError
from service.settings import load_settings
from service.workflows.arrival import OnDuplicate
from service.workflows.findings import printable
from service.workflows.ingest_job import IngestRequest
from service.workflows.person_export import export
from service.workflows.person_import import persons_of, take_over_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator

    from index_store.catalogue.protocol import Persons
    from index_store.person_records import Person

_PAGE = 500
_MOST_TOLD = 20


class NoPersonsError(KeeponeError):
    """There is no folder of a person there."""


@click.group("persons")
def command() -> None:
    """Persons: list them, import a folder of each from a tree, export them as one."""


@command.command("list")
@options.as_json
@options.data
def listed(data: Path | None, *, as_json: bool) -> None:
    """Those that became known last come first."""
    with wiring.open_store(load_settings(data=data)) as store:
        for person in _all(store.catalogue.persons):
            click.echo(json.dumps(_as_json(person), ensure_ascii=False) if as_json else _line(person))


@command.command("import")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@options.data
def taken_in(folder: Path, data: Path | None) -> None:
    """Take in a tree: each folder in it is a person, and all pictures below it are that person's.

    Run again after an interruption, it goes on where it stopped. What a person has already by the same name is passed over.
    """
    settings = load_settings(data=data)
    tree = folder.resolve()
    ingest.refuse_own([tree], settings)
    persons = persons_of(tree)
    if not persons:
        raise NoPersonsError(f"There is no folder of a person in {tree}.")
    request = IngestRequest(
        "paths",
        OnDuplicate.STORE,
        settings.operating_point,
        paths=tuple(str(tree / name) for name in persons),
        persons=persons,
        roots=(str(tree),),
    )
    sys.exit(ingest.take_in(request, settings, lambda parts: take_over_metadata(tree, parts)))


@command.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--person", "only", multiple=True, help="Only this one; may be given several times.")
@options.data
def written_out(folder: Path, only: tuple[str, ...], data: Path | None) -> None:
    """Write persons as a tree: a folder of each, its images under their names, and metadata.json. Writes over nothing."""
    settings = load_settings(data=data)
    tree = folder.resolve()
    ingest.refuse_own([tree], settings)
    with wiring.open_store(settings) as store, steps() as progress:
        names = only or tuple(person.person_id for person in _all(store.catalogue.persons))
        told = export(tree, names, store.catalogue, store.blobs, settings.effective_outputs, progress)
    for line in told.failed[:_MOST_TOLD]:
        click.echo(printable(line), err=True)
    if len(told.failed) > _MOST_TOLD:
        click.echo(f"and {len(told.failed) - _MOST_TOLD:,} more", err=True)
    click.echo(f"{len(names):,} persons: {told.written:,} images written, {told.there:,} there already")
    sys.exit(FAILED if told.failed else 0)


command.add_command(person_faces.verify)
command.add_command(person_faces.identify)


def _all(persons: Persons) -> Iterator[Person]:
    cursor: str | None = None
    while True:
        page = persons.list(_PAGE, cursor)
        yield from page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _line(person: Person) -> str:
    return f"{person.person_id}: {person.images:,} images{f' ({person.name})' if person.name else ''}"


def _as_json(person: Person) -> dict[str, object]:
    return {
        "person_id": person.person_id,
        "name": person.name,
        "images": person.images,
        "metadata": person.metadata,
        "created": person.created,
        "changed": person.changed,
    }
