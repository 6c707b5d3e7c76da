"""Many pictures in one job: each is judged as if it came alone, and committed with others.

Threads prepare pictures side by side, in the order of the items and only a little ahead. Whoever runs the job takes
them in that order, puts together those that cannot be copies of one another (`grouping`), and commits the group in one
transaction: each image, its vectors, what was proved and the item's outcome are there together or not at all. So a job
may be killed at any moment and run again: items that have an outcome are passed over, the rest are done.

A group that another process made stale searches again, and goes first into the next one.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from index_store.errors import StoreError, StoreUnavailableError
from index_store.failpoints import reached
from index_store.group_records import GroupItem
from index_store.job_records import JobItemOutcome
from index_store.records import Committed, Stale
from service import log
from service.domain.errors import KeeponeError, OverloadedError, UnsupportedPictureError
from service.workflows.arrival import Arrival, RefusedDuplicateError
from service.workflows.grouping import Lately, Recent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from index_store.group_records import GroupAnswer
    from index_store.records import HandIn
    from service.workflows.arrival import Wish
    from service.workflows.parts import Parts

T = TypeVar("T")

GROUP = 48
"""Pictures committed together at the most. One synced commit takes as long as some ten pictures' rows."""
AHEAD = 2
"""Groups' worth of pictures that may be prepared and not yet committed; each holds about a megabyte."""
BYTES_AHEAD = 128 * 1024 * 1024
"""Files waiting for a decoder, together: many small ones, or a few large ones. As many again may wait for their
commit, for a copy's bytes are held until it is known that they need not be kept."""

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


class Watcher(Protocol):
    """Who is told how the work goes, and may end it between two groups."""

    def finished(self, outcomes: list[str]) -> None:
        """These items have their outcomes on disk."""

    def wants_to_stop(self) -> bool:
        """Whether to stop after what is under way."""


@dataclass(frozen=True, slots=True)
class _Ready:
    ordinal: int
    name: str
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class _UnderWay:
    ordinal: int
    name: str
    size: int
    prepared: Future[Arrival]


