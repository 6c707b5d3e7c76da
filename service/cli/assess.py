"""`keepone assess FILE…`: how good pictures are, and what their files say of where they come from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from service import wiring
from service.cli import options
from service.cli.files import read_picture
from service.domain.errors import BadPictureError
from service.settings import load_settings
from service.workflows.block import query_block
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import looked_at

DONE, FAILED = 0, 3


@click.command("assess")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@options.as_json
@options.data
def command(files: tuple[Path, ...], as_json: bool, data: Path | None) -> None:
    """Say how good pictures are, and what their marks declare. Compares with nothing and stores nothing."""
    settings = load_settings(data=data)
    parts = wiring.build(settings)
    outcome = DONE
    try:
        for file in files:
            try:
                picture = read_picture(file, settings.max_bytes)
                block = query_block(looked_at(picture, parts.pool, Stopwatch(), wait_s=None)[0])
            except (BadPictureError, OSError) as error:
                print(f"{file}: {error}", file=sys.stderr)
                outcome = FAILED
                continue
            print(json.dumps({"file": str(file), **block}) if as_json else _lines(file, block))
    finally:
        parts.close()
    sys.exit(outcome)


def _lines(file: Path, block: dict[str, Any]) -> str:
    lines = [f"{file}: {block['format']} {block['width']} x {block['height']}, {block['bytes']:,} bytes"]
    for part in ("quality", "authenticity"):
        values = block[part]
        shown = {
            name: value for name, value in values.items() if name not in {"unknown", "signals"} and value is not None
        }
        words = ", ".join(f"{name} {_figure(value)}" for name, value in shown.items()) or "nothing could be judged"
        lines.append(f"  {part}: {words}")
    lines.extend(f"  {signal}" for signal in block["authenticity"]["signals"])
    return "\n".join(lines)


def _figure(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
