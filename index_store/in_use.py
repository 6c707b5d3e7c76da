"""Who has a data folder open? A lock on a file in it tells, and the kernel lets go of it however a process dies.

Everybody who opens the store shares the lock: services, workers, commands. What must be alone (a restore, a repair)
takes it for itself, is refused while anybody shares it, and keeps everybody out meanwhile. It is a lock among the
processes of one machine: services on other machines that share a PostgreSQL catalogue do not see it.

A restore that was killed holds nothing any more, and what it left is no store yet. So it works below a folder whose
name tells, which is the last thing to go; while that is there nobody but another restore is let in.
"""

import errno
import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from index_store.errors import HalfRestoredError, StoreFullError, StoreInUseError, StoreUnavailableError
from index_store.syncing import make_folder

LOCK = "in-use.lock"
RESTORING = "unfinished-restore"


class Held:
    """A data folder that is held until it is closed."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def share(folder: Path) -> Held:
    """Hold the folder, made if it is new, beside others. Raises `StoreInUseError` while somebody holds it alone, and
    `HalfRestoredError`.
    """
    refusal = "is being restored or repaired by another process; try again when it is done"
    return _refused_if_half_restored(folder, _hold(folder, fcntl.LOCK_SH, refusal))


def hold_alone(folder: Path, *, to_restore: bool = False) -> Held:
    """Hold the folder, made if it is new, for oneself. Raises `StoreInUseError` while anybody else holds it, and unless
    it is `to_restore` into it `HalfRestoredError`.
    """
    held = _hold(folder, fcntl.LOCK_EX, "is in use by another process; stop the service and its workers first")
    return held if to_restore else _refused_if_half_restored(folder, held)


def _refused_if_half_restored(folder: Path, held: Held) -> Held:
    if (folder / RESTORING).exists():
        held.close()
        raise HalfRestoredError(f"a restore into {folder} was cut short; start it again, or empty the folder")
    return held


def _hold(folder: Path, how: int, refusal: str) -> Held:
    path = folder / LOCK
    try:
        make_folder(folder.absolute())
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(descriptor, how | fcntl.LOCK_NB)
                if _is_still(path, descriptor):
                    return Held(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # the folder was replaced between the opening and the lock
    except OSError as error:
        if error.errno == errno.EAGAIN:
            raise StoreInUseError(f"{folder} {refusal}") from error
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StoreFullError("the disk of the data folder is full") from error
        raise StoreUnavailableError(f"{folder} cannot be used: {error.strerror}") from error


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
