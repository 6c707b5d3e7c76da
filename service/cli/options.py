"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from service.domain.values import OperatingPoint

data = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of catalogue, index and blobs."
)
operating_point = click.option(
    "--operating-point",
    type=click.Choice([point.value for point in OperatingPoint]),
    help="How sure a duplicate must be.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
