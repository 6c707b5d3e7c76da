"""The end of a process: not ready at once, open for a moment longer, then closed.

Whoever sends traffic here learns from `/ready` that it should stop, and needs a moment for that. So SIGTERM or SIGINT
first turns readiness off, and reaches the server only after `drain_seconds`; the server then takes no more connections
and lets the requests under way finish. Streams of events would never finish, so they end with readiness. A second
signal does not wait.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    Handler = Callable[[int, FrameType | None], object]


class Stopping:
    """Made on the event loop that serves."""

    def __init__(self, drain_seconds: float, when_stopping: Callable[[], None] | None = None) -> None:
        self._drain_seconds = drain_seconds
        self._when_stopping = when_stopping
        self._event = asyncio.Event()

    def is_set(self) -> bool:
        return self._event.is_set()

    def listen(self) -> None:
        """Step in before whoever handles the signals now. Only the main thread may; elsewhere nobody sends signals."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            server = signal.getsignal(number)
            if callable(server):
                signal.signal(number, self._draining_before(server, asyncio.get_running_loop()))

    def _draining_before(self, server: Handler, loop: asyncio.AbstractEventLoop) -> Handler:
        def drain(number: int, frame: FrameType | None) -> None:
            if self.is_set():
                server(number, frame)
                return
            loop.call_soon_threadsafe(self._event.set)
            loop.call_soon_threadsafe(loop.call_later, self._drain_seconds, server, number, frame)
            if self._when_stopping is not None:
                self._when_stopping()

        return drain
