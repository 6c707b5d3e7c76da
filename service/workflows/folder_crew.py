"""A large folder looked at in several processes, each with a decoder of its own.

Threads of one process take turns at the interpreter: with two cores a folder of small pictures went no faster than with
one, and the turns cost as much as the work. A process of the crew reads, decodes and reduces one picture after the
other, and sends what is kept of it. It writes nothing, so whatever ends it costs the run and no more.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, TypeVar

from service.domain.errors import KeeponeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from service.pictures.pool import DecodePool

WORTH_IT = 400
"""Files from which on a crew is called: it takes about a second to come."""
_AT_ONCE = 16
"""Files to a message: what a message costs is shared by them."""
_AHEAD = 3
"""Messages under way for each process."""
_STOPPING = (signal.SIGINT, signal.SIGTERM)

T = TypeVar("T")
Made = TypeVar("Made")


class LostCrewError(KeeponeError):
    """A process that looks at pictures ended before it was done."""


@dataclass(frozen=True, slots=True)
class Crew:
    """How many processes, and how each makes the pool it decodes with; `make_pool` can be pickled."""

    size: int
    make_pool: Callable[[], DecodePool]

    def is_worth_it(self, count: int) -> bool:
        """Whether so many files are looked at sooner with a crew than without."""
        return self.size > 1 and count >= WORTH_IT

    def each(self, look: Callable[[T, DecodePool], Made], several: Sequence[T]) -> Iterator[Made]:
        """What `look` makes of each, in order; `look`, what it is given and what it makes can be pickled.

        Raises LostCrewError, or what `look` raises.
        """
        # Helpers of `multiprocessing` are started with `-c`, which would import from the current folder: that may be where
        # strangers' files lie.
        os.environ["PYTHONSAFEPATH"] = "1"
        context = get_context("forkserver")
        context.set_forkserver_preload(["service.wiring"])
        executor = ProcessPoolExecutor(self.size, context, _begin, (self.make_pool,))
        waiting: deque[Future[list[Made]]] = deque()
        try:
            # Who presses Ctrl-C signals the whole group: from its first moment on that is the parent's affair.
            blocked = signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)
            try:
                messages = batched(several, _AT_ONCE)
                for some in islice(messages, _AHEAD * self.size):
                    waiting.append(executor.submit(_each_of, look, some))
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            while waiting:
                made = waiting.popleft().result()
                if some := next(messages, ()):
                    waiting.append(executor.submit(_each_of, look, some))
                yield from made
        except BrokenProcessPool as error:
            raise LostCrewError from error
        finally:
            executor.shutdown(cancel_futures=True)


def batched(several: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The sequence in parts of that size; the last may be smaller."""
    return (several[start : start + size] for start in range(0, len(several), size))


_POOLS: list[DecodePool] = []
"""Of a process of a crew: its own one."""


def _begin(make_pool: Callable[[], DecodePool]) -> None:
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    _POOLS.append(make_pool())


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
    os._exit(1)


def _each_of(look: Callable[[T, DecodePool], Made], some: Sequence[T]) -> list[Made]:
    return [look(one, _POOLS[0]) for one in some]
