"""The seam for files.

An *original* is what a client handed in. It is written once, durably, before the catalogue's row that names it: an
orphan is harmless and a missing one impossible. A *derived* file (a thumbnail) can be made again from its original, so
it is written without ceremony, may be replaced, and its absence only means "make it again".

Every name is a SHA-256; what a client called its file never becomes part of a path.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from index_store.entries import is_hash
from index_store.errors import BadBlobKeyError

_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}")
_EXTENSION = re.compile(r"[a-z0-9]{1,8}")


@dataclass(frozen=True, slots=True)
class Original:
    sha256: str
    """Its name, whatever its bytes are."""
    bytes: int
    age_seconds: float


class Blobs(Protocol):
    """Every method raises `BadBlobKeyError` for a name that is not one."""

    def put(self, sha256: str, data: bytes) -> bool:
        """Keep an original; when this returns it survives a power cut. True if it was not there before.

        What was there counts as put just now: nobody lets it go before the row that will name it is committed.

        Raises `CorruptBlobError` (the bytes are not those of the name, or another size lies there), `StoreFullError`.
        """
        ...

    def get(self, sha256: str, *, verify: bool = False) -> bytes:
        """The original; with `verify` hashed again. Raises `MissingBlobError`, `CorruptBlobError`."""
        ...

    def open(self, sha256: str) -> BinaryIO:
        """The original to be read piece by piece; close it. Raises `MissingBlobError`, `CorruptBlobError`."""
        ...

    def has(self, sha256: str) -> bool: ...

    def size(self, sha256: str) -> int:
        """Bytes. Raises `MissingBlobError`."""
        ...

    def put_derived(self, kind: str, sha256: str, extension: str, data: bytes) -> None:
        """Keep or replace what was derived from an original; readers see the old or the new, never a mixture."""
        ...

    def get_derived(self, kind: str, sha256: str, extension: str) -> bytes | None:
        """None: make it again."""
        ...

    def originals(self) -> Iterator[Original]:
        """Everything that lies there as an original, in no order. What comes or goes meanwhile may be missed."""
        ...

    def discard(self, sha256: str) -> None:
        """Remove an original that no row names, if it is there. Only for a store that nobody else has open: another
        process might be about to name it.
        """
        ...

    def let_go(self, sha256: str, *, unused_seconds: float) -> bool:
        """Remove an original that no row needs any more, with all that was derived from it.

        False, and it stays, if it was put within that time. Safe beside other processes: of two, one that puts and one
        that lets go, whichever is first, the one that puts has its bytes on disk when it returns.
        """
        ...


def check_key(sha256: str) -> None:
    if not is_hash(sha256):
        raise BadBlobKeyError


def check_derived(kind: str, sha256: str, extension: str) -> None:
    """A kind is a short lower-case word, an extension up to eight letters or digits without the full stop."""
    check_key(sha256)
    if _KIND.fullmatch(kind) is None or _EXTENSION.fullmatch(extension) is None:
        raise BadBlobKeyError(f"not a kind of derived file: {kind!r}, {extension!r}")
