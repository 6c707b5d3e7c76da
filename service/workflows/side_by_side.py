"""A few threads for work that mostly reads, hashes or writes, all of which let other threads run."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

_THREADS = 4
_WAITING = 64
"""Enough for no thread to idle behind a large file. `ThreadPoolExecutor.map` would have everything wait, 1.7 KB each."""
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def side_by_side(work: Callable[[_Item], _Made], items: Iterable[_Item]) -> Iterator[tuple[_Item, _Made]]:
    """Each item, in order, with what `work` made of it. The first error that it raised ends it."""
    waiting: deque[tuple[_Item, Future[_Made]]] = deque()
    with ThreadPoolExecutor(_THREADS) as threads:
        try:
            for item in items:
                waiting.append((item, threads.submit(work, item)))
                if len(waiting) == _WAITING:
                    first, made = waiting.popleft()
                    yield first, made.result()
            for first, made in waiting:
                yield first, made.result()
        finally:
            threads.shutdown(cancel_futures=True)
