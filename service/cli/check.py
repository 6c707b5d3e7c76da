"""`keepone check FILE…`: verdicts without a running service."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service import wiring
from service.cli import options
from service.cli.files import read_picture
from service.domain.errors import BadPictureError
from service.domain.values import OperatingPoint, VerdictKind
from service.settings import load_settings
from service.workflows.block import verdict_block
from service.workflows.check import Checked, check

if TYPE_CHECKING:
    from service.workflows.likeness import Like

NONE_FOUND, FOUND, FAILED = 0, 1, 3


@click.command("check")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--top-k", type=click.IntRange(1, 100), default=5, show_default=True, help="Matches listed.")
@options.operating_point
@options.as_json
@options.data
def command(files: tuple[Path, ...], top_k: int, operating_point: str | None, as_json: bool, data: Path | None) -> None:
    """Judge pictures against everything stored. Stores nothing."""
    settings = load_settings(data=data)
    point = OperatingPoint(operating_point) if operating_point else settings.operating_point
    parts = wiring.build(settings)
    worst = NONE_FOUND
    try:
        for file in files:
            try:
                checked = check(read_picture(file, settings.max_bytes), parts, top_k=top_k, point=point)
            except (BadPictureError, OSError) as error:
                print(f"{file}: {error}", file=sys.stderr)
                worst = FAILED
                continue
            if checked.verdict.kind is VerdictKind.DUPLICATE:
                worst = max(worst, FOUND)
            print(json.dumps({"file": str(file), **verdict_block(checked)}) if as_json else _sentence(file, checked))
    finally:
        parts.close()
    sys.exit(worst)


def _sentence(file: Path, checked: Checked) -> str:
    verdict = checked.verdict
    lines = [f"{file}: {verdict.kind.value} ({verdict.probability:.1%}), {verdict.recommendation.action.value}"]
    if verdict.matches:
        best = verdict.matches[0]
        named = f"{best.image_id} ({best.external_id})" if best.external_id else best.image_id
        lines.append(f"  {best.relation.value}: {named}")
    lines.extend(f"  {reason.weight:+.2f} {reason.text}" for reason in verdict.recommendation.reasons)
    if checked.likeness is not None:
        lines.extend(_like(one, "the same person" if one.is_below else "near") for one in checked.likeness.persons)
        lines.extend(_like(one, "similar") for one in checked.likeness.similar)
    return "\n".join(lines)


def _like(one: Like, how: str) -> str:
    """What stands beside the verdict."""
    named = f"{one.image_id} ({one.external_id})" if one.external_id else one.image_id
    whose = f" of {one.person_id}" if one.person_id else ""
    within = "" if one.threshold is None else f", {'within' if one.is_below else 'beyond'} {one.threshold:g}"
    return f"  {how}: {named}{whose}, {one.metric.value} {one.distance:.3f}{within} ({one.space})"
