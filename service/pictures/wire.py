"""How the pool and a decoding child talk: small JSON frames over a socket pair, pixels beside them in shared memory.

A frame is a four-byte length and an object. Files and pixels travel as descriptors, never through the socket. The
parent believes nothing: lengths are bounded, and every field is checked where it is read.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import tempfile
import time
from typing import Any, Final

from service.domain.errors import (
    BrokenPictureError,
    DecoderFailedError,
    KeeponeError,
    PictureTooLargeError,
    TruncatedPictureError,
    UnsupportedPictureError,
)

ERRORS: Final[dict[str, type[KeeponeError]]] = {
    "truncated": TruncatedPictureError,
    "broken": BrokenPictureError,
    "too_large": PictureTooLargeError,
    "failed": DecoderFailedError,
    "unsupported": UnsupportedPictureError,
}
"""The errors a child may answer, by their name on the wire."""

_HAS_SEALS: Final = hasattr(os, "memfd_create") and hasattr(fcntl, "F_ADD_SEALS")
_LONGEST: Final = 4096


class ProtocolError(Exception):
    """The other side sent no frame, or one that makes no sense."""


def send(sock: socket.socket, message: dict[str, Any], descriptor: int | None = None) -> None:
    body = json.dumps(message, separators=(",", ":")).encode()
    frame = len(body).to_bytes(4, "big") + body
    if descriptor is None:
        sock.sendall(frame)
    else:
        sent = socket.send_fds(sock, [frame], [descriptor])
        if sent < len(frame):
            sock.sendall(frame[sent:])


def receive(sock: socket.socket, deadline: float) -> dict[str, Any]:
    """The next frame, for the parent. Descriptors that come with it are dropped by the kernel.

    Raises ProtocolError for anything but one well-formed frame, TimeoutError when the monotonic `deadline` is past.
    """
    size = int.from_bytes(_receive_exactly(sock, 4, deadline), "big")
    return _parse(sock, size, deadline)


def receive_with_descriptor(sock: socket.socket) -> tuple[dict[str, Any], int | None]:
    """The next frame, for the child, which waits as long as it takes; and the descriptor that came with it, if any."""
    head, descriptors, _, _ = socket.recv_fds(sock, 4, 1)
    head += _receive_exactly(sock, 4 - len(head), None)
    return _parse(sock, int.from_bytes(head, "big"), None), descriptors[0] if descriptors else None


def _parse(sock: socket.socket, size: int, deadline: float | None) -> dict[str, Any]:
    if size > _LONGEST:
        raise ProtocolError("the frame is too long")
    try:
        message = json.loads(_receive_exactly(sock, size, deadline))
    except (ValueError, RecursionError) as error:
        raise ProtocolError("the frame is no JSON") from error
    if not isinstance(message, dict):
        raise ProtocolError("the frame is no object")
    return message


def _receive_exactly(sock: socket.socket, count: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            sock.settimeout(left)
        part = sock.recv(count - len(parts))
        if not part:
            raise ProtocolError("the other side is gone")
        parts += part
    return bytes(parts)


def shared_memory(name: str, size: int) -> int:
    """A descriptor of `size` fresh bytes without a name; an unlinked temporary file where the system has no memfd.

    With a size it is sealed against another one: a child that shrank it could end the parent's next read in SIGBUS.
    """
    if not _HAS_SEALS:
        descriptor, path = tempfile.mkstemp(prefix=name)
        os.unlink(path)  # noqa: PTH108 - mkstemp gave a str, and no Path is needed for one call
    else:
        descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        if size:
            os.ftruncate(descriptor, size)
        if size and _HAS_SEALS:
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def seal_for_reading(descriptor: int) -> None:
    """From now on nobody changes a byte of it. Raises OSError while someone still has it mapped for writing."""
    if _HAS_SEALS:
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE)
