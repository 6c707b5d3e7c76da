"""A power cut without a power switch: what was never synced is taken away after a kill.

`kill -9` alone proves nothing about fsync, because the system keeps every byte that a dead process wrote. So the calls
by which our own Python code writes files are wrapped: a journal beside the data tells, for every file made, how long it
was when it was last synced, and for every name, whether its folder was synced after it came. After the kill `cut` makes
the disk what a power cut may leave: contents that were not synced are gone (the file is as long as at its last sync),
names that were not synced are gone.

What it cannot do: SQLite writes by itself, in C, and keeps its own promises (its own crash tests, `synchronous=EXTRA`);
here the catalogue keeps every byte. Names that were removed do not come back, and torn writes within one file are not
made: the worst case, all or nothing, is.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT, JOURNAL = "KEEPONE_POWER_ROOT", "KEEPONE_POWER_JOURNAL"
"""Environment: the data folder, and the journal, which must lie outside it."""

_WRITES = os.O_WRONLY | os.O_RDWR


def keep_journal() -> None:
    """From here on, in this process."""
    _Journal(os.environ[ROOT], os.environ[JOURNAL]).wrap()


class _Journal:
    def __init__(self, root: str, path: str) -> None:
        self._root = root.rstrip("/") + "/"
        self._open, self._fsync, self._replace = os.open, os.fsync, os.replace
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()

    def wrap(self) -> None:
        for name, takes in {"link": 1, "rename": 1, "replace": 1, "mkdir": 0}.items():
            setattr(os, name, self._naming(getattr(os, name), takes))
        setattr(os, "open", self._opening)  # noqa: B010 - the point of it
        setattr(os, "fsync", self._syncing)  # noqa: B010

    def _tell(self, *words: object) -> None:
        with self._lock:
            os.write(self._file, json.dumps(words).encode() + b"\n")

    def _is_ours(self, path: str) -> bool:
        return path.startswith(self._root) and not path.endswith((".lock", ".sqlite", "-journal"))

    def _opening(self, path: Any, flags: int, *rest: Any, **more: Any) -> int:
        name = os.path.abspath(os.fspath(path)) if isinstance(path, str | os.PathLike) else ""  # noqa: PTH100
        if not (flags & _WRITES and self._is_ours(name)):
            return self._open(path, flags, *rest, **more)
        if not flags & os.O_CREAT:
            return self._open(path, flags, *rest, **more)
        self._tell("comes", name)
        descriptor = self._open(path, flags, *rest, **more)
        self._tell("made", os.fstat(descriptor).st_ino)
        self._tell("came", name)
        return descriptor

    def _naming(self, call: Any, which: int) -> Any:
        def named(*given: Any, **more: Any) -> Any:
            name = os.path.abspath(os.fspath(given[which]))  # noqa: PTH100
            if not self._is_ours(name) or (call is not self._replace and os.path.lexists(name)):
                return call(*given, **more)  # whoever made a name that is there already has told of it
            self._tell("comes", name)
            try:
                return call(*given, **more)
            finally:
                self._tell("came", name)  # also when another was first: then it is there

        return named

    def _syncing(self, descriptor: Any) -> None:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        path = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
        found = os.fstat(number)
        if not f"{path}/".startswith(self._root):
            self._fsync(descriptor)
        elif stat.S_ISDIR(found.st_mode):
            token = f"{os.getpid()}-{threading.get_ident()}-{os.urandom(4).hex()}"
            self._tell("syncs", token)
            self._fsync(descriptor)
            self._tell("synced", token, path)
        else:
            self._fsync(descriptor)
            self._tell("held", found.st_ino, found.st_size)


@dataclass
class Cut:
    """What the power cut took."""

    names: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)


def cut(root: Path, journal: Path) -> Cut:
    """Take away what the journal does not say was synced, and begin a new journal."""
    lines = journal.read_bytes().splitlines() if journal.exists() else []
    volatile, length = _left_open([json.loads(line) for line in lines])
    taken = Cut()
    for name in sorted(volatile):
        _remove(Path(name), taken)
    for path in root.rglob("*"):
        found = path.lstat()
        if stat.S_ISREG(found.st_mode) and found.st_size > length.get(found.st_ino, found.st_size):
            os.truncate(path, length[found.st_ino])
            taken.contents.append(str(path))
    journal.unlink(missing_ok=True)
    return taken


def _left_open(lines: list[list[Any]]) -> tuple[set[str], dict[int, int]]:
    """Names that are on no disk for certain, and how much of each file is, by inode."""
    volatile: dict[str, int | None] = {}  # name -> line at which it certainly was there
    safe: set[str] = set()
    began: dict[str, int] = {}
    length: dict[int, int] = {}
    for at, (what, *told) in enumerate(lines):
        if what in {"made", "held"}:
            length[told[0]] = told[1] if what == "held" else length.get(told[0], 0)
        elif what == "comes" and told[0] not in safe:
            volatile.setdefault(told[0], None)
        elif what == "came" and told[0] in volatile:
            volatile[told[0]] = volatile[told[0]] or at
        elif what == "syncs":
            began[told[0]] = at
        elif what == "synced":
            safe |= _settle(volatile, told[1], began[told[0]])
    return set(volatile), length


def _settle(volatile: dict[str, int | None], folder: str, since: int) -> set[str]:
    """A folder was synced: the names that were in it before that began are on disk, and volatile no more."""
    settled = {
        name
        for name, at in volatile.items()
        if at is not None and at < since and os.path.dirname(name) == folder  # noqa: PTH120 - text, as it was told
    }
    for name in settled:
        del volatile[name]
    return settled


def _remove(path: Path, taken: Cut) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    taken.names.append(str(path))
    if stat.S_ISDIR(found.st_mode):
        shutil.rmtree(path)
    else:
        path.unlink()
