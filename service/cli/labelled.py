"""Pictures whose truth somebody knows: a folder for each person, or a list of pairs (CSV)."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import click

from service.workflows.compare_models import LabelledPair

if TYPE_CHECKING:
    from pathlib import Path

_YES = {"yes", "true", "1", "same"}
_NO = {"no", "false", "0", "different"}
_COLUMNS = ("file_x", "file_y", "decision")


@dataclass(slots=True)
class Labelled:
    """Files, each once, and pairs of them by their place."""

    files: list[Path] = field(default_factory=list)
    pairs: list[LabelledPair] = field(default_factory=list)


def from_folder(folder: Path) -> Labelled:
    """Every pair of pictures: the same when they lie in one folder. Raises click.UsageError for fewer than two folders."""
    people = [sub for sub in sorted(folder.iterdir()) if sub.is_dir() and not sub.name.startswith(".")]
    owned = [(file, sub.name) for sub in people for file in sorted(sub.iterdir()) if file.is_file()]
    if len({owner for _, owner in owned}) < 2:  # noqa: PLR2004 - two is what it takes to tell apart
        raise click.UsageError(f"{folder} must hold a folder of pictures for each of at least two persons.")
    pairs = [
        LabelledPair(left, right, same=owned[left][1] == owned[right][1])
        for left, right in combinations(range(len(owned)), 2)
    ]
    return Labelled([file for file, _ in owned], pairs)


def from_list(path: Path, images: Path | None) -> Labelled:
    """`file_x,file_y,decision` with Yes or No; other columns are not read. Raises click.UsageError naming a bad line.

    A file is looked for as it is written below `images` (unless told, where the list lies), else there by its name alone.
    """
    folder = images or path.parent
    labelled = Labelled()
    places: dict[Path, int] = {}
    with path.open(encoding="utf-8-sig", newline="") as opened:
        rows = csv.DictReader(opened)
        names = {name.strip().lower(): name for name in rows.fieldnames or []}
        if not set(_COLUMNS) <= set(names):
            raise click.UsageError(f"{path} must have the columns {', '.join(_COLUMNS)}.")
        for row in rows:
            left, right, decision = ((row[names[column]] or "").strip() for column in _COLUMNS)
            if decision.lower() not in _YES | _NO:
                raise click.UsageError(f"{path}, line {rows.line_num}: decision is {decision!r}, neither Yes nor No.")
            ends = []
            for name in (left, right):
                file = _found(folder, name)
                if file is None:
                    raise click.UsageError(f"{path}, line {rows.line_num}: there is no {name} below {folder}.")
                ends.append(places.setdefault(file, len(places)))
            labelled.pairs.append(LabelledPair(ends[0], ends[1], same=decision.lower() in _YES))
    labelled.files = list(places)
    return labelled


def _found(folder: Path, name: str) -> Path | None:
    """A list may have been written where its pictures lay elsewhere."""
    for place in (folder / name, folder / name.replace("\\", "/").rpartition("/")[2]):
        if name and place.is_file():
            return place
    return None
