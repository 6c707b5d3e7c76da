"""One byte budget for all Keepone processes of a machine, with nothing to clean up after a kill.

The budget is a file of units, 8 MiB each. To reserve memory is to hold a lock on as many bytes of that (empty) file.
The kernel drops the locks of a process that dies, however it dies, so no reservation can leak and no count can drift.

Fairness: inside a process the callers queue, first come first served; between processes the one at the head of each
queue must first hold the *gate* (byte 0), and only who holds the gate gathers units. So a large request gathers what
others give back, and neither starves behind small ones nor deadlocks with another large one. A request for more than
the whole budget waits until it has all of it and then runs alone: slow, but a picture within the limits always gets
its turn.

POSIX locks belong to the process and vanish when *any* descriptor of the file is closed in it. Therefore there is one
ledger per file per process, kept open for good, and it counts in memory what this process holds.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Self

from service.domain.errors import OverloadedError, SettingsError

if TYPE_CHECKING:
    from types import TracebackType

UNIT = 8 * 2**20
"""Bytes per lock. Small enough that a thumbnail costs little, large enough that 50 MP take about a hundred locks."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.001, 0.02
_GATE, _FIRST_UNIT = 0, 1


class MachineBudget:
    """`total_bytes` of memory, shared with every process whose budget has the same `path`.

    Raises SettingsError if the file is not this user's own plain file.
    """

    def __init__(self, total_bytes: int, path: Path | None = None) -> None:
        self._units = max(1, total_bytes // UNIT)
        self._ledger = _open_ledger(path or default_path())

    @property
    def total_bytes(self) -> int:
        return self._units * UNIT

    def in_use(self) -> int:
        """Bytes that this process holds now."""
        return len(self._ledger.held) * UNIT

    def reserve(self, count: int, *, wait_s: float | None = None) -> Reservation:
        """Hold `count` bytes (at most the whole budget), waiting `wait_s` seconds or, with None, for ever.

        Raises OverloadedError when the wait is over; nothing is held then.
        """
        wanted = min(self._units, _units_of(count))
        deadline = None if wait_s is None else time.monotonic() + wait_s
        return Reservation(self._ledger, self._ledger.take(wanted, self._units, deadline))


class Reservation:
    """Bytes held. Give them back with `close`, or by leaving the `with` block; more than once does no harm."""

    def __init__(self, ledger: _Ledger, units: list[int]) -> None:
        self._ledger = ledger
        self._units = units

    def shrink(self, count: int) -> None:
        """Keep `count` bytes and give the rest back; keep all if that is not less."""
        kept = _units_of(count)
        self._units, rest = self._units[:kept], self._units[kept:]
        self._ledger.give_back(rest)

    def close(self) -> None:
        units, self._units = self._units, []
        self._ledger.give_back(units)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Ledger:
    """The lock file, and which of its units this process holds. One per file per process."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.held: set[int] = set()
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()

    def take(self, wanted: int, total: int, deadline: float | None) -> list[int]:
        """Hold `wanted` of the units 1..`total`, in turn."""
        ticket = object()
        units: list[int] = []
        has_gate, pause = False, _FIRST_PAUSE
        with self._changed:
            self._forget_parent()
            self._queue.append(ticket)
            try:
                while True:
                    if self._queue[0] is ticket:
                        has_gate = has_gate or self._lock(_GATE)
                        if has_gate:
                            self._gather(units, wanted, total)
                        if len(units) == wanted:
                            return units
                        # Another process gives no signal when it unlocks, so the head of the queue looks now and then.
                        left = pause
                        pause = min(2 * pause, _LONGEST_PAUSE)
                    else:
                        left = float("inf")
                    self._changed.wait(_until(deadline, left))
            except BaseException:
                self._release(units)
                raise
            finally:
                self._queue.remove(ticket)
                if has_gate:
                    self._unlock(_GATE)
                self._changed.notify_all()

    def give_back(self, units: list[int]) -> None:
        if units:
            with self._changed:
                self._release(units)
                self._changed.notify_all()

    def _gather(self, units: list[int], wanted: int, total: int) -> None:
        for unit in range(_FIRST_UNIT, _FIRST_UNIT + total):
            if len(units) == wanted:
                return
            if unit not in self.held and self._lock(unit):
                self.held.add(unit)
                units.append(unit)

    def _release(self, units: list[int]) -> None:
        if self._process == os.getpid():  # a forked child must not unlock what its parent holds
            for unit in units:
                self.held.discard(unit)
                self._unlock(unit)

    def _forget_parent(self) -> None:
        """A forked child starts with its parent's books but none of its locks."""
        if self._process != os.getpid():
            self._process = os.getpid()
            self.held.clear()
            self._queue.clear()

    def _lock(self, at: int) -> bool:
        try:
            fcntl.lockf(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
        except (BlockingIOError, PermissionError):  # POSIX allows either for "someone else has it"
            return False
        return True

    def _unlock(self, at: int) -> None:
        fcntl.lockf(self.descriptor, fcntl.LOCK_UN, 1, at)


_LEDGERS: dict[tuple[int, int], _Ledger] = {}
_LEDGERS_LOCK = threading.Lock()


def default_path() -> Path:
    """A file of this user's own: in the runtime folder where there is one, else in the temporary folder."""
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and os.access(runtime, os.W_OK):
        return Path(runtime) / "keepone-budget.lock"
    return Path(tempfile.gettempdir()) / f"keepone-budget-{os.getuid()}.lock"


def _open_ledger(path: Path) -> _Ledger:
    """The process's ledger for this file. A second descriptor would drop every lock when closed, so look first."""
    with _LEDGERS_LOCK:
        with contextlib.suppress(FileNotFoundError):
            known = path.stat(follow_symlinks=False)
            if ledger := _LEDGERS.get((known.st_dev, known.st_ino)):
                return ledger
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingsError(f"The budget file {path} cannot be opened: {error.strerror}.") from error
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode) or seen.st_uid != os.getuid() or seen.st_mode & 0o022:
            os.close(descriptor)
            raise SettingsError(f"The budget file {path} must be a plain file that only its owner may write.")
        return _LEDGERS.setdefault((seen.st_dev, seen.st_ino), _Ledger(descriptor))


def _until(deadline: float | None, pause: float) -> float | None:
    """The shorter of a pause and what is left of the wait; None for ever. Raises OverloadedError at its end."""
    if deadline is None:
        return None if pause == float("inf") else pause
    left = deadline - time.monotonic()
    if left <= 0:
        raise OverloadedError("The machine's memory for pictures is in use; try again shortly.")
    return min(left, pause)


def _units_of(count: int) -> int:
    return max(1, -(-count // UNIT))
