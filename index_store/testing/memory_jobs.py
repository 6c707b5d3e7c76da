"""Jobs and answers that forget."""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from index_store import ids
from index_store.catalogue.rows import finished_item, kept_answer, new_job
from index_store.entries import check_answer, check_job, check_outcome, cursor_at, read_cursor
from index_store.errors import BadEntryError, KeyReusedError, NotFoundError, SameJobError
from index_store.job_records import (
    FINISHED,
    UNFINISHED,
    Begun,
    IdempotentAnswer,
    InProgress,
    ItemState,
    Job,
    JobItem,
    JobItemOutcome,
    JobItemPage,
    JobPage,
    JobState,
    NewJob,
    claimed,
    in_states,
    moved,
)
from index_store.records import Image, Json
from index_store.testing.as_json import as_json_keeps


class MemoryJobs:
    """Implements `Jobs`."""

    def __init__(self, clock: Callable[[], str], answers: "MemoryAnswers") -> None:
        self._clock = clock
        self._answers = answers
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._items: dict[tuple[str, int], JobItem] = {}

    def create(self, new: NewJob, answer: IdempotentAnswer | None = None) -> Job:
        check_job(new)
        with self._lock:
            earlier = None if answer is None else self._answers.earlier(answer)
            if earlier is not None:
                return self._jobs[earlier.body["job_id"]]
            for job in self._jobs.values():
                is_same = job.kind == new.kind and job.state in UNFINISHED and job.request == new.request
                if new.alone and is_same and job.job_id != new.job_id:
                    raise SameJobError(job.job_id)
            if answer is not None:
                self._answers.write(answer, None)
            if new.job_id not in self._jobs:
                made = as_json_keeps(new_job(new, len(self._jobs) + 1, self._clock()))
                self._jobs[new.job_id] = made
                self.add_items(new.job_id, 0, new.names)
            return self._jobs[new.job_id]

    def get(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise NotFoundError(f"there is no job {job_id}")
        return self._jobs[job_id]

    def list(
        self,
        limit: int,
        cursor: str | None = None,
        *,
        state: JobState | Collection[JobState] | None = None,
        kind: str | None = None,
    ) -> JobPage:
        before = len(self._jobs) + 1 if cursor is None else read_cursor(cursor)
        states = in_states(state) or FINISHED | UNFINISHED
        found = [
            job
            for job in reversed(self._jobs.values())
            if job.number < before and job.state in states and kind in (None, job.kind)
        ]
        return JobPage(tuple(found[:limit]), cursor_at(found[limit - 1].number) if len(found) > limit else None)

    def set_state(self, job_id: str, state: JobState, *, problem: Json | None = None) -> Job:
        with self._lock:
            changed = moved(self.get(job_id), state, now=self._clock(), problem=problem)
            self._jobs[job_id] = as_json_keeps(changed)
            return self._jobs[job_id]

    def claim(self, job_id: str, owner: str, *, left_behind: str, begins: bool = False) -> Job | None:
        with self._lock:
            done = sum(item.job_id == job_id and item.state != "pending" for item in self._items.values())
            found = self.get(job_id)
            mine = claimed(found, owner, now=self._clock(), left_behind=left_behind, done=done if begins else None)
            if mine is not None:
                self._jobs[job_id] = mine
            return mine

    def request_cancel(self, job_id: str) -> Job:
        with self._lock:
            job = self.get(job_id)
            if job.state not in FINISHED:
                self._jobs[job_id] = replace(job, cancel_requested=job.cancel_requested or self._clock())
            return self._jobs[job_id]

    def add_items(self, job_id: str, first: int, names: Sequence[str], *, total: int | None = None) -> None:
        with self._lock:
            job = self.get(job_id)
            for ordinal, name in enumerate(names, first):
                pending = JobItem(job_id, ordinal, name, "pending", None, None, None, None, None, None)
                self._items.setdefault((job_id, ordinal), pending)
            if total is not None:
                self._jobs[job_id] = replace(job, total=total)

    def items(
        self, job_id: str, limit: int, cursor: str | None = None, *, state: ItemState | None = None
    ) -> JobItemPage:
        self.get(job_id)
        first = 0 if cursor is None else read_cursor(cursor)
        mine = sorted((item for item in self._items.values() if item.job_id == job_id), key=lambda one: one.ordinal)
        found = [item for item in mine if item.ordinal >= first and state in {None, item.state}]
        return JobItemPage(tuple(found[:limit]), cursor_at(found[limit].ordinal) if len(found) > limit else None)

    def counts(self, job_id: str) -> dict[str, int]:
        self.get(job_id)
        return Counter(item.outcome or item.state for item in self._items.values() if item.job_id == job_id)

    def record(self, outcome: JobItemOutcome) -> JobItem:
        check_outcome(outcome)
        with self._lock:
            self.get(outcome.job_id)
            return self.earlier(outcome) or self.write(outcome, None)

    def earlier(self, outcome: JobItemOutcome) -> JobItem | None:
        """The outcome the item has; `BadEntryError` if there is no such job."""
        if outcome.job_id not in self._jobs:
            raise BadEntryError(f"there is no job {outcome.job_id}")
        found = self._items.get((outcome.job_id, outcome.ordinal))
        return None if found is None or found.state == "pending" else found

    def write(self, outcome: JobItemOutcome, image: Image | None) -> JobItem:
        place = (outcome.job_id, outcome.ordinal)
        name = self._items[place].name if place in self._items else ""
        self._items[place] = as_json_keeps(finished_item(outcome, image, name, self._clock()))
        return self._items[place]


class MemoryAnswers:
    """Implements `Answers`."""

    def __init__(self, clock: Callable[[], str] = ids.now) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._begun: dict[tuple[str, str], tuple[str, str]] = {}
        """Payload digest and moment, by key."""
        self._done: dict[tuple[str, str], IdempotentAnswer] = {}

    def begin(
        self, key_id: str, key: str, payload_digest: str, *, left_behind: str = ""
    ) -> Begun | InProgress | IdempotentAnswer:
        asked = IdempotentAnswer(key_id, key, payload_digest, 0)
        check_answer(asked)
        with self._lock:
            done = self.earlier(asked)
            if done is not None:
                return done
            since = self._begun.get((key_id, key), ("", ""))[1]
            if since and since >= left_behind:
                return InProgress(since)
            self._begun[key_id, key] = (payload_digest, self._clock())
            return Begun()

    def finish(self, answer: IdempotentAnswer) -> IdempotentAnswer:
        check_answer(answer)
        with self._lock:
            return self.earlier(answer) or self.write(answer, None)

    def abandon(self, key_id: str, key: str) -> None:
        with self._lock:
            if (key_id, key) not in self._done:
                self._begun.pop((key_id, key), None)

    def forget_before(self, moment: str) -> int:
        with self._lock:
            old = [name for name, (_, since) in self._begun.items() if since < moment]
            for name in old:
                del self._begun[name]
                self._done.pop(name, None)
            return len(old)

    def earlier(self, answer: IdempotentAnswer) -> IdempotentAnswer | None:
        digest, _ = self._begun.get((answer.key_id, answer.key), (answer.payload_digest, ""))
        if digest != answer.payload_digest:
            raise KeyReusedError
        return self._done.get((answer.key_id, answer.key))

    def write(self, answer: IdempotentAnswer, image: Image | None) -> IdempotentAnswer:
        name = (answer.key_id, answer.key)
        self._begun.setdefault(name, (answer.payload_digest, self._clock()))
        self._done[name] = as_json_keeps(kept_answer(answer, image))
        return self._done[name]