class Batch:
    """The items of one job on their way in."""

    def __init__(self, job_id: str, parts: Parts, wish_for: Callable[[str], Wish], watcher: Watcher) -> None:
        self._job_id = job_id
        self._parts = parts
        self._wish_for = wish_for
        self._watcher = watcher
        self._under_way: deque[_UnderWay] = deque()
        self._bytes_ahead = 0
        self._waiting: deque[_Ready] = deque()
        self._lately = Lately(parts.verdict_model, parts.descriptor.least_similarity)

    def run(self, entries: Iterable[Entry]) -> bool:
        """Take in every entry; False if it was told to stop before the end.

        What is wrong with an item is that item's outcome. Raises StoreError when the store itself fails: then nothing
        half-done was kept, and the job may be run again.
        """
        self._parts.follower.catch_up()
        children = self._parts.settings.decode_children
        threads = ThreadPoolExecutor(2 * children, thread_name_prefix="batch")
        self._searching = ThreadPoolExecutor(children, thread_name_prefix="batch-again")
        try:
            for entry in entries:
                prepared = threads.submit(self._prepare, entry)
                self._under_way.append(_UnderWay(entry.ordinal, entry.name, len(entry.data), prepared))
                self._bytes_ahead += len(entry.data)
                while len(self._under_way) >= AHEAD * GROUP or self._bytes_ahead > BYTES_AHEAD:
                    self._take()
                    if self._watcher.wants_to_stop():
                        return False
            while self._under_way or self._waiting:
                if self._under_way:
                    self._take()
                else:
                    self._commit_group()
                if self._watcher.wants_to_stop():
                    return False
        finally:
            for pool in (threads, self._searching):
                pool.shutdown(wait=True, cancel_futures=True)
        return True

    def _prepare(self, entry: Entry) -> Arrival:
        if entry.error is not None:
            raise entry.error
        self._parts.room.require()
        return _patiently(lambda: self._arrive(entry))

    def _arrive(self, entry: Entry) -> Arrival:
        # Not to the log's very end: what the index lacks is compared with when the picture's turn comes.
        arrival = Arrival(entry.data, self._wish_for(entry.name), self._parts, to_the_end=False)
        try:
            planned = arrival.plan()
        except RefusedDuplicateError:
            return arrival  # what it was refused for may be gone when its turn comes
        if not arrival.has_files_for(planned):
            arrival.keep_files()
        reached("batch.files-kept")
        return arrival

    def _take(self) -> None:
        """Wait for the next picture and put it in line."""
        item = self._under_way.popleft()
        self._bytes_ahead -= item.size
        try:
            self._waiting.append(_Ready(item.ordinal, item.name, item.prepared.result()))
        except StoreError:
            raise
        except KeeponeError as error:
            self._record(item.ordinal, item.name, error)
        except Exception as error:  # noqa: BLE001 - a defect of ours met by one picture must not end the others
            log.event(
                "a picture met a defect", level=logging.ERROR, error=error, job_id=self._job_id, item=item.ordinal
            )
            self._record(item.ordinal, item.name, error)
        while len(self._waiting) >= GROUP or sum(each.arrival.bytes_held for each in self._waiting) > BYTES_AHEAD:
            self._commit_group()

    def _commit_group(self) -> None:
        self._catch_up()
        answers = self._append()
        reached("batch.group-committed")
        stale: list[_Ready] = []
        for ready, answer in answers:
            if isinstance(answer, Committed):
                self._lately.add(answer, ready.arrival.subject)
            elif isinstance(answer, Stale):
                _patiently(ready.arrival.search_again)
                stale.append(ready)
        self._waiting.extendleft(reversed(stale))
        self._parts.follower.catch_up()
        self._watcher.finished([answer.image.outcome for _, answer in answers if isinstance(answer, Committed)])
        for ready, answer in answers:
            if isinstance(answer, StoreError):
                self._record(ready.ordinal, ready.name, answer)

    def _catch_up(self) -> None:
        """Compare those that wait with what was committed since they were searched for, side by side."""
        behind = [ready.arrival for ready in self._waiting if self._is_behind(ready.arrival)]
        for _ in self._searching.map(lambda arrival: _patiently(arrival.search_again), behind):
            pass

    def _is_behind(self, arrival: Arrival) -> bool:
        return self._lately.might_match(arrival.subject, arrival.searched_to, reach=arrival.reach)

    def _append(self) -> list[tuple[_Ready, GroupAnswer]]:
        """Commit those that wait and may go together; the others go on waiting."""
        looked_at = Recent(self._parts.verdict_model, self._parts.descriptor.least_similarity)
        group: list[tuple[_Ready, GroupItem]] = []
        going: set[str] = set()
        later: deque[_Ready] = deque()
        with self._parts.committing:
            for ready in self._waiting:
                is_stranger = not looked_at.might_match(ready.arrival.subject, reach=ready.arrival.reach)
                looked_at.add(ready.arrival.subject)
                if not is_stranger:
                    later.append(ready)
                elif (entry := self._plan(ready)) is not None:
                    group.append((ready, self._item(ready, entry, going)))
                    going.add(entry.content_id)
            reached("batch.group-prepared")
            answers = self._parts.catalogue.append_many([item for _, item in group])
        self._waiting = later
        return [(ready, answer) for (ready, _), answer in zip(group, answers, strict=True)]

    def _item(self, ready: _Ready, entry: HandIn, going: set[str]) -> GroupItem:
        seen = self._lately.contents_since(ready.arrival.searched_to) | going
        outcome = JobItemOutcome(self._job_id, ready.ordinal, name=ready.name)
        return GroupItem(entry, ready.arrival.searched_to, seen, rests_on=frozenset(), also=(outcome,))

    def _plan(self, ready: _Ready) -> HandIn | None:
        """What to commit by now; None if that is nothing, and then the item has its outcome."""
        arrival = ready.arrival
        if self._is_behind(arrival):
            _patiently(arrival.search_again)
        try:
            entry = arrival.plan()
        except RefusedDuplicateError as error:
            self._record(ready.ordinal, ready.name, error)
            return None
        if not arrival.has_files_for(entry):
            arrival.keep_files()
        return entry

    def _record(self, ordinal: int, name: str, error: Exception) -> None:
        """What became of an item that made no image."""
        outcome = replace(_outcome_of(error, self._job_id, ordinal), name=name)
        self._parts.jobs.record(outcome)
        self._watcher.finished([outcome.outcome or outcome.state])


def _patiently(step: Callable[[], T]) -> T:
    """What the step gives, once the machine has time for it. Raises StoreUnavailableError if it never has."""
    for pause in PAUSES:
        try:
            return step()
        except OverloadedError as error:
            log.event("a picture waits for a busy machine", level=logging.WARNING, error=error, pause_s=pause)
            time.sleep(pause)
    raise StoreUnavailableError("The machine was too busy for a picture for minutes.")


def _outcome_of(error: Exception, job_id: str, ordinal: int) -> JobItemOutcome:
    problem = {"error": type(error).__name__, "detail": str(error)}
    if isinstance(error, RefusedDuplicateError):
        return JobItemOutcome(job_id, ordinal, "skipped", "rejected", verdict=error.block["verdict"], problem=problem)
    if isinstance(error, UnsupportedPictureError):
        # A folder of pictures holds other files too; only what claims to be a picture can fail.
        return JobItemOutcome(job_id, ordinal, "skipped", "not-a-picture", problem=problem)
    return JobItemOutcome(job_id, ordinal, "failed", "failed", problem=problem)
