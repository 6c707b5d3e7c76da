"""Files by the SHA-256 of their bytes: originals that are never written over, and derived files that may be remade."""

from index_store.blobs.local import LocalBlobs, open_blobs
from index_store.blobs.protocol import Blobs

__all__ = ["Blobs", "LocalBlobs", "open_blobs"]
