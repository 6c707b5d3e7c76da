"""One thread owns a heavy model: it alone loads it, asks it and lets it go, so that no lock is needed around it.

Callers from any number of threads leave their items and wait. What waits together is asked together, because a network
that has sixteen pictures at once reads its weights once instead of sixteen times; while it works, the next ones gather.
A model that nobody asked for a while is let go, and loaded again for whoever comes next.
"""

from __future__ import annotations

import gc
import logging
import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_LOGGER: Final = logging.getLogger("keepone")

Model = TypeVar("Model")
Item = TypeVar("Item")
Answer = TypeVar("Answer")

GATHER_SECONDS = 0.004
"""How long the first of a batch waits for company: little beside the tens of milliseconds that one picture takes."""


class ClosedError(RuntimeError):
    """The model was let go for good."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Generic[Item, Answer]):
    item: Item
    answer: Future[Answer]


class Owner(Generic[Model, Item, Answer]):
    """`load` makes the model, `ask` has one answer for each item, in order; no two threads are ever in either."""

    def __init__(
        self,
        name: str,
        load: Callable[[], Model],
        ask: Callable[[Model, list[Item]], list[Answer]],
        release: Callable[[], None] = lambda: None,
        *,
        most: int = 32,
        gather_s: float = GATHER_SECONDS,
        idle_s: float = 0.0,
    ) -> None:
        """At most `most` items are asked together; 0 seconds of `idle_s`: the model stays. `release` comes after it went."""
        self._load, self._ask, self._release = load, ask, release
        self._most, self._gather_s, self._idle_s = most, gather_s, idle_s
        self._waiting: queue.SimpleQueue[_Waiting[Item, Answer] | None] = queue.SimpleQueue()
        self._closing = threading.Lock()
        self._closed = False
        self.loaded = False
        """Whether the model is in memory; for those who watch."""
        self._thread = threading.Thread(target=self._serve, name=f"owner of {name}", daemon=True)
        self._thread.start()

    def ask(self, items: Sequence[Item]) -> list[Answer]:
        """One answer for each item. Raises what `load` or `ask` raised, and ClosedError."""
        left: list[_Waiting[Item, Answer]] = [_Waiting(item, Future()) for item in items]
        with self._closing:
            if self._closed:
                raise ClosedError
            for waiting in left:
                self._waiting.put(waiting)
        return [waiting.answer.result() for waiting in left]

    def close(self) -> None:
        """Answer what waits, then let the model go."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._waiting.put(None)
        self._thread.join()

    def _serve(self) -> None:
        try:
            self._serve_all()
        finally:
            # However this thread ends, nobody waits for it any more.
            with self._closing:
                self._closed = True
            self.loaded = False
            while True:
                try:
                    left = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if left is not None:
                    _fail([left])

    def _serve_all(self) -> None:
        held: list[Model] = []
        going_on = True
        while going_on:
            batch, going_on = self._next_batch(self._idle_s if held and self._idle_s else None)
            if batch:
                try:
                    self._answer(held, batch)
                finally:
                    _fail(batch)
            elif held:
                self._let_go(held)
            # Items may be whole pictures: they are not kept while the next are waited for.
            del batch

    def _let_go(self, held: list[Model]) -> None:
        held.clear()
        gc.collect()
        try:
            self._release()
        except Exception as error:
            _LOGGER.warning("model_not_released", exc_info=error)
        self.loaded = False

    def _next_batch(self, patience: float | None) -> tuple[list[_Waiting[Item, Answer]], bool]:
        """What is to be asked together, nothing after `patience` seconds; and whether more may come."""
        try:
            first = self._waiting.get(timeout=patience)
        except queue.Empty:
            return [], True
        if first is None:
            return [], False
        batch = [first]
        until = time.monotonic() + self._gather_s
        while len(batch) < self._most:
            try:
                waiting = self._waiting.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                break
            if waiting is None:
                # The end is met once more by the next round, after what came before it was answered.
                self._waiting.put(None)
                break
            batch.append(waiting)
        return batch, True

    def _answer(self, held: list[Model], batch: list[_Waiting[Item, Answer]]) -> None:
        try:
            if not held:
                held.append(self._load())
                self.loaded = True
            answers = self._ask(held[0], [waiting.item for waiting in batch])
            if len(answers) != len(batch):
                raise ValueError(f"{len(answers)} answers for {len(batch)} items")  # noqa: TRY301 - told as any other
        except Exception as error:  # noqa: BLE001 - it belongs to those who wait, not to this thread
            if len(batch) == 1 or not held:
                for waiting in batch:
                    waiting.answer.set_exception(error)
            else:
                # One item's misfortune is not the others'.
                for waiting in batch:
                    self._answer(held, [waiting])
        else:
            for waiting, answer in zip(batch, answers, strict=True):
                waiting.answer.set_result(answer)


def _fail(batch: Sequence[_Waiting[Item, Answer]]) -> None:
    """Tell those who have no answer that there will be none."""
    for waiting in batch:
        if not waiting.answer.done():
            waiting.answer.set_exception(ClosedError())
