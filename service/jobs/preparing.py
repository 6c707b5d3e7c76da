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
from collections import deque
from concurrent.futures import Future
from functools import partial
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, TypeAlias

from index_store.errors import StoreError
from service import log, wiring
from service.domain.errors import KeeponeError
from service.workflows.batch import GROUP
from service.workflows.preparing import InThreads, prepared, searched_again

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

    from service.settings import Settings
    from service.workflows.arrival import Arrival, Wish
    from service.workflows.parts import Parts
    from service.workflows.preparing import Entry

    _Work: TypeAlias = Callable[[Parts], Arrival]
    _Tasks: TypeAlias = deque[tuple[Future[Arrival], _Work]]

WORTH_IT = GROUP
"""Pictures from which on a batch gets its processes: they take a second or two to start."""


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

    def again(self, arrival: Arrival) -> Future[Arrival]:
        if not self._ready.is_set():
            return self._threads.again(arrival)
        return self._ask(self._urgent, partial(_searched_again_here, arrival))

    def close(self) -> None:
        self._threads.close()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for asker in self._askers:
            asker.join()

    def _start(self) -> None:
        context = get_context("forkserver")
        context.set_forkserver_preload(["service.wiring"])
        settings = self._parts.settings.model_copy(update={"decode_children": 1})
        for _ in range(self._parts.settings.decode_children):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs, settings), daemon=True)
            process.start()
            theirs.close()
            asker = threading.Thread(target=self._keep_busy, args=(ours, process.join), name="preparing", daemon=True)
            asker.start()
            self._askers.append(asker)

    def _ask(self, tasks: _Tasks, work: _Work) -> Future[Arrival]:
        answer: Future[Arrival] = Future()
        with self._changed:
            tasks.append((answer, work))
            self._changed.notify()
        return answer

    def _keep_busy(self, pipe: Connection, join: Callable[[], None]) -> None:
        """Hand one process its work, one after the other, until this is closed.

        A process that dies takes this one with it: what is done after a crash is known to lose nothing.
        """
        try:
            pipe.recv()
            self._ready.set()
            while (task := self._next()) is not None:
                answer, work = task
                pipe.send(work)
                made, error = pipe.recv()
                if error is None:
                    answer.set_result(made)
                else:
                    answer.set_exception(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody would answer from here on
            log.event("a process that prepares pictures died", level=logging.ERROR, error=error)
            os._exit(1)
        pipe.close()
        join()

    def _next(self) -> tuple[Future[Arrival], _Work] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._urgent or self._others)
            return None if self._closed else (self._urgent or self._others).popleft()


def _serve(pipe: Connection, settings: Settings) -> None:
    """A preparing process, until nobody asks any more."""
    for number in (signal.SIGINT, signal.SIGTERM):  # who stops the service stops the parent, and that ends us
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    parts = wiring.build(settings)
    pipe.send("ready")
    try:
        while True:
            work = pipe.recv()
            pipe.send(_answer(work, parts))
    except EOFError:
        parts.close()


def _answer(work: _Work, parts: Parts) -> tuple[Arrival | None, Exception | None]:
    """What it made, or why it made nothing."""
    try:
        return work(parts), None
    except (KeeponeError, StoreError) as error:
        return None, error
    except Exception as error:  # noqa: BLE001 - a defect of ours or a library's, met by one picture
        return None, RuntimeError(f"{type(error).__name__}: {error}")  # not every library's errors can be sent


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(0)


def _prepared_here(entry: Entry, wish: Wish, parts: Parts) -> Arrival:
    parts.follower.catch_up()
    return prepared(entry, wish, parts)


def _searched_again_here(arrival: Arrival, parts: Parts) -> Arrival:
    return searched_again(arrival.carried_on(parts))
