"""One decoding child as the pool sees it: started, asked, watched, killed. Trusts nothing that it answers."""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service.domain.errors import DecoderFailedError, KeeponeError
from service.pictures import wire
from service.pictures.admit import Header, Limits, working_size
from service.pictures.clean_start import environment, memory_of, our_own_shortage, search_path

if TYPE_CHECKING:
    from service.domain.values import PictureFormat

_BOOT: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from service.pictures.child import main; main()"
)
_HEADER_MEMORY: Final = 64 * 2**20
_DECODE_MEMORY: Final = 48 * 2**20
_SCRATCH: Final = 4 * 2**20
"""Pictures that fit here (about 1.2 MP) are written into memory that the child keeps, and copied out of it.

Fresh shared memory costs page faults, which are dearer than a copy when it is small. Larger pictures get memory of
their own, which is sealed and mapped, never copied.
"""

_NOTE: Final = re.compile(r"[a-z_]{1,40}")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_MODE: Final = re.compile(r"[A-Za-z0-9;]{1,8}")
_LONGEST_REASON: Final = 300
_LAST_WORDS_SECONDS: Final = 0.1
"""For a child that has closed its socket to become a dead one, whose status says what it died of."""


class LostChildError(Exception):
    """The child died, overran or answered nonsense; it has to be replaced."""


class OverranError(LostChildError):
    """The child did not answer in time, by the clock."""


class StarvedChildError(LostChildError):
    """The child got too little of the machine's time to be blamed. It is in the middle of something all the same."""


@dataclass(frozen=True, slots=True)
class Pixels:
    """What a child answered to `load`: the upright size, and the pixels, which the child can no longer change."""

    width: int
    height: int
    pixel_hash: str
    notes: tuple[str, ...]
    buffer: bytes | mmap.mmap
    """The picture's RGB bytes, and after them those of its working picture if that is smaller."""


