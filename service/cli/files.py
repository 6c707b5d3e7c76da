"""Reading picture files from disk: no more of one than could be a picture."""

from __future__ import annotations

import os
from pathlib import Path

from service.domain.errors import UnsupportedPictureError
from service.pictures.admit import HEAD_BYTES, Limits, sniff


def read_picture(file: Path, max_bytes: int) -> bytes:
    """A file's bytes. Of one over the limit only the head is read, to say what it is.

    Raises PictureTooLargeError, UnsupportedPictureError (over the limit and no picture at all) or OSError.
    """
    with file.open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        if size > max_bytes and sniff(opened.read(HEAD_BYTES)) is None:
            raise UnsupportedPictureError
        Limits(max_bytes=max_bytes).check_bytes(size)
        return opened.read(max_bytes + 1)  # a device has no size, and a file may grow
