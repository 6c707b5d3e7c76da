"""What is done with each picture of a batch by itself, before its turn to be committed comes.

Where it is done is another matter: here in threads of this process; `service.jobs.preparing` has processes for it.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from index_store.errors import StoreUnavailableError
from index_store.failpoints import reached
from service import log
from service.domain.errors import KeeponeError, OverloadedError
from service.workflows.arrival import Arrival, RefusedDuplicateError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from service.workflows.arrival import Wish
    from service.workflows.nearest import Peer
    from service.workflows.parts import Parts

T = TypeVar("T")

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
"""Seconds between tries when the machine is too busy for a picture. That says nothing of the picture, so it is no
outcome; if it lasts, the job ends and may be resumed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One item as it comes from its source: bytes, or why there are none."""

    ordinal: int
    name: str
    data: bytes
    error: KeeponeError | None = None


class Preparing(Protocol):
    """Whoever prepares the pictures of one batch, several at a time."""

    def submit(self, entry: Entry, wish: Wish) -> Future[Arrival]:
        """The arrival, once it is prepared, or what `prepared` raises."""
        ...

    def again(self, arrival: Arrival, peers: Sequence[Peer]) -> Future[Arrival]:
        """The arrival, or another in its place, compared with what was committed since and with these."""
        ...

    def close(self) -> None:
        """What was not begun is left undone."""
        ...


class InThreads:
    """Preparing in threads of this process, which wait for decoders and disk more than they compute."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        children = parts.settings.decode_children
        self._threads = ThreadPoolExecutor(2 * children, thread_name_prefix="batch")
        # Of their own: whose turn it is must not wait for those that come later.
        self._again = ThreadPoolExecutor(children, thread_name_prefix="batch-again")

    def submit(self, entry: Entry, wish: Wish) -> Future[Arrival]:
        return self._threads.submit(prepared, entry, wish, self._parts)

    def again(self, arrival: Arrival, peers: Sequence[Peer]) -> Future[Arrival]:
        return self._again.submit(searched_again, arrival, peers)

    def close(self) -> None:
        for threads in (self._threads, self._again):
            threads.shutdown(wait=True, cancel_futures=True)


def prepared(entry: Entry, wish: Wish, parts: Parts) -> Arrival:
    """A picture that is studied and searched for, its files on disk where they are needed.

    Raises what is wrong with the entry, what `Arrival` raises, and StoreUnavailableError if the machine stays too busy.
    """
    if entry.error is not None:
        raise entry.error
    parts.room.require()
    return patiently(lambda: _arrival(entry, wish, parts))


def _arrival(entry: Entry, wish: Wish, parts: Parts) -> Arrival:
    # Not to the log's very end: what the index lacks is compared with when the picture's turn comes.
    arrival = Arrival(entry.data, wish, parts, to_the_end=False, describing=False, sparing=True)
    try:
        planned = arrival.plan()
    except RefusedDuplicateError:
        return arrival  # what it was refused for may be gone when its turn comes
    if not arrival.has_files_for(planned):
        arrival.keep_files()
    reached("batch.files-kept")
    return arrival


def searched_again(arrival: Arrival, peers: Sequence[Peer]) -> Arrival:
    """The arrival, compared with what was committed since and with its peers. Raises StoreError."""
    patiently(arrival.search_again)
    patiently(lambda: arrival.lay_on(peers))
    return arrival


def patiently(step: Callable[[], T]) -> T:
    """What the step gives, once the machine has time for it. Raises StoreUnavailableError if it never has."""
    for pause in PAUSES:
        try:
            return step()
        except OverloadedError as error:
            log.event("a picture waits for a busy machine", level=logging.WARNING, error=error, pause_s=pause)
            time.sleep(pause)
    raise StoreUnavailableError("The machine was too busy for a picture for minutes.")
