"""What is derived from a stored picture and kept beside it: read back, or made again where it is missing or damaged."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from index_store.errors import StoreError, StoreUnavailableError
from service.descriptors import keypoints
from service.descriptors.insets import insets
from service.descriptors.keypoints import MOST_ASKED
from service.domain.errors import BadPictureError, BrokenPictureError
from service.domain.keypoints import MOST_KEPT, unpack
from service.pictures import thumbnails

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from service.domain.keypoints import Keypoints
    from service.workflows.parts import Parts

THUMBNAIL = ("thumbnail", "jpg")
"""Kind and extension of the derived file."""
KEYPOINTS = ("keypoints", f"kp{keypoints.REVISION}")
"""Of another revision there is none: they are made again."""


def thumbnail_bytes(content_id: str, parts: Parts) -> bytes:
    """The stored thumbnail (JPEG), made again from the original if it is not there. Raises StoreError."""
    kind, extension = THUMBNAIL
    return parts.blobs.get_derived(kind, content_id, extension) or _thumbnail_made_again(content_id, parts)


def thumbnail_pixels(content_id: str, parts: Parts) -> NDArray[np.uint8]:
    """The stored thumbnail's pixels; a damaged one is no fault of the query's, and is made again."""
    try:
        return thumbnails.load(thumbnail_bytes(content_id, parts))
    except BrokenPictureError:
        return thumbnails.load(_thumbnail_made_again(content_id, parts))


def keypoints_of(content_id: str, parts: Parts) -> Keypoints:
    """The stored local features, made again from the thumbnail if they are not there. Raises StoreError."""
    kind, extension = KEYPOINTS
    data = parts.blobs.get_derived(kind, content_id, extension)
    kept = unpack(data) if data else None
    if kept is None:
        pixels = thumbnail_pixels(content_id, parts)
        made = keypoints.extract(pixels, MOST_ASKED, insets(pixels))[0].first(MOST_KEPT)
        with suppress(StoreError):  # they can be made again; whoever only asks needs no room on disk
            keep_keypoints(content_id, made, parts)
        kept = made.as_kept()  # with the precision that it will be read back with
    return kept


def keep_keypoints(content_id: str, found: Keypoints, parts: Parts) -> None:
    """Remember the first of a picture's features. Raises StoreError."""
    kind, extension = KEYPOINTS
    parts.blobs.put_derived(kind, content_id, extension, found.first(MOST_KEPT).pack())


def _thumbnail_made_again(content_id: str, parts: Parts) -> bytes:
    kind, extension = THUMBNAIL
    try:
        with parts.pool.decode(
            parts.blobs.get(content_id, verify=True), wait_s=parts.settings.queue_seconds
        ) as decoded:
            data = thumbnails.encode(decoded.working)
    except BadPictureError as error:
        # A stored picture that cannot be decoded any more (limits lowered, say) is no fault of the query's.
        raise StoreUnavailableError(f"the stored picture {content_id} cannot be decoded: {error}") from error
    with suppress(StoreError):
        parts.blobs.put_derived(kind, content_id, extension, data)
    return data
