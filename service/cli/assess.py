"""`keepone assess FILE…`: how good pictures are, and what their files say of where they come from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service import wiring
from service.cli import options
from service.cli.files import read_picture
from service.domain.choosing import choose, is_clear
from service.domain.errors import BadPictureError
from service.domain.keeper import told_of
from service.domain.pairs import Pair
from service.settings import load_settings
from service.workflows.block import query_block
from service.workflows.stopwatch import Stopwatch
from service.workflows.study import looked_at

if TYPE_CHECKING:
    from service.domain.policy import Policy
    from service.domain.values import Assessed

DONE, FAILED = 0, 3


@click.command("assess")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--keeper", "choose_one", is_flag=True, help="Take them for copies, and say which should stay.")
@options.as_json
@options.data
def command(files: tuple[Path, ...], as_json: bool, data: Path | None, *, choose_one: bool) -> None:
    """Say how good pictures are, and what their marks declare. Compares with nothing and stores nothing."""
    settings = load_settings(data=data)
    parts = wiring.build(settings)
    outcome = DONE
    read: dict[Path, Assessed] = {}
    try:
        for file in files:
            try:
                picture = read_picture(file, settings.max_bytes)
                read[file] = looked_at(picture, parts.pool, Stopwatch(), wait_s=None, faces=parts.faces)[0]
                block = query_block(read[file])
            except (BadPictureError, OSError) as error:
                print(f"{file}: {error}", file=sys.stderr)
                outcome = FAILED
                continue
            print(json.dumps({"file": str(file), **block}) if as_json else _lines(file, block))
        if choose_one and read:
            told = _chosen(read, parts.policy)
            print(json.dumps(told) if as_json else _said(told))
    finally:
        parts.close()
    sys.exit(outcome)


def _chosen(read: dict[Path, Assessed], policy: Policy) -> dict[str, Any]:
    """Who stays, and its leads over each of the others. Nobody asks whether they are copies."""
    files, members = list(read), list(read.values())
    pairs = {
        (one, other): Pair(same_pixels=True)
        for one in range(len(files))
        for other in range(one)
        if members[one].facts.pixel_hash == members[other].facts.pixel_hash
    }
    choice = choose(members, pairs, policy)
    return {
        "keeper": str(files[choice.keeper]),
        "policy": policy.name,
        "over": [
            {
                "file": str(files[other]),
                "clear": is_clear(found, policy),
                "reasons": [{"text": text, "weight": weight} for text, weight in told_of(found, "it", "the other")],
            }
            for other, found in choice.leads.items()
        ],
    }


def _said(told: dict[str, Any]) -> str:
    lines = [f"{told['keeper']} should stay, by {told['policy']}"]
    for other in told["over"]:
        lines.append(f"  over {other['file']}{'' if other['clear'] else ', which is nearly as good'}:")
        lines.extend(f"    {reason['weight']:+.2f} {reason['text']}" for reason in other["reasons"])
    return "\n".join(lines)


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
