"""Copies of what is about to be removed from persons, on disk and read back before anything is.

`<outputs>/duplicates_backup/<person>/<backup id>/` holds the originals under their image ids, byte for byte, and a
`removed.json` that says which is which and for whose sake each one goes.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote

from index_store.errors import StoreFullError, StoreUnavailableError
from index_store.folder_lock import alone
from index_store.syncing import FULL, make_folder, sync_folder, write_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from index_store.removal_records import PlannedItem, RemovalItem
    from service.workflows.parts import Parts

    Goes: TypeAlias = "PlannedItem | RemovalItem"

FOLDER = "duplicates_backup"
LIST = "removed.json"
_LONGEST_NAME = 200


def back_up(items: Sequence[Goes], backup_id: str, parts: Parts) -> None:
    """Copy every image that a plan lets go; again is harmless. Raises StoreError, and then there is no reason to go on."""
    by_person: dict[str, list[Goes]] = defaultdict(list)
    for item in items:
        by_person[item.loser["person_id"]].append(item)
    parts.room.require(sum(item.bytes for item in items))
    for person_id, mine in by_person.items():
        folder = parts.settings.effective_outputs / FOLDER / folder_name(person_id) / backup_id
        try:
            make_folder(folder)
            with alone(folder):
                _fill(folder, mine, parts)
        except OSError as error:
            problem = StoreFullError if error.errno in FULL else StoreUnavailableError
            raise problem(f"the backup cannot be written: {error.strerror}") from error


def folder_name(person_id: str) -> str:
    """A name that any file system takes, the same for ever, and another one for another person."""
    name = quote(person_id, safe=" ")
    if name.startswith(("%2E", ".")) or len(name) > _LONGEST_NAME or name != name.strip():
        return hashlib.sha256(person_id.encode()).hexdigest()
    return name


def _fill(folder: Path, items: Sequence[Goes], parts: Parts) -> None:
    for item in items:
        _copy(item, folder, parts)
    told = [{"file": _name(item), **item.loser, "keeper": item.keeper["image_id"]} for item in items]
    write_file(folder / LIST, json.dumps(told, ensure_ascii=False, indent=1).encode())
    sync_folder(folder)


def _copy(item: Goes, folder: Path, parts: Parts) -> None:
    data = parts.blobs.get(item.loser["sha256"], verify=True)
    path = folder / _name(item)
    write_file(path, data)
    # By its name, as whoever wants it back will read it.
    if hashlib.sha256(path.read_bytes()).hexdigest() != item.loser["sha256"]:
        raise StoreUnavailableError(f"the copy of {item.loser['image_id']} does not read back as it was written")


def _name(item: Goes) -> str:
    return f"{item.loser['image_id']}.{item.loser['format'].lower()}"
