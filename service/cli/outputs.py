"""Files that a command writes where it is told to: none over a picture, and none that proves impossible at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from service.pictures.admit import HEAD_BYTES, sniff

if TYPE_CHECKING:
    from pathlib import Path


def over_no_picture(path: Path | None, option: str) -> None:
    """For a report. Raises BadParameter where a picture lies, or where nothing can be written."""
    if path is None:
        return
    if not path.absolute().parent.is_dir():
        raise click.BadParameter(f"{path.parent} is no folder", param_hint=option)
    if path.is_file() and _is_picture(path):
        raise click.BadParameter(f"{path} is a picture, and would be lost", param_hint=option)


def over_nothing(path: Path | None, option: str) -> None:
    """For a picture. Raises BadParameter where anything lies, or where nothing can be written."""
    over_no_picture(path, option)
    if path is not None and path.exists():
        raise click.BadParameter(f"{path} is there already, and would be lost", param_hint=option)


def _is_picture(path: Path) -> bool:
    with path.open("rb") as file:
        return sniff(file.read(HEAD_BYTES)) is not None
