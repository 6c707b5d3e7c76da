"""A person's `metadata.json` below the outputs: how many images it has and which were removed, for whoever reads files.

`<outputs>/persons/<person>/metadata.json`. Its keys of ours follow from the catalogue, so writing it again is harmless and
one that is lost costs nothing; all other keys are left as they are.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from index_store.errors import NotFoundError
from index_store.folder_lock import alone
from index_store.syncing import make_folder, sync_folder, write_file
from service import log
from service.workflows.file_removal import items_of
from service.workflows.person_backup import folder_name

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from index_store.catalogue.protocol import Catalogue
    from index_store.removal_records import RemovalItem, RemovalRecord
    from service.workflows.parts import Parts

FOLDER = "persons"
FILE = "metadata.json"
_WRITTEN = ".keepone-metadata.new"
"""Hidden, so it can be no image's name."""


OURS = ("person_id", "image_count", "removed", "last_removal")
"""Keys that are written here; all others are whoever's wrote them."""


def tell_of(removal: RemovalRecord, parts: Parts) -> None:
    """Write the file of every person of a removal, as things stand now. What cannot be written is logged: it is no more
    than told, and told again at the person's next removal. Raises StoreError.
    """
    removed = list(items_of(removal.removal_id, parts.catalogue.removals, "removed"))
    for person_id in removal.request["person_ids"]:
        mine = [item for item in removed if item.loser["person_id"] == person_id]
        try:
            _tell(person_id, removal.removal_id, mine, parts)
        except (OSError, ValueError) as error:
            log.event("metadata.json cannot be written", level=logging.WARNING, error=error, person_id=person_id)


def _tell(person_id: str, removal_id: str, removed: Sequence[RemovalItem], parts: Parts) -> None:
    folder = parts.settings.effective_outputs / FOLDER / folder_name(person_id)
    make_folder(folder)
    with alone(folder):
        told = read_at(folder / FILE)
        others = [one for one in told.get("removed", ()) if one["removal_id"] != removal_id]
        ours = [
            {
                "name": item.loser["external_id"] or item.loser["image_id"],
                "image_id": item.loser["image_id"],
                "removal_id": removal_id,
                "removed_at": item.settled,
            }
            for item in removed
        ]
        everything = sorted([*others, *ours], key=lambda one: (one["removed_at"], one["image_id"]))
        told |= {
            "person_id": person_id,
            "image_count": _count(person_id, parts.catalogue),
            "removed": everything,
            "last_removal": everything[-1]["removed_at"] if everything else None,
        }
        write_at(folder, _spelled(told))


def take_over(person_id: str, data: bytes, parts: Parts) -> None:
    """Keep a file that came with a person's pictures, where there is none yet. Raises OSError.

    What is not understood is kept as it is, and is written over by nobody.
    """
    folder = parts.settings.effective_outputs / FOLDER / folder_name(person_id)
    make_folder(folder)
    with alone(folder):
        if not (folder / FILE).exists():
            write_at(folder, data)
        with suppress(ValueError):
            write_at(folder, _spelled(told_of(person_id, parts.settings.effective_outputs, parts.catalogue)))


def told_of(person_id: str, outputs: Path, catalogue: Catalogue) -> dict[str, Any]:
    """What a person's file says, with the images counted anew. Raises ValueError for one that is not understood."""
    told = read_at(outputs / FOLDER / folder_name(person_id) / FILE)
    return (
        {"removed": [], "last_removal": None}
        | told
        | {"person_id": person_id, "image_count": _count(person_id, catalogue)}
    )


def written_over(kept: dict[str, Any], told: dict[str, Any]) -> bytes:
    """A file with our keys as they are told, and all others as they were kept."""
    return _spelled({**told, **kept, **{name: told[name] for name in OURS}})


def _spelled(told: dict[str, Any]) -> bytes:
    """Raises ValueError for what is nested too deeply."""
    try:
        return json.dumps(told, ensure_ascii=False, indent=2).encode() + b"\n"
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def parsed(data: bytes) -> Any:
    """What such a file says, whoever wrote it. Raises ValueError for what is no JSON, or nested too deeply."""
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _count(person_id: str, catalogue: Catalogue) -> int:
    with suppress(NotFoundError):
        return catalogue.persons.get(person_id).images
    return 0


def read_at(path: Path) -> dict[str, Any]:
    """What the file says; nothing if there is none. Raises ValueError for one that is not ours to write over."""
    try:
        told = parsed(path.read_bytes())
    except FileNotFoundError:
        return {}
    removed = told.get("removed", []) if isinstance(told, dict) else None
    if not isinstance(removed, list) or not all(_is_ours(one) for one in removed):
        raise ValueError(f"{path.name} holds something else than is written there")
    return dict(told)


def _is_ours(entry: object) -> bool:
    return isinstance(entry, dict) and all(
        isinstance(entry.get(name), str) for name in ("removal_id", "removed_at", "image_id")
    )


def write_at(folder: Path, data: bytes) -> None:
    """In place of what was there, at a stroke."""
    write_file(folder / _WRITTEN, data)
    (folder / _WRITTEN).rename(folder / FILE)
    sync_folder(folder)
