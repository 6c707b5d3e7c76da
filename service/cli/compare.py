"""`keepone compare`: two pictures beside one another, and why they are no copies where they are none."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from index_store.errors import NotFoundError
from index_store.records import Content
from service import wiring
from service.cli import options
from service.cli.check import FOUND, NONE_FOUND
from service.cli.files import read_picture
from service.cli.outputs import over_nothing
from service.domain.values import OperatingPoint, VerdictKind
from service.settings import load_settings
from service.workflows.block import comparison_block
from service.workflows.comparison import Compared, compare
from service.workflows.known import content_of
from service.workflows.parts import Parts
from service.workflows.stopwatch import Stopwatch

_MARKS = {True: "yes", False: "no", None: "-"}


@click.command("compare")
@click.argument("query")
@click.argument("reference")
@click.option(
    "--changes",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write the map of changes here (PNG).",
)
@options.operating_point
@options.as_json
@options.data
def command(
    query: str, reference: str, changes: Path | None, operating_point: str | None, as_json: bool, data: Path | None
) -> None:
    """Lay a picture on another; each is a file or the id of a stored picture. Stores nothing."""
    over_nothing(changes, "--changes")
    settings = load_settings(data=data)
    point = OperatingPoint(operating_point) if operating_point else settings.operating_point
    parts = wiring.build(settings)
    try:
        pair = [_picture(one, parts) for one in (query, reference)]
        compared = compare(pair[0], pair[1], parts, Stopwatch(), point=point)
    finally:
        parts.close()
    if changes is not None and compared.change_map is not None:
        changes.write_bytes(compared.change_map)
    print(json.dumps(comparison_block(compared)) if as_json else _sentences(compared))
    sys.exit(FOUND if compared.kind is VerdictKind.DUPLICATE else NONE_FOUND)


def _picture(named: str, parts: Parts) -> bytes | Content:
    """A file's bytes, or a stored content. Raises what `read_picture` raises, and click's BadParameter."""
    if Path(named).is_file():
        return read_picture(Path(named), parts.settings.max_bytes)
    try:
        return content_of(named, parts)
    except NotFoundError as error:
        raise click.BadParameter(f"{named} is neither a file nor the id of a stored picture") from error


def _sentences(compared: Compared) -> str:
    told = compared.told
    edits = f" ({', '.join(edit.value for edit in told.edits)})" if told.edits else ""
    lines = [f"{compared.kind.value} ({told.probability:.1%}): {told.relation.value}{edits}, {told.direction.value}"]
    lines.extend(f"  {_MARKS[stage.passed]:>3}  {stage.name}: {stage.text}" for stage in compared.stages)
    return "\n".join(lines)
