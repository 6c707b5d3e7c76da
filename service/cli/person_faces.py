"""`keepone persons verify` and `identify`: whose face is in a picture."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service import wiring
from service.cli import options
from service.cli.check import FAILED, FOUND, NONE_FOUND
from service.cli.files import read_picture
from service.domain.errors import BadPictureError, NoFaceError, ThresholdRangeError
from service.domain.likeness import Distance
from service.domain.values import Relation
from service.settings import load_settings
from service.workflows import person_faces
from service.workflows.face_blocks import identification_block, verification_block
from service.workflows.findings import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.workflows.parts import Parts
    from service.workflows.person_faces import Yardstick

_FILE = click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))


@dataclass(frozen=True, slots=True)
class _Wish:
    """By which space and metric it is to be measured; what is None is the model's own."""

    space: str | None
    metric: Distance | None
    threshold: float | None


def _by(command: Callable[..., None]) -> Callable[..., None]:
    """`--space`, `--metric` and `--threshold`, which the command is given as one wish, `by`."""

    @click.option("--space", help="Space of faces; the first that is set unless told.")
    @click.option("--metric", type=click.Choice([each.value for each in Distance]), help="How far is measured.")
    @click.option(
        "--threshold", type=float, help="Largest distance of one person's faces, 2 at the most but for euclidean."
    )
    @wraps(command)
    def wishing(*given: Any, space: str | None, metric: str | None, threshold: float | None, **named: Any) -> None:
        command(*given, by=_Wish(space, Distance(metric) if metric else None, threshold), **named)

    return wishing


@click.command("verify")
@click.argument("person")
@_FILE
@_by
@options.as_json
@options.data
def verify(person: str, file: Path, data: Path | None, *, by: _Wish, as_json: bool) -> None:
    """Say whether a face of a picture is a person's. Stores nothing."""

    def ask(picture: bytes, by: Yardstick, parts: Parts) -> dict[str, Any]:
        return verification_block(person, person_faces.verify(picture, person, by, parts))

    told = _asked(file, data, by, ask)
    print(json.dumps(told) if as_json else printable(_verified(told)))
    sys.exit(FOUND if told["same_person"] else NONE_FOUND)


@click.command("identify")
@_FILE
@click.option("--top-k", type=click.IntRange(1, 100), default=5, show_default=True, help="Persons listed.")
@_by
@options.as_json
@options.data
def identify(file: Path, top_k: int, data: Path | None, *, by: _Wish, as_json: bool) -> None:
    """Say which persons' faces lie nearest to each face of a picture. Stores nothing."""

    def ask(picture: bytes, by: Yardstick, parts: Parts) -> dict[str, Any]:
        return identification_block(person_faces.identify(picture, by, parts, most=top_k))

    told = _asked(file, data, by, ask)
    if as_json:
        print(json.dumps(told))
    for number, face in enumerate(told["faces"] if not as_json else (), 1):
        print(f"face {number}")
        for near in face["persons"]:
            print(f"  {near['distance']:.4f} {printable(near['person_id'])}: {near['relation'] or 'no threshold'}")
    known = {near["relation"] for face in told["faces"] for near in face["persons"]}
    sys.exit(FOUND if Relation.SAME_PERSON in known else NONE_FOUND)


def _asked(
    file: Path, data: Path | None, by: _Wish, ask: Callable[[bytes, Yardstick, Parts], dict[str, Any]]
) -> dict[str, Any]:
    settings = load_settings(data=data)
    parts = wiring.build(settings)
    try:
        measure = person_faces.yardstick(parts, by.space, by.metric, by.threshold)
        return ask(read_picture(file, settings.max_bytes), measure, parts)
    except ThresholdRangeError as error:
        raise click.UsageError(f"--threshold: {error}") from error
    except (BadPictureError, NoFaceError, OSError) as error:
        print(f"{file}: {error}", file=sys.stderr)
        sys.exit(FAILED)
    finally:
        parts.close()


def _verified(told: dict[str, Any]) -> str:
    if told["same_person"] is None:
        return f"not to be told: {told['unknown']['same_person']}"
    said = "the same person" if told["same_person"] else "another person"
    near = told["nearest"]
    return (
        f"{said}: {told['metric']} distance {told['distance']:.4f}, threshold {told['threshold']}, "
        f"nearest {near['image_id']} ({near['external_id']})"
    )
