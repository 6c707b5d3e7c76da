"""`keepone removals`: what was set aside, and how it comes back or goes for good."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from service import wiring
from service.cli import options
from service.cli.check import FAILED
from service.cli.progress import steps
from service.domain.errors import WrongRemovalError
from service.inputs.names import path_at
from service.settings import load_settings
from service.workflows import file_removal, image_removal, person_removal
from service.workflows.findings import printable
from service.workflows.person_plan import PERSONS

if TYPE_CHECKING:
    from pathlib import Path

    from index_store.removal_records import RemovalRecord


@click.group("removals")
def command() -> None:
    """Removals of this data folder: list them, undo one, purge one."""


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@options.as_json
@options.data
def listed(limit: int, data: Path | None, *, as_json: bool) -> None:
    """The newest removals first."""
    with wiring.open_store(load_settings(data=data)) as store:
        for record in store.catalogue.removals.list(limit).items:
            counts = store.catalogue.removals.counts(record.removal_id)
            click.echo(json.dumps(_as_json(record, counts), ensure_ascii=False) if as_json else _line(record, counts))


@command.command("resume")
@click.argument("removal_id")
@options.data
def resume(removal_id: str, data: Path | None) -> None:
    """Go on with a removal that was cut short."""
    with wiring.open_store(load_settings(data=data)) as store, steps() as progress:
        removals = store.catalogue.removals
        planned = removals.get(removal_id)
        if planned.kind == PERSONS:
            if planned.state == "planned":
                raise WrongRemovalError("It was not begun. Apply it with `POST /removals/{removal_id}/apply`.")
            record = person_removal.resume(removal_id, store.catalogue, store.blobs, progress)
        else:
            record = file_removal.apply(removal_id, planned.plan_hash, removals, progress)
        counts = removals.counts(removal_id)
    click.echo(_line(record, counts))


@command.command("undo")
@click.argument("removal_id")
@options.data
def undo(removal_id: str, data: Path | None) -> None:
    """Bring everything of a removal back: every file to where it lay, every image of a person."""
    with wiring.open_store(load_settings(data=data)) as store, steps() as progress:
        removals = store.catalogue.removals
        is_of_persons = removals.get(removal_id).kind == PERSONS
        try:
            if is_of_persons:
                record = image_removal.undo(removal_id, store.catalogue, progress)
            else:
                record = file_removal.undo(removal_id, removals, progress)
        finally:
            for item in file_removal.items_of(removal_id, removals, "returned"):
                if item.place is not None and item.place != item.loser["at"]:
                    click.echo(
                        f"{printable(item.loser['name'])} came back as {printable(path_at(item.place))}", err=True
                    )
    click.echo(f"{record.removal_id} is undone")


@command.command("purge")
@click.argument("removal_id")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@options.data
def purge(removal_id: str, data: Path | None, *, yes: bool) -> None:
    """Delete what was set aside or removed, for good; not before thirty days have passed."""
    with wiring.open_store(load_settings(data=data)) as store:
        removals = store.catalogue.removals
        record = removals.get(removal_id)
        file_removal.check_purge(record)
        count = removals.counts(removal_id).get("removed", 0)
        what = "images" if record.kind == PERSONS else "files"
        if not yes and not click.confirm(f"Delete {count:,} {what} for good?"):
            sys.exit(FAILED)
        with steps() as progress:
            if record.kind == PERSONS:
                image_removal.purge(removal_id, store.catalogue, store.blobs, progress)
            else:
                file_removal.purge(removal_id, removals, progress)
    click.echo(f"{removal_id} is purged")


def _as_json(record: RemovalRecord, counts: dict[str, int]) -> dict[str, object]:
    return {
        "removal_id": record.removal_id,
        "state": record.state,
        "folder": record.request.get("shown"),
        "person_ids": record.request.get("person_ids"),
        "matcher": record.request.get("matcher"),
        "items": record.items,
        "bytes": record.bytes,
        "created": record.created,
        "changed": record.changed,
        "counts": counts,
    }


def _line(record: RemovalRecord, counts: dict[str, int]) -> str:
    told = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))
    return f"{record.removal_id} {record.changed[:16]}Z {record.state}: {told} in {_place(record)}"


def _place(record: RemovalRecord) -> object:
    return ", ".join(record.request["person_ids"]) if record.kind == PERSONS else record.request.get("shown")
