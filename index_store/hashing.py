"""SHA-256 of a file that is open."""

import hashlib
import os

_AT_ONCE = 1 << 20


def sha256_of(descriptor: int) -> str:
    """Hex digits, over the whole file, whatever was read of it before; its position stays."""
    digest, offset = hashlib.sha256(), 0
    while piece := os.pread(descriptor, _AT_ONCE, offset):
        digest.update(piece)
        offset += len(piece)
    return digest.hexdigest()
