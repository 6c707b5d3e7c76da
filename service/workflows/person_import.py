"""A folder of persons, `PERSON-XXXX/…`, as it comes: whose each folder is, and what of it is there already.

The pictures come in as a job over paths does. A person's `metadata.json` may name the person, where its folder could not.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

from index_store.records import ImageFilter
from service.domain.errors import AlreadyThereError, PathNotAllowedError
from service.inputs.names import readable
from service.workflows import person_file
from service.workflows.person_backup import folder_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from index_store.catalogue.protocol import Catalogue
    from service.workflows.arrival import Wish
    from service.workflows.parts import Parts
    from service.workflows.preparing import Entry

_MOST_BYTES = 4 * 2**20
"""Of a `metadata.json`; a longer one is left where it lies."""


def persons_of(tree: Path) -> dict[str, str]:
    """The person of each folder of a tree, by the folder's name. Hidden folders and links are nobody's.

    Raises PathNotAllowedError for a folder whose name is no text, and OSError.
    """
    with os.scandir(tree) as entries:
        names = sorted(
            entry.name for entry in entries if entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")
        )
    odd = [name for name in names if readable(os.fsencode(name)) != name]
    if odd:
        shown = readable(os.fsencode(odd[0]))
        raise PathNotAllowedError(f"The name of the folder {shown!r} is no text, so it cannot be a person's id.")
    return {name: _person_of(tree / name) for name in names}


def _person_of(folder: Path) -> str:
    """The one its file names, if that is whose folder it would be; else the one it is called after."""
    shown = readable(os.fsencode(folder.name))
    try:
        told = person_file.parsed(_metadata(folder) or b"{}")
    except ValueError:
        return shown
    named = told.get("person_id") if isinstance(told, dict) else None
    return named if isinstance(named, str) and folder_name(named) == folder.name else shown


def take_over_metadata(tree: Path, parts: Parts) -> None:
    """Keep each person's `metadata.json`, where there is none yet. Raises OSError."""
    for folder in sorted(tree.iterdir()):
        if folder.is_dir() and not folder.is_symlink() and (data := _metadata(folder)) is not None:
            person_file.take_over(_person_of(folder), data, parts)


def _metadata(folder: Path) -> bytes | None:
    """What lies there, if it is a file of its own and not too long."""
    path = folder / person_file.FILE
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST_BYTES:
        return None
    return path.read_bytes()


def unless_there(entries: Iterable[Entry], wish_for: Callable[[str], Wish], catalogue: Catalogue) -> Iterator[Entry]:
    """The entries, with an error in place of each that its person has already: the same bytes by the same name."""
    for entry in entries:
        wish = wish_for(entry.name)
        where = ImageFilter(person_id=wish.person_id, external_id=wish.external_id)
        there = {image.content_id for image in catalogue.images(where, 100).items} if entry.error is None else set()
        if hashlib.sha256(entry.data).hexdigest() in there:
            yield replace(entry, data=b"", error=AlreadyThereError())
        else:
            yield entry
