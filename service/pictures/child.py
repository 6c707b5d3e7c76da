"""The decoding child: takes one file at a time, answers with its header, then with its pixels; holds nothing dear.

Started by `process.py`. It answers every failure it can name, and dies of the others; the pool copes with both.
The two steps run under different ceilings: reading a header must cost next to nothing whatever the header says, and
decoding may take what the parent has reserved for a picture of that size and no more.
"""

from __future__ import annotations

import gc
import io
import os
import socket
import sys
from typing import Any

from service.domain.errors import BrokenPictureError, KeeponeError
from service.pictures import wire
from service.pictures.decoding import Opened, prepare
from service.pictures.normalise import normalise, reduce_to_working, start_pixel_hash, strips
from service.pictures.sandbox import allow, allow_anything, confine, memory

_LARGE = 1_000_000
"""Pixels above which a collection is worth its time: what it frees is large then."""


def main() -> None:
    """Arguments: descriptor of the socket, pid of the parent, pixel limit, metadata limit, whether faults are on."""
    descriptor, parent, max_pixels, max_metadata, faults = (int(word) for word in sys.argv[-5:])
    sock = socket.socket(fileno=descriptor)
    prepare(max_pixels, max_metadata)
    gc.freeze()  # what is loaded by now stays, and need not be looked at again
    confine(parent)
    wire.send(sock, {"ready": True})
    try:
        _serve(sock, faults=bool(faults))
    except (wire.ProtocolError, OSError):  # the parent is gone
        sock.close()


def _serve(sock: socket.socket, *, faults: bool) -> None:
    opened: Opened | None = None
    while True:
        request, descriptor = wire.receive_with_descriptor(sock)
        if descriptor is None:
            raise wire.ProtocolError("a step without its memory")
        try:
            allow(request["memory"], request["seconds"])
            if request["step"] == "open":
                opened = Opened(_read_all(descriptor), request["format"])
                answer = _describe(opened)
            elif opened is None:
                raise wire.ProtocolError("nothing is open")
            else:
                if faults:
                    _misbehave(opened.data, sock, descriptor)
                answer = _decode(opened, descriptor)
                large = opened.header.pixels > _LARGE
                opened = None
                if large:
                    gc.collect()  # Pillow's images lie in reference cycles, and would stay until some later decode
        except MemoryError:
            allow_anything()
            answer = {"error": "failed", "reason": "Decoding wanted more memory than the picture accounts for."}
        except KeeponeError as error:
            allow_anything()
            kind = next(name for name, family in wire.ERRORS.items() if isinstance(error, family))
            answer = {"error": kind, "reason": str(error)}
        finally:
            os.close(descriptor)
        if "error" in answer:
            opened = None
        answer["resident"] = memory()[1]
        wire.send(sock, answer)


def _misbehave(data: bytes, sock: socket.socket, descriptor: int) -> None:
    from service.pictures.faults import misbehave  # noqa: PLC0415 - test code, which production never loads

    misbehave(data, sock, descriptor)


def _describe(opened: Opened) -> dict[str, Any]:
    header = opened.header
    return {
        "width": header.width,
        "height": header.height,
        "mode": header.mode,
        "animated": header.animated,
        "has_profile": header.has_profile,
        "metadata_bytes": header.metadata_bytes,
    }


def _decode(opened: Opened, descriptor: int) -> dict[str, Any]:
    """Write the upright picture, then the working picture if it is smaller, into the shared memory."""
    loaded = opened.load()
    try:
        image, notes = normalise(loaded, opened.raw_mode)
        del loaded
        digest = start_pixel_hash(*image.size)
        for offset, strip in strips(image):
            digest.update(strip)
            _write(descriptor, offset, strip)
        working = reduce_to_working(image)
        if working is not image:
            start = 3 * image.width * image.height
            for offset, strip in strips(working):
                _write(descriptor, start + offset, strip)
    except MemoryError:
        raise
    except Exception as error:
        raise BrokenPictureError from error
    return {"width": image.width, "height": image.height, "pixel_hash": digest.hexdigest(), "notes": notes}


def _write(descriptor: int, offset: int, strip: bytes) -> None:
    rest = memoryview(strip)
    while rest:
        done = os.pwrite(descriptor, rest, offset)
        rest, offset = rest[done:], offset + done


def _read_all(descriptor: int) -> bytes:
    with io.FileIO(descriptor, closefd=False) as file:
        file.seek(0)
        return file.readall()
