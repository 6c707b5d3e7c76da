"""Room on the disks of the store, asked before anything is written.

A disk that runs full in the midst of a commit is survived, but at a price: SQLite must roll back, jobs stop half way,
and logs and other programs have no room either. So from a reserve on pictures are refused while everything still works.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from index_store.errors import StoreFullError


@dataclass(frozen=True, slots=True)
class Room:
    """`reserve` in bytes, on the file system of each folder; 0 asks nothing."""

    folders: tuple[Path, ...] = ()
    reserve: int = 0

    def require(self, more: int = 0) -> None:
        """Raises `StoreFullError` when less than the reserve would be free once so many bytes `more` are written.

        A disk that cannot be asked is left to the write.
        """
        for folder in self.folders if self.reserve else ():
            try:
                found = os.statvfs(folder)
            except OSError:
                continue
            if found.f_bavail * found.f_frsize < self.reserve + more:
                raise StoreFullError(f"less than {self.reserve} bytes are free on a disk of the store")
