"""The door for archives: the first bytes decide what a file is, and its reader hands out the items one by one.

    with open_archive(path, limits) as archive:
        for item, content in archive.items(start_at=17):
            ...

An entry that cannot be used is an item with a problem and no content, and the next one follows. Ordinals are the same
on every run, so work can go on where it stopped. Nothing is written to disk.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from service.domain.errors import ArchiveTooLargeError, UnsupportedArchiveError
from service.inputs.kinds import BLOCK, archive_kind
from service.inputs.tars import TarArchive
from service.inputs.values import ArchiveLimits, Item, Skipped
from service.inputs.zips import ZipArchive

if TYPE_CHECKING:
    from collections.abc import Iterator


class Archive(Protocol):
    """What every kind of archive can do. For one thread at a time."""

    skipped: Skipped

    @property
    def expected(self) -> int | None:
        """How many entries there are, skipped ones included; None where the archive does not say (TAR)."""

    def items(self, start_at: int = 0) -> Iterator[tuple[Item, bytes]]:
        """Every item from ordinal `start_at` on, with its bytes (none where it has a problem)."""


@contextmanager
def open_archive(source: Path | BinaryIO, limits: ArchiveLimits | None = None) -> Iterator[Archive]:
    """The archive in a file, told by its first bytes. A file handed in open must be seekable, and stays open.

    Raises UnsupportedArchiveError, TruncatedArchiveError, BrokenArchiveError, ArchiveTooLargeError or OSError.
    """
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield _archive(file, limits or ArchiveLimits())
    else:
        yield _archive(source, limits or ArchiveLimits())


def _archive(file: BinaryIO, limits: ArchiveLimits) -> Archive:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    kind = archive_kind(file.read(BLOCK))
    if kind is None:
        raise UnsupportedArchiveError
    if kind in {"zst", "7z", "rar"}:
        raise UnsupportedArchiveError(f"The file is packed with {kind}; send a ZIP, or a TAR with gzip, bzip2 or xz.")
    if size > limits.archive_bytes:
        raise ArchiveTooLargeError(f"The archive has {size:,} bytes; the limit is {limits.archive_bytes:,}.")
    return ZipArchive(file, limits) if kind == "zip" else TarArchive(file, kind, limits)
