"""What the readers hand on: items, limits, and a count of what was passed over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.domain.errors import KeeponeError

MIB = 2**20


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of an archive, or one file below an import root."""

    ordinal: int
    """Where it stands in its source, from 0. Passed-over entries have a number too, so that a change of taste about
    what to pass over never renumbers the rest."""
    name: str
    """As its source spells it, for people to read: valid Unicode, without NUL. Empty for the end of a broken archive."""
    bytes: int
    """Its size; what the source states where it was not read."""
    problem: KeeponeError | None = None
    """Why it has no content."""


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """How much one archive may make of itself. The defaults are the contract's."""

    entry_bytes: int = 25 * MIB
    """Largest entry, unpacked: a picture file's limit."""
    archive_bytes: int = 4096 * MIB
    """Largest archive, as a file and unpacked."""
    entries: int = 200_000
    ratio: int = 100
    """Unpacked bytes for one packed byte, of an entry and of the whole."""
    entry_grace: int = MIB
    """An entry up to here may have any ratio: a flat picture of little size packs well."""
    archive_grace: int = 64 * MIB
    """The same for all that came out of the archive so far."""


@dataclass(slots=True)
class Skipped:
    """How many were passed over without becoming an item."""

    folders: int = 0
    noise: int = 0
    """What systems leave lying about: `__MACOSX`, `.DS_Store`, `Thumbs.db`; below a root all that is hidden."""
    links: int = 0
    specials: int = 0
    """Devices, sockets, pipes."""
    repeats: int = 0
    """Names of a file that is listed already (hard links)."""
    unreadable: int = 0
    """Folders that could not be opened, or lie too deep."""
    own: int = 0
    """Folders of the service itself."""