class ChildProcess:
    """A child and the socket to it. Not thread-safe: one thread at a time owns a child."""

    def __init__(self, limits: Limits, *, fault_injection: bool) -> None:
        self._limits = limits
        self.decodes = 0
        self.resident = 0
        self._spent: float | None = None
        self._seconds = 0.0
        with contextlib.ExitStack() as undo:  # the process comes last: it is the worst to leave behind
            self._scratch = wire.shared_memory("keepone-scratch", _SCRATCH)
            undo.callback(os.close, self._scratch)
            self._scratch_map = mmap.mmap(self._scratch, _SCRATCH, access=mmap.ACCESS_READ)
            undo.callback(self._scratch_map.close)
            self._socket, theirs = socket.socketpair()
            undo.callback(self._socket.close)
            with theirs:
                arguments = [
                    theirs.fileno(),
                    os.getpid(),
                    limits.max_pixels,
                    limits.max_metadata_bytes,
                    int(fault_injection),
                ]
                self._process = subprocess.Popen(  # noqa: S603 - this very interpreter, our own words
                    [sys.executable, "-I", "-S", "-c", _BOOT, json.dumps(search_path()), *map(str, arguments)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # decoders' own warnings name no file and help nobody
                    pass_fds=[theirs.fileno()],
                    env=environment(),
                    start_new_session=True,  # Ctrl-C is the parent's affair
                )
            undo.pop_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        """So that a selector can wait for this child's first word."""
        return self._socket.fileno()

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def greet(self, deadline: float) -> None:
        """Take the child's first word. Raises LostChildError if it could not start."""
        self._receive(deadline)

    def open(self, data: bytes, name: PictureFormat) -> None:
        """Send a file; `read_header` takes the answer, so that the caller can hash the file meanwhile."""
        with memory_of("keepone-file", data) as memory:
            allowance = _HEADER_MEMORY + 3 * len(data)
            self._send({"step": "open", "format": name, "memory": allowance}, memory, self._limits.header_seconds)

    def read_header(self, name: PictureFormat) -> Header:
        """The header of the file sent. Raises the file's own error, or LostChildError."""
        answer = self._await_answer()
        width, height = _natural(answer, "width"), _natural(answer, "height")
        mode = answer.get("mode")
        if not isinstance(mode, str) or not _MODE.fullmatch(mode):
            raise LostChildError("answered a mode that is none")
        return Header(
            name,
            width,
            height,
            mode,
            animated=answer.get("animated") is True,
            has_profile=answer.get("has_profile") is True,
            metadata_bytes=_natural(answer, "metadata_bytes", least=0),
        )

    def load(self, header: Header, allowance: int) -> Pixels:
        """Decode the file whose header was read, within `allowance` bytes.

        Raises the file's own error, LostChildError, or OverloadedError if this very process is out of something.
        """
        small = working_size(header.width, header.height)
        extra = small[0] * small[1] if small != (header.width, header.height) else 0
        size = 3 * (header.pixels + extra)
        if size <= _SCRATCH:
            answer = self._ask_to_load(self._scratch, allowance)
            buffer: bytes | mmap.mmap = self._scratch_map[:size]
        else:
            with memory_of("keepone-pixels", size) as memory:
                answer = self._ask_to_load(memory, allowance)
                try:
                    wire.seal_for_reading(memory)
                except OSError as error:
                    raise LostChildError("kept hold of the pixels") from error
                with our_own_shortage():
                    buffer = mmap.mmap(memory, size, access=mmap.ACCESS_READ)
        self.decodes += 1
        return _pixels(answer, header, buffer)

    def _ask_to_load(self, memory: int, allowance: int) -> dict[str, Any]:
        self._send({"step": "load", "memory": allowance + _DECODE_MEMORY}, memory, self._limits.decode_seconds)
        return self._await_answer()

    def kill(self) -> None:
        """End the child, whatever it is doing, and reap it."""
        self._process.kill()
        self._socket.close()
        self._process.wait()
        self._scratch_map.close()
        os.close(self._scratch)

    def _send(self, message: dict[str, Any], memory: int, seconds: float) -> None:
        """Ask for a step that may take `seconds` of processor time."""
        self._spent, self._seconds = _processor_time(self.pid), seconds
        try:
            self._socket.settimeout(self._limits.patience * seconds)
            wire.send(self._socket, {**message, "seconds": seconds}, memory)
        except OSError as error:
            raise LostChildError("is gone") from error

    def _await_answer(self) -> dict[str, Any]:
        """To the step asked for. The child's own limit on processor time ends it; the clock is for what that misses."""
        try:
            return self._receive(time.monotonic() + self._limits.patience * self._seconds)
        except OverranError:
            spent = _processor_time(self.pid)
            if spent is not None and self._spent is not None and spent - self._spent < self._seconds:
                raise StarvedChildError("got too little time") from None
            raise

    def _receive(self, deadline: float) -> dict[str, Any]:
        try:
            answer = wire.receive(self._socket, deadline)
        except TimeoutError:
            raise OverranError("ran too long") from None
        except (wire.ProtocolError, OSError) as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                if self._process.wait(_LAST_WORDS_SECONDS) == -signal.SIGXCPU:
                    raise LostChildError("ran too long") from error
            raise LostChildError("died or answered nonsense") from error
        self.resident = _natural(answer, "resident", least=0) if "resident" in answer else 0
        if "error" in answer:
            raise _error_of(answer)
        return answer


def _pixels(answer: dict[str, Any], header: Header, buffer: bytes | mmap.mmap) -> Pixels:
    width, height = _natural(answer, "width"), _natural(answer, "height")
    if (width, height) not in {(header.width, header.height), (header.height, header.width)}:
        raise LostChildError("answered another size than the header's")
    digest, notes = answer.get("pixel_hash"), answer.get("notes")
    if not isinstance(digest, str) or not _HASH.fullmatch(digest):
        raise LostChildError("answered a hash that is none")
    if not isinstance(notes, list) or not all(isinstance(note, str) and _NOTE.fullmatch(note) for note in notes):
        raise LostChildError("answered notes that are none")
    return Pixels(width, height, digest, tuple(notes), buffer)


def _error_of(answer: dict[str, Any]) -> KeeponeError:
    kind, reason = answer["error"], answer.get("reason")
    family = wire.ERRORS.get(kind) if isinstance(kind, str) else None
    if family is None or not isinstance(reason, str) or len(reason) > _LONGEST_REASON or not reason.isprintable():
        return DecoderFailedError()
    return family(reason)


def _natural(answer: dict[str, Any], key: str, *, least: int = 1) -> int:
    value = answer.get(key)
    if type(value) is not int or not least <= value < 2**48:  # bool is an int, and no figure
        raise LostChildError(f"answered no sensible {key}")
    return value


def _processor_time(pid: int) -> float | None:
    """Seconds that a process has computed. None where the system does not say.

    The clock that clock_getcpuclockid(3) names, rather than /proc/PID/stat: it is exact, and takes no descriptor.
    """
    if sys.platform != "linux":
        return None
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None
