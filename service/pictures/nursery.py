"""The decoding children as a set of constant size: lent out one at a time, replaced when lost, renewed when worn.

One thread, the keeper, starts all of them: Linux ties a child's life to the *thread* that started it
(PR_SET_PDEATHSIG), and a request's thread may end at any time. A child is lent only after it has said that it is
ready, so its start is nobody's wait unless many are lost at once. Ending a child takes a while too, so that is never
done under the lock.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import selectors
import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Final

from service.domain.errors import DecoderFailedError, KeeponeError, OverloadedError
from service.pictures.process import ChildProcess, LostChildError, StarvedChildError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.pictures.admit import Limits

_BOOT_SECONDS: Final = 15.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 5.0
_LOGGER: Final = logging.getLogger("keepone")


class Nursery:
    """`size` children, each renewed after `recycle_after` decodes or when it holds `max_resident` bytes at rest.

    They are started `at_once`, or when one is asked for the first time.
    """

    def __init__(
        self, size: int, limits: Limits, *, recycle_after: int, max_resident: int, fault_injection: bool, at_once: bool
    ) -> None:
        self._size = size
        self._wanted = size if at_once else 0
        self._limits = limits
        self._recycle_after = recycle_after
        self._max_resident = max_resident
        self._fault_injection = fault_injection
        self._changed = threading.Condition()
        self._idle: deque[ChildProcess] = deque()
        self._all: set[ChildProcess] = set()
        self._closed = False
        self.replaced = 0
        self.recycled = 0
        self._bell, self._rung = socket.socketpair()
        self._rung.setblocking(False)
        self._selector = selectors.DefaultSelector()  # here, where its failure reaches the caller
        self._selector.register(self._rung, selectors.EVENT_READ)
        self._keeper = threading.Thread(target=self._keep, name="keepone-decoder-keeper", daemon=True)
        self._keeper.start()
        atexit.register(self.close)

    def pids(self) -> list[int]:
        """Of the children that are ready or at work."""
        with self._changed:
            return sorted(child.pid for child in self._all)

    @contextlib.contextmanager
    def borrow(self, deadline: float | None) -> Iterator[ChildProcess]:
        """A ready child, for the length of the block.

        Raises OverloadedError if none is free by the monotonic `deadline`, or if the machine gave the child too little
        time to work. What the block raises decides the child's fate: an error that the child reported in good order, or
        that is none of its business, leaves it in service; anything else ends it.
        """
        child = self._take(deadline)
        try:
            yield child
        except StarvedChildError as error:
            self._lose(child)
            raise OverloadedError("The machine is too busy to decode the picture; try again shortly.") from error
        except LostChildError as error:
            self._lose(child)
            raise DecoderFailedError(f"The decoder {error} on this file.") from error
        except DecoderFailedError:  # it ran out of memory in the middle of something
            self._lose(child)
            raise
        except KeeponeError:
            self._give_back(child)
            raise
        except BaseException:  # interrupted between question and answer
            self._lose(child)
            raise
        else:
            self._give_back(child)

    def close(self) -> None:
        """End and reap every child. Borrowers still at work see theirs die."""
        atexit.unregister(self.close)
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._ring()
        self._keeper.join()
        with self._changed:
            children, self._all = self._all, set()
            self._idle.clear()
        for child in children:
            child.kill()
        self._bell.close()
        self._rung.close()

    def _take(self, deadline: float | None) -> ChildProcess:
        while True:
            child = self._next_idle(deadline)
            if child.is_alive():
                return child
            self._lose(child)  # killed from outside while at rest: no picture's fault

    def _next_idle(self, deadline: float | None) -> ChildProcess:
        with self._changed:
            if not self._wanted:
                self._wanted = self._size
                self._ring()
            while True:
                if self._closed:
                    raise OverloadedError("The service is shutting down.")
                if self._idle:
                    return self._idle.pop()  # the last one used: its memory is warm
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise OverloadedError("All decoders are busy; try again shortly.")
                self._changed.wait(left)

    def _give_back(self, child: ChildProcess) -> None:
        worn = child.decodes >= self._recycle_after or child.resident > self._max_resident
        with self._changed:
            if child not in self._all:  # the nursery closed meanwhile
                return
            if worn:
                self.recycled += 1
                self._all.discard(child)
            else:
                self._idle.append(child)
                self._changed.notify()
        if worn:
            self._ring()
            child.kill()

    def _lose(self, child: ChildProcess) -> None:
        with self._changed:
            if child not in self._all:  # the nursery closed meanwhile, and has ended it
                return
            self._all.discard(child)
            self.replaced += 1
        self._ring()
        child.kill()

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # full means that the keeper has been called already
            self._bell.send(b"!", socket.MSG_DONTWAIT)

    def _keep(self) -> None:
        """Start children until there are enough, and put each among the idle when it is ready."""
        booting: dict[ChildProcess, float] = {}
        pause = _FIRST_PAUSE
        try:
            with self._selector as selector:
                while not self._closed:
                    failed = not self._start_missing(booting)
                    timeout = pause if failed else (1.0 if booting else None)
                    ready = {key.fileobj for key, _ in selector.select(timeout)}
                    with contextlib.suppress(BlockingIOError):
                        self._rung.recv(4096)
                    for child, deadline in list(booting.items()):
                        if child in ready or time.monotonic() > deadline:
                            del booting[child]
                            selector.unregister(child)
                            failed = not self._admit(child) or failed
                    if failed:
                        # Out of processes, or a broken installation: try again, but not in a tight loop.
                        pause = min(2 * pause, _LONGEST_PAUSE)
                        selector.select(pause)
                    else:
                        pause = _FIRST_PAUSE
        finally:
            for child in booting:
                child.kill()

    def _start_missing(self, booting: dict[ChildProcess, float]) -> bool:
        while len(self._all) + len(booting) < self._wanted:
            try:
                child = ChildProcess(self._limits, fault_injection=self._fault_injection)
            except Exception as error:  # were this thread to end, all children would end with it
                _LOGGER.warning("decoder_not_started", exc_info=error)
                return False
            booting[child] = time.monotonic() + _BOOT_SECONDS
            self._selector.register(child, selectors.EVENT_READ)
        return True

    def _admit(self, child: ChildProcess) -> bool:
        try:
            child.greet(time.monotonic() + 1.0)
        except Exception as error:
            _LOGGER.warning("decoder_not_ready", exc_info=error)
            child.kill()
            return False
        with self._changed:
            self._all.add(child)
            self._idle.appendleft(child)
            self._changed.notify()
        return True
