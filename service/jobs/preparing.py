"""Preparing the pictures of a large batch in processes of their own.

Threads of one process take turns at the interpreter, and pass it on hundreds of times for each picture: beyond one core
they gain nothing, and lose by it (measured: 11 ms of a core for a picture alone, 14 with three beside it). A process
prepares as any other process of Keepone would: with its own view of the store, and it commits nothing.

They are started when a batch turns out to be large, and until they are there its pictures are prepared in threads. Each
has a pipe of its own, for the end of one must be seen even in the middle of an answer, which a shared queue would hide.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import deque
from concurrent.futures import Future
from functools import partial
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, TypeAlias

import cv2

from index_store.errors import StoreError
from index_store.syncing import has_failed
from service import log, wiring
from service.domain.errors import KeeponeError
from service.workflows.batch import GROUP
from service.workflows.preparing import InThreads, prepared, searched_again

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

    from service.settings import Settings
    from service.workflows.arrival import Arrival, Wish
    from service.workflows.nearest import Peer
    from service.workflows.parts import Parts
    from service.workflows.preparing import Entry

    _Work: TypeAlias = Callable[[Parts], Arrival]
    _Tasks: TypeAlias = deque[tuple[Future[Arrival], _Work]]

WORTH_IT = GROUP
"""Pictures from which on a batch gets its processes: they take a second or two to start."""

_STOPPING = (signal.SIGINT, signal.SIGTERM)
_LOOK_SECONDS = 0.1
CATCH_UP_SECONDS = 0.25
"""How often a process looks what others committed; a group comes about as often."""


class InProcesses:
    """`preparing` for `run_ingest_job`: as many processes as the settings have decoders."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._threads = InThreads(parts)
        self._submitted = 0
        self._ready = threading.Event()
        self._askers: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._urgent: _Tasks = deque()
        """For whom it is their turn: they go before those that come later."""
        self._others: _Tasks = deque()
        self._closed = False

    def submit(self, entry: Entry, wish: Wish) -> Future[Arrival]:
        self._submitted += 1
        if not self._askers and self._submitted > WORTH_IT and self._parts.settings.decode_children > 1:
            self._start()
        if not self._ready.is_set():
            return self._threads.submit(entry, wish)
        return self._ask(self._others, partial(_prepared_here, entry, wish))

    def again(self, arrival: Arrival, peers: Sequence[Peer]) -> Future[Arrival]:
        if not self._ready.is_set():
            return self._threads.again(arrival, peers)
        return self._ask(self._urgent, partial(_searched_again_here, arrival, peers))

    def close(self) -> None:
        self._threads.close()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for asker in self._askers:
            asker.join()

    def _start(self) -> None:
        # The helpers of `multiprocessing` are started with `-c`, which would import from the current folder: that may be
        # where strangers' files lie.
        os.environ["PYTHONSAFEPATH"] = "1"
        get_context("forkserver").set_forkserver_preload(["service.wiring"])
        for _ in range(self._parts.settings.decode_children):
            asker = threading.Thread(target=self._keep_busy, name="preparing", daemon=True)
            asker.start()
            self._askers.append(asker)

    def _ask(self, tasks: _Tasks, work: _Work) -> Future[Arrival]:
        answer: Future[Arrival] = Future()
        with self._changed:
            tasks.append((answer, work))
            self._changed.notify()
        return answer

    def _keep_busy(self) -> None:
        """Start one process, and hand it its work, one after the other, until this is closed.

        One that cannot be started is done without. One that dies later takes this process with it: what is done after a
        crash is known to lose nothing.
        """
        started = self._ready_process()
        if started is None:
            return
        pipe, process = started
        self._ready.set()
        try:
            while (task := self._next()) is not None:
                answer, work = task
                pipe.send(work)
                made, error = pipe.recv()
                if error is None:
                    answer.set_result(made)
                else:
                    answer.set_exception(error)
                del task, answer, work, made  # megabytes, until the next picture comes
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody would answer from here on
            log.event("a process that prepares pictures died", level=logging.ERROR, error=error)
            os._exit(1)
        pipe.close()
        process.join()

    def _ready_process(self) -> tuple[Connection, BaseProcess] | None:
        """A process that has opened the store; None if it cannot, or if this was closed meanwhile."""
        context = get_context("forkserver")
        settings = self._parts.settings.model_copy(update={"decode_children": 1})
        try:
            ours, theirs = context.Pipe()
            # Who stops the service may signal the whole group: from its first moment on that is the parent's affair.
            blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
            try:
                process = context.Process(target=_serve, args=(theirs, settings), daemon=True)
                process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
                theirs.close()
            while not ours.poll(_LOOK_SECONDS):
                if self._closed:
                    process.kill()
                    process.join()
                    return None
            ours.recv()
        except (OSError, EOFError) as error:
            log.event("a process that prepares pictures cannot be started", level=logging.WARNING, error=error)
            return None
        return ours, process

    def _next(self) -> tuple[Future[Arrival], _Work] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._urgent or self._others)
            return None if self._closed else (self._urgent or self._others).popleft()


def _serve(pipe: Connection, settings: Settings) -> None:
    """A preparing process, until nobody asks any more."""
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
    log.configure(settings.log_format, settings.log_level)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    cv2.setNumThreads(1)  # there is such a process for every core; more threads only take turns
    parts = wiring.build(settings, further=False)
    pipe.send("ready")
    try:
        while True:
            pipe.send(_answer(pipe.recv(), parts))
            if has_failed():  # a sync; nothing more may be written here, nor by whoever started this process
                os._exit(1)
    except (EOFError, OSError):  # the end, or the parent's
        parts.close()


def _answer(work: _Work, parts: Parts) -> tuple[Arrival | None, Exception | None]:
    """What it made, or why it made nothing."""
    try:
        return work(parts), None
    except (KeeponeError, StoreError) as error:
        return None, error
    except Exception as error:  # noqa: BLE001 - a defect of ours or a library's, met by one picture
        log.event("a picture met a defect", level=logging.ERROR, error=error)
        return None, RuntimeError(f"{type(error).__name__}: {error}")  # not every library's errors can be sent


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(0)


def _prepared_here(entry: Entry, wish: Wish, parts: Parts) -> Arrival:
    _now_and_then(parts.follower.catch_up)
    return prepared(entry, wish, parts)


def _now_and_then(catch_up: Callable[[], object]) -> None:
    """What the index lacks of the last moment is compared with when the picture's turn comes."""
    global _caught_up  # noqa: PLW0603 - one for the process, which has one thread that prepares
    if time.monotonic() - _caught_up >= CATCH_UP_SECONDS:
        catch_up()
        _caught_up = time.monotonic()


_caught_up = 0.0


def _searched_again_here(arrival: Arrival, peers: Sequence[Peer], parts: Parts) -> Arrival:
    return searched_again(arrival.carried_on(parts), peers)
