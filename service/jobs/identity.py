"""Who a worker is. DBOS gives an interrupted workflow back to the executor of the same name, so a worker that starts
again must have the name it had, and no two that run may share one.

A name is the data folder's and a slot in it. Machines and containers may all be called alike, so the folder has a random
id of its own; and of its slots the first free one is taken, by a lock that the system drops when a process dies.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from index_store.syncing import sync, sync_folder
from service.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOTS = 64
_NAME = "folder-id"


@contextmanager
def executor_id(data: Path) -> Iterator[str]:
    """A name for as long as the block lasts. Raises SettingsError when every slot of the data folder is taken."""
    for slot in range(SLOTS):
        path = data / f"worker-{slot}.lock"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        try:
            yield f"{folder_id(data)}-{slot}"
        finally:
            os.close(descriptor)
        return
    raise SettingsError(f"{SLOTS} workers run on this data folder already")


def folder_id(data: Path) -> str:
    """16 hex digits that no other data folder has, made at the first asking and the same ever after."""
    path = data / _NAME
    if not path.exists():
        beside = data / f"{_NAME}.{secrets.token_hex(8)}"
        with beside.open("x", encoding="ascii") as file:
            file.write(secrets.token_hex(8))
            file.flush()
            sync(file.fileno())
        with suppress(FileExistsError):  # then another was faster, and its id is everybody's
            os.link(beside, path)
        beside.unlink()
        sync_folder(data)
    return path.read_text(encoding="ascii")
