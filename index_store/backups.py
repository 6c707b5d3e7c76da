"""A folder of backups.

    blobs/                              originals by SHA-256, shared by all backups of the folder
    2026-11-21T132700.123456Z-42/       one backup: when it was made, and the sequence it ends at
        catalogue.sqlite                the whole catalogue at that sequence
        originals.txt                   SHA-256 and size of each original it needs
        manifest.json                   what the two files are, by length and hash; `verified` once it was tried out
    unfinished-…, trial-…               what a crash leaves behind; the next backup removes it
    in-use.lock                         held by whoever writes here

Nothing here shares a file with the store: what rots there must not rot here. A folder without a manifest is no backup,
and the manifest is written last. An original is written once and kept as long as any backup names it, so every backup
after the first costs what is new.

Which backup is newer is told by the number in its manifest. A name tells people when it was made, by a clock that may
have been wrong.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from index_store.blobs.local import CREATE, LocalBlobs, open_regular, translated
from index_store.entries import is_hash
from index_store.errors import BadBackupError
from index_store.syncing import sync_folder

FORMAT = 1
BLOBS, CATALOGUE, ORIGINALS, MANIFEST = "blobs", "catalogue.sqlite", "originals.txt", "manifest.json"
_NAME = re.compile(r"\d{4}-\d\d-\d\dT\d{6}\.\d{6}Z-\d+")
_LEFT_BEHIND = ("unfinished-", "trial-")
_PIECE = 2**20


@dataclass(frozen=True, slots=True)
class FileSum:
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    format: int
    version: str
    """Of the Keepone that made it."""
    schema: str
    created: str
    sequence: int
    """Every change up to and including this one is in it."""
    tables: Mapping[str, Mapping[str, Any]]
    """By name: rows, and a hash over them."""
    catalogue: FileSum
    originals: FileSum
    """Of the list."""
    count: int
    """How many originals it names."""
    bytes: int
    """Their sizes together."""
    verified: str | None = None
    """When a trial restore of it was found sound. A backup counts from then on."""
    number: int = 0
    """One more than that of the backup before it. Clocks step back; this does not."""
    lacking: tuple[str, ...] = ()
    """Originals that neither the store nor the folder of backups had a good copy of when it was made."""


class Copies(Protocol):
    """A catalogue that can be copied while it is at work, and be filled from a copy."""

    def copy_to(self, path: Path) -> int:
        """Copy it all, as of one moment, into a new SQLite file; the sequence it ends at."""
        ...

    def load_from(self, path: Path) -> None:
        """Take in such a copy, if it is not here already. Raises `BadEntryError` if anything else is."""
        ...


class Backups:
    """One folder of backups. Whoever writes holds it alone (`index_store.in_use`)."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def blobs(self) -> LocalBlobs:
        """What is put there is on disk once it is settled."""
        return LocalBlobs(self.root / BLOBS, settle_later=True)

    def names(self) -> list[str]:
        """Finished backups in the order they were made; before them those whose manifest cannot be read."""
        if not self.root.is_dir():
            return []
        named = (path for path in self.root.iterdir() if _NAME.fullmatch(path.name))
        finished = [path.name for path in named if (path / MANIFEST).is_file()]
        return sorted(finished, key=lambda name: (self._number(name), name))

    def verified(self) -> list[str]:
        """Those that count, in the order they were made."""
        return [name for name in self.names() if (about := self._readable(name)) is not None and about.verified]

    def manifest(self, name: str) -> Manifest:
        """Raises `BadBackupError` for one that cannot be read or that a newer version made."""
        with _opened(self.root / name / MANIFEST) as file, translated():
            data = file.read()
        try:
            said = json.loads(data)
            if said["format"] > FORMAT:
                raise BadBackupError(f"backup {name} was made by a newer Keepone ({said['version']})")
            fields = said | {part: FileSum(**said[part]) for part in ("catalogue", "originals")}
            return Manifest(
                **fields | {"number": int(said.get("number", 0)), "lacking": tuple(said.get("lacking", ()))}
            )
        except (ValueError, TypeError, KeyError) as error:
            raise BadBackupError(f"the manifest of backup {name} cannot be read") from error

    def check(self, name: str) -> Manifest:
        """The manifest of a backup whose files are what it says. Raises `BadBackupError`."""
        manifest = self.manifest(name)
        for file, promised in ((CATALOGUE, manifest.catalogue), (ORIGINALS, manifest.originals)):
            if file_sum(self.root / name / file) != promised:
                raise BadBackupError(f"backup {name} is damaged: {file} is not what was written")
        return manifest

    def originals(self, name: str) -> Iterator[tuple[str, int]]:
        """SHA-256 and size of each original of a backup, finished or not. Raises `BadBackupError`."""
        with _opened(self.root / name / ORIGINALS) as file, translated():
            for line in file:
                sha256, _, size = line.decode("ascii", "replace").rstrip("\n").partition(" ")
                if not (is_hash(sha256) and size.isdecimal()):
                    raise BadBackupError(f"backup {name} is damaged: {ORIGINALS} cannot be read")
                yield sha256, int(size)

    def begin(self) -> Path:
        """An empty folder to fill."""
        return self._new("unfinished-")

    def begin_trial(self) -> Path:
        return self._new("trial-")

    def list_originals(self, unfinished: Path, originals: Iterable[tuple[str, int]]) -> tuple[int, int]:
        """Write down what it needs, SHA-256 and size; how many, and their sizes together."""
        count = total = 0

        def lines() -> Iterator[bytes]:
            nonlocal count, total
            for sha256, size in originals:
                count, total = count + 1, total + size
                yield f"{sha256} {size}\n".encode()

        with translated():
            write_durably(unfinished / ORIGINALS, lines())
        return count, total

    def finish(self, unfinished: Path, manifest: Manifest) -> str:
        """The manifest, last; the backup's name. `manifest` says all but what the two files are."""
        with translated():
            complete = replace(
                manifest,
                catalogue=file_sum(unfinished / CATALOGUE),
                originals=file_sum(unfinished / ORIGINALS),
                number=1 + max((self._number(name) for name in self.names()), default=0),
            )
            write_durably(unfinished / MANIFEST, [_as_json(complete)])
            sync_folder(unfinished)
            name = f"{manifest.created.replace(':', '')}-{manifest.sequence}"
            unfinished.rename(self.root / name)
            sync_folder(self.root)
        return name

    def mark_verified(self, name: str, moment: str, *, lacking: Iterable[str] = ()) -> Manifest:
        verified = replace(self.manifest(name), verified=moment, lacking=tuple(sorted(lacking)))
        folder = self.root / name
        with translated():
            write_durably(folder / f"{MANIFEST}.new", [_as_json(verified)])
            (folder / f"{MANIFEST}.new").rename(folder / MANIFEST)
            sync_folder(folder)
        return verified

    def keep(self, newest: int, *, made: str) -> list[str]:
        """Remove all but the newest verified ones, and originals that none of what is left names; what was removed.

        One that is not verified goes when it is older than the oldest that stays. The one just made stays whatever any
        manifest says, and so does one whose manifest cannot be read: a person should see it.
        """
        staying = self.verified()[-newest:]
        names = self.names()
        older = names[: names.index(staying[0])] if staying else []
        going = [name for name in older if name != made and self._readable(name) is not None]
        with translated():
            for name in going:
                (self.root / name / MANIFEST).unlink()  # first, so that half of it is no backup
                shutil.rmtree(self.root / name)
        if going:
            named = {bytes.fromhex(sha256) for name in self.names() for sha256, _ in self.originals(name)}
            blobs = self.blobs()
            for original in blobs.originals():
                if bytes.fromhex(original.sha256) not in named:
                    blobs.discard(original.sha256)
        return going

    def sweep(self) -> None:
        """Remove what a crash left behind."""
        with translated():
            for path in self.root.iterdir():
                is_halved = _NAME.fullmatch(path.name) and not (path / MANIFEST).exists()
                if path.name.startswith(_LEFT_BEHIND) or is_halved:
                    shutil.rmtree(path)

    def _readable(self, name: str) -> Manifest | None:
        try:
            return self.manifest(name)
        except BadBackupError:
            return None

    def _number(self, name: str) -> int:
        about = self._readable(name)
        return -1 if about is None else about.number

    def _new(self, kind: str) -> Path:
        folder = self.root / f"{kind}{secrets.token_hex(8)}"
        with translated():
            folder.mkdir(mode=0o700)
        return folder


def file_sum(path: Path) -> FileSum:
    """Length and hash of a file. Raises `BadBackupError` if there is none."""
    digest, length = hashlib.sha256(), 0
    with _opened(path) as file, translated():
        while piece := file.read(_PIECE):
            digest.update(piece)
            length += len(piece)
    return FileSum(length, digest.hexdigest())


def write_durably(path: Path, pieces: Iterable[bytes]) -> None:
    """A new private file, on disk when this returns; its name is not yet."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, CREATE, 0o600), "wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())


def copy_durably(source: Path, target: Path) -> None:
    """A copy under a new private name, on disk when this returns; its name is not yet."""
    with _opened(source) as file, translated():
        write_durably(target, iter(lambda: file.read(_PIECE), b""))


def _opened(path: Path) -> BinaryIO:
    file = open_regular(path)
    if file is None:
        raise BadBackupError(f"{path.name} of backup {path.parent.name} is missing")
    return file


def _as_json(manifest: Manifest) -> bytes:
    return json.dumps(asdict(manifest), indent=2).encode() + b"\n"
