"""Who a worker is. DBOS gives an interrupted workflow back to the executor of the same name, so a worker that starts
again must have the name it had, and no two that run may share one.

On one data folder names are slots: the first free one is taken, by a lock that the system drops when a process dies.
"""

from __future__ import annotations

import fcntl
import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOTS = 64


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
            yield f"{socket.gethostname()}-{slot}"
        finally:
            os.close(descriptor)
        return
    raise SettingsError(f"{SLOTS} workers run on this data folder already")
