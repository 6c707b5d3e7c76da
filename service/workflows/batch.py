"""Many pictures in one job: each is judged as if it came alone, but for closer looks (and, if asked, quickly), and
committed with others.

Pictures are prepared side by side, in the order of the items and only a little ahead. Whoever runs the job takes
them in that order, puts together those that cannot be copies of one another (`grouping`), and commits the group in one
transaction: each image, its vectors, what was proved and the item's outcome are there together or not at all. So a job
may be killed at any moment and run again: items that have an outcome are passed over, the rest are done.

A group that another process made stale searches again, and goes first into the next one.
"""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from index_store.errors import StoreError
from index_store.failpoints import reached
from index_store.group_records import GroupItem
from index_store.job_records import JobItemOutcome
from index_store.records import Committed, Stale
from service import log
from service.domain.errors import AlreadyThereError, KeeponeError, UnsupportedPictureError
from service.workflows.arrival import RefusedDuplicateError
from service.workflows.grouping import Lately, Recent
from service.workflows.preparing import InThreads, patiently

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from index_store.group_records import GroupAnswer
    from index_store.records import HandIn
    from service.workflows.arrival import Arrival, Wish
    from service.workflows.parts import Parts
    from service.workflows.preparing import Entry, Preparing

GROUP = 24
"""Pictures committed together at the most. One synced commit takes as long as some ten pictures' rows."""
FIRST_GROUP = 4
"""The first group is as small: progress shows early, and a job whose worker is ended again and again within seconds still
gets on. Each may be twice what was settled of the one before: among look-alikes, most of which must wait for one another,
small groups search again for fewer; so do small groups altogether: with 48 no picture came in sooner."""
AHEAD, AHEAD_OF_EACH = 16, 3
"""Pictures that may be on their way to their group, and how many for each decoder at the least; each holds about a
megabyte. Whoever is prepared early has more to be compared with when its turn comes."""
BYTES_AHEAD = 128 * 1024 * 1024
"""Files waiting for a decoder, together: many small ones, or a few large ones. As many again may wait for their
commit, for a copy's bytes are held until it is known that they need not be kept."""


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

    def __init__(
        self,
        job_id: str,
        parts: Parts,
        wish_for: Callable[[str], Wish],
        watcher: Watcher,
        preparing: Callable[[Parts], Preparing] = InThreads,
    ) -> None:
        self._job_id = job_id
        self._parts = parts
        self._wish_for = wish_for
        self._watcher = watcher
        self._preparing = preparing(parts)
        self._under_way: deque[_UnderWay] = deque()
        self._bytes_ahead = 0
        self._ahead = max(AHEAD, AHEAD_OF_EACH * parts.settings.decode_children)
        self._group = min(FIRST_GROUP, GROUP)
        self._waiting: deque[_Ready] = deque()
        self._lately = Lately(parts.verdict_model, parts.descriptor.least_similarity)

    def run(self, entries: Iterable[Entry]) -> bool:
        """Take in every entry; False if it was told to stop before the end.

        What is wrong with an item is that item's outcome. Raises StoreError when the store itself fails: then nothing
        half-done was kept, and the job may be run again.
        """
        self._parts.follower.catch_up()
        try:
            for entry in entries:
                prepared = self._preparing.submit(entry, self._wish_for(entry.name))
                self._under_way.append(_UnderWay(entry.ordinal, entry.name, len(entry.data), prepared))
                self._bytes_ahead += len(entry.data)
                while len(self._under_way) >= self._ahead or self._bytes_ahead > BYTES_AHEAD:
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
            self._preparing.close()
        return True

    def _take(self) -> None:
        """Wait for the next picture and put it in line."""
        item = self._under_way.popleft()
        self._bytes_ahead -= item.size
        try:
            self._waiting.append(_Ready(item.ordinal, item.name, item.prepared.result().carried_on(self._parts)))
        except StoreError:
            raise
        except KeeponeError as error:
            self._record(item.ordinal, item.name, error)
        except Exception as error:  # noqa: BLE001 - a defect of ours met by one picture must not end the others
            self._met_a_defect(item.ordinal, item.name, error)
        while self._is_full():
            self._commit_group()
            if self._watcher.wants_to_stop():  # after, so that however often a job is stopped it gets on
                break

    def _is_full(self) -> bool:
        held = sum(ready.arrival.bytes_held for ready in self._waiting)
        return len(self._waiting) >= self._group or held > BYTES_AHEAD

    def _commit_group(self) -> None:
        # Whoever is not among these waits untouched: searched for again when its turn comes, it is searched for once.
        later = list(islice(self._waiting, self._group, None))
        self._waiting = deque(islice(self._waiting, self._group))
        self._catch_up()
        before = len(self._waiting)
        answers = self._append()
        self._group = min(max(FIRST_GROUP, 2 * (before - len(self._waiting))), GROUP)
        self._waiting.extend(later)
        reached("batch.group-committed")
        stale: list[_Ready] = []
        for ready, answer in answers:
            if isinstance(answer, Committed):
                self._lately.add(answer, ready.arrival.subject)
            elif isinstance(answer, Stale):
                patiently(ready.arrival.search_again)
                stale.append(ready)
        self._waiting.extendleft(reversed(stale))
        self._parts.follower.catch_up()
        self._watcher.finished([answer.image.outcome for _, answer in answers if isinstance(answer, Committed)])
        for ready, answer in answers:
            if isinstance(answer, StoreError):
                self._record(ready.ordinal, ready.name, answer)

    def _catch_up(self) -> None:
        """Compare those that wait with what was committed since they were searched for and with those before them, side
        by side.
        """
        behind: dict[int, Future[Arrival]] = {}
        before, on_disk = self._recent(), set[str]()
        for ready in self._waiting:
            arrival = ready.arrival
            peers = [
                peer
                for peer in before.alike(arrival.subject, horizon=arrival.horizon)
                if peer.sha256 in on_disk and peer.sha256 not in arrival.peers
            ]
            if peers or self._is_behind(arrival):
                behind[id(ready)] = self._preparing.again(arrival, peers)
            before.add(arrival.subject)
            if not arrival.bytes_held:
                on_disk.add(arrival.subject.assessed.facts.sha256)
        caught_up: deque[_Ready] = deque()
        for ready in self._waiting:
            try:
                again = behind.get(id(ready))
                arrival = ready.arrival if again is None else again.result().carried_on(self._parts)
            except (StoreError, KeeponeError):
                raise
            except Exception as error:  # noqa: BLE001 - as in `_take`: it must not end the others
                self._met_a_defect(ready.ordinal, ready.name, error)
            else:
                caught_up.append(replace(ready, arrival=arrival))
        self._waiting = caught_up

    def _is_behind(self, arrival: Arrival) -> bool:
        return self._lately.might_match(
            arrival.subject, arrival.searched_to, horizon=arrival.horizon, laid=arrival.peers
        )

    def _recent(self) -> Recent:
        return Recent(self._parts.verdict_model, self._parts.descriptor.least_similarity)

    def _append(self) -> list[tuple[_Ready, GroupAnswer]]:
        """Commit those that wait and may go together; the others go on waiting."""
        looked_at = self._recent()
        group: list[tuple[_Ready, GroupItem]] = []
        going: set[str] = set()
        later: deque[_Ready] = deque()
        with self._parts.committing:
            for ready in self._waiting:
                arrival = ready.arrival
                may_be_known = looked_at.might_match(arrival.subject, horizon=arrival.horizon, laid=arrival.peers)
                looked_at.add(arrival.subject)
                if may_be_known:
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
            patiently(arrival.search_again)
        try:
            entry = arrival.plan()
        except RefusedDuplicateError as error:
            self._record(ready.ordinal, ready.name, error)
            return None
        if not arrival.has_files_for(entry):
            arrival.keep_files()
        return entry

    def _met_a_defect(self, ordinal: int, name: str, error: Exception) -> None:
        log.event("a picture met a defect", level=logging.ERROR, error=error, job_id=self._job_id, item=ordinal)
        self._record(ordinal, name, error)

    def _record(self, ordinal: int, name: str, error: Exception) -> None:
        """What became of an item that made no image."""
        outcome = replace(_outcome_of(error, self._job_id, ordinal), name=name)
        self._parts.jobs.record(outcome)
        self._watcher.finished([outcome.outcome or outcome.state])


def _outcome_of(error: Exception, job_id: str, ordinal: int) -> JobItemOutcome:
    problem = {"error": type(error).__name__, "detail": str(error)}
    if isinstance(error, RefusedDuplicateError):
        return JobItemOutcome(job_id, ordinal, "skipped", "rejected", verdict=error.block["verdict"], problem=problem)
    if isinstance(error, AlreadyThereError):
        return JobItemOutcome(job_id, ordinal, "skipped", "already-there", problem=problem)
    if isinstance(error, UnsupportedPictureError):
        # A folder of pictures holds other files too; only what claims to be a picture can fail.
        return JobItemOutcome(job_id, ordinal, "skipped", "not-a-picture", problem=problem)
    return JobItemOutcome(job_id, ordinal, "failed", "failed", problem=problem)
