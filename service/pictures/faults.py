"""A decoder that fails on command, for the fault tests. Loaded only by children of a pool with `fault_injection`."""

from __future__ import annotations

import mmap
import os
import re
import signal
import time
from typing import TYPE_CHECKING

from service.pictures import wire

if TYPE_CHECKING:
    import socket

_MARKER = re.compile(rb"KEEPONE-FAULT:([a-z]+)")
_kept: list[object] = []


def misbehave(data: bytes, sock: socket.socket, descriptor: int) -> None:
    """Do what the marker in the file says: crash, spin, doze, greedy, garbage, lie, cling, shrink."""
    match _MARKER.search(data):
        case None:
            return
        case found:
            fault = found[1]
    if fault == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    while fault == b"spin":
        pass
    while fault == b"doze":  # as on a machine that gives it no time
        time.sleep(1)
    while fault == b"greedy":
        _kept.append(bytearray(32 * 2**20))
    if fault == b"garbage":
        sock.sendall(b"\0\0\0\x08nonsense")
    if fault == b"lie":
        lie = {"width": 99_999_999, "height": 1, "pixel_hash": "0" * 64, "notes": []}
        wire.send(sock, lie)
    if fault == b"cling":  # keeps the pixels writable, to change them while the parent reads
        _kept.append(mmap.mmap(os.dup(descriptor), 0))
    if fault == b"shrink":  # would make the parent's next read of a pixel end in SIGBUS
        os.ftruncate(descriptor, 0)
