"""Persons as a folder tree, `PERSON-XXXX/…`: every active image under its own name, and a `metadata.json`.

Nothing that lies there is written over but `metadata.json`, and of that only the keys that are ours. So an export that
was cut short, or is made again, adds what is missing.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from index_store.errors import StoreError, StoreFullError
from index_store.folder_lock import alone
from index_store.hashing import sha256_of
from index_store.records import ImageFilter
from index_store.syncing import FULL, make_folder, sync, sync_folder
from service.workflows import person_file
from service.workflows.person_backup import folder_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from index_store.blobs.protocol import Blobs
    from index_store.catalogue.protocol import Catalogue
    from index_store.records import Content, Image
    from service.workflows.findings import Progress

_PAGE = 500
_LONGEST_NAME, _LONGEST_PATH = 255, 1024
"""Bytes."""
_NOT_AN_IMAGES = {person_file.FILE, f"{person_file.FILE}.new"}
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class Exported:
    """What came of it."""

    written: int = 0
    there: int = 0
    """The same bytes lay there by that name."""
    failed: list[str] = field(default_factory=list)
    """What could not be written, and why."""


def export(
    tree: Path, person_ids: Iterable[str], catalogue: Catalogue, blobs: Blobs, outputs: Path, progress: Progress
) -> Exported:
    """Write these persons below a folder. Raises NotFoundError (a person), StoreError or OSError."""
    told = Exported()
    for person_id in person_ids:
        person = catalogue.persons.get(person_id)
        folder = tree / folder_name(person_id)
        if folder.is_symlink():
            told.failed.append(f"{folder}: is a link")
            continue
        make_folder(folder)
        taken: dict[str, str] = {}
        for image, content in _images(person_id, catalogue):
            _place(image, content, folder, taken, blobs, told)
            progress(f"images of {person_id}", len(taken), person.images)
        with alone(folder):
            try:
                kept = person_file.read_at(folder / person_file.FILE)
                ours = person_file.told_of(person_id, outputs, catalogue)
                person_file.write_at(folder, person_file.written_over(kept, ours))
            except (OSError, ValueError) as error:
                if _is_full(error):
                    raise
                told.failed.append(f"{folder / person_file.FILE}: {error}")
    return told


def _images(person_id: str, catalogue: Catalogue) -> Iterator[tuple[Image, Content]]:
    """Active ones, the newest first, each with its content."""
    cursor: str | None = None
    while True:
        page = catalogue.images(ImageFilter(person_id=person_id), _PAGE, cursor)
        contents = catalogue.contents({image.content_id for image in page.items})
        yield from ((image, contents[image.content_id].content) for image in page.items)
        cursor = page.next_cursor
        if cursor is None:
            return


def _place(image: Image, content: Content, folder: Path, taken: dict[str, str], blobs: Blobs, told: Exported) -> None:
    """Give an image its name in the tree: its own, or another where that cannot be one or is another image's."""
    own = f"{image.image_id}.{content.format.lower()}"
    wanted = image.external_id if image.external_id is not None and _can_be_a_name(image.external_id) else own
    if taken.setdefault(wanted.casefold(), image.image_id) != image.image_id:
        path = PurePosixPath(wanted)
        wanted = str(path.with_name(own))
        taken[wanted.casefold()] = image.image_id
    try:
        is_new = _write(folder, wanted, blobs.get(image.content_id, verify=True), image.content_id)
    except StoreFullError:
        raise
    except (StoreError, OSError) as error:
        if _is_full(error):
            raise
        told.failed.append(f"{folder / wanted}: {error}")
        return
    told.written += is_new
    told.there += not is_new


def _is_full(error: Exception) -> bool:
    return isinstance(error, OSError) and error.errno in FULL


def _can_be_a_name(text: str) -> bool:
    """Whether an external id is a path below a folder that an import would find again."""
    parts = text.split("/")
    fits = all(part and not part.startswith(".") and len(os.fsencode(part)) <= _LONGEST_NAME for part in parts)
    is_free = parts[0].casefold() not in _NOT_AN_IMAGES
    return fits and is_free and "\0" not in text and len(os.fsencode(text)) <= _LONGEST_PATH


def _write(folder: Path, name: str, data: bytes, sha256: str) -> bool:
    """Beside, synced, and then by its name; False if it lies there already. Raises OSError, FileExistsError."""
    place = folder
    for part in PurePosixPath(name).parts[:-1]:
        place = place / part
        if place.is_symlink():
            raise FileExistsError(f"{place} is a link")
        make_folder(place)
    path = place / PurePosixPath(name).name
    if _lies_there(path, sha256):
        return False
    temporary = place / f".keepone-{secrets.token_hex(8)}"
    descriptor = os.open(temporary, _CREATE, 0o600)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(data)
        sync(descriptor)
        path.hardlink_to(temporary)
    finally:
        os.close(descriptor)
        temporary.unlink()
    sync_folder(place)
    return True


def _lies_there(path: Path, sha256: str) -> bool:
    """Raises FileExistsError if something else does."""
    if not os.path.lexists(path):
        return False
    if path.is_symlink() or not path.is_file():
        raise FileExistsError("something else lies there")
    with path.open("rb") as file:
        if sha256_of(file.fileno()) != sha256:
            raise FileExistsError("another file lies there")
    return True
