"""Keeps the worker running beside `keepone serve`, and ends it with the service. Knows nothing of DBOS."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service import log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
PARTING_SECONDS = 25.0


@contextmanager
def job_worker(environment: Mapping[str, str]) -> Iterator[Callable[[], None]]:
    """A worker process for as long as the block lasts; one that dies is started again.

    It reads its settings from our environment and these variables. What is yielded tells it to stop ahead of the end.
    """
    keeper = _Keeper(environment)
    thread = threading.Thread(target=keeper.keep, name="job-worker", daemon=True)
    thread.start()
    try:
        yield keeper.stop
    finally:
        keeper.stop()
        thread.join(PARTING_SECONDS)


class _Keeper:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = os.environ | environment
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def keep(self) -> None:
        pause = FIRST_PAUSE
        while (process := self._start()) is not None:
            with process:
                status = process.wait()
            if self._stopping.is_set():
                return
            log.event("the job worker ended and is started again", level=logging.WARNING, status=status, pause_s=pause)
            if self._stopping.wait(pause):
                return
            pause = min(2 * pause, LONGEST_PAUSE)

    def stop(self) -> None:
        with self._lock:
            if not self._stopping.is_set() and self._process is not None:
                self._process.terminate()
            self._stopping.set()

    def _start(self) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._stopping.is_set():
                return None
            # Our end of its input is never written to: it closes when this process ends, however it ends.
            command = [sys.executable, "-P", "-m", "service.jobs"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, env=self._environment)  # noqa: S603 - ours
            return self._process
