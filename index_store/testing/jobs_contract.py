"""What every keeper of jobs must do."""

# ruff: noqa: S101, PLR2004 - a contract suite is tests: their names tell, they assert, and they expect literals

from contextlib import AbstractContextManager
from dataclasses import replace

from index_store.catalogue.protocol import Jobs
from index_store.errors import BadCursorError, BadEntryError, BadTransitionError, NotFoundError, SameJobError
from index_store.job_records import IdempotentAnswer, JobItem, JobItemOutcome, NewJob
from index_store.testing.samples import a_hash, refused

NEVER, FOR_EVER = "0001-01-01T00:00:00.000000Z", "9999-12-31T23:59:59.000000Z"
"""Moments before and after every sign of life."""


class JobsContract:
    """Subclass it, and say how to open an empty keeper and how to close it."""

    def opened_jobs(self) -> AbstractContextManager[Jobs]:
        raise NotImplementedError

    def test_a_new_job_waits_with_its_items_pending(self) -> None:
        with self.opened_jobs() as jobs:
            made = jobs.create(NewJob("batch", {"on_duplicate": "store"}, ("a", "b"), created_by="key_1"))
            assert jobs.get(made.job_id) == made
            assert (made.kind, made.state, made.total, made.created_by) == ("batch", "queued", 2, "key_1")
            assert (made.request, made.started, made.finished) == ({"on_duplicate": "store"}, None, None)
            items = jobs.items(made.job_id, 10).items
            assert [(item.ordinal, item.name, item.state) for item in items] == [
                (0, "a", "pending"),
                (1, "b", "pending"),
            ]
            assert jobs.counts(made.job_id) == {"pending": 2}

    def test_a_job_is_made_once_under_its_id(self) -> None:
        with self.opened_jobs() as jobs:
            new = NewJob("batch", names=("a",))
            made = jobs.create(new)
            jobs.set_state(made.job_id, "running")
            assert jobs.create(new).state == "running"
            assert len(jobs.list(10).items) == 1

    def test_a_job_and_the_answer_about_it_are_made_together_and_once(self) -> None:
        with self.opened_jobs() as jobs:
            new = NewJob("batch")
            answer = IdempotentAnswer("key_1", "mine", a_hash("payload"), 202, {"job_id": new.job_id})
            made = jobs.create(new, answer)
            again = NewJob("batch")
            assert jobs.create(again, replace(answer, body={"job_id": again.job_id})) == made
            assert len(jobs.list(10).items) == 1

    def test_a_job_nobody_can_count_has_no_total(self) -> None:
        with self.opened_jobs() as jobs:
            job_id = jobs.create(NewJob("folder")).job_id
            assert jobs.get(job_id).total is None
            jobs.add_items(job_id, 0, ("a", "b"), total=2)
            assert jobs.get(job_id).total == 2

    def test_an_unknown_job_is_an_error(self) -> None:
        with self.opened_jobs() as jobs:
            for ask in (jobs.get, jobs.counts, jobs.request_cancel):
                with refused(NotFoundError):
                    ask("job_unknown")
            with refused(NotFoundError):
                jobs.items("job_unknown", 10)
            with refused(NotFoundError):
                jobs.record(JobItemOutcome("job_unknown", 0))

    def test_a_job_goes_forward_only_and_is_stamped(self) -> None:
        with self.opened_jobs() as jobs:
            job_id = jobs.create(NewJob("batch")).job_id
            with refused(BadTransitionError):
                jobs.set_state(job_id, "succeeded")
            running = jobs.set_state(job_id, "running")
            assert running.started is not None
            assert jobs.set_state(job_id, "running") == running
            failed = jobs.set_state(job_id, "failed", problem={"title": "no room"})
            assert (failed.problem, failed.started) == ({"title": "no room"}, running.started)
            assert failed.finished is not None
            for state in ("running", "succeeded", "cancelled"):
                with refused(BadTransitionError):
                    jobs.set_state(job_id, state)
            assert jobs.get(job_id) == failed

    def test_what_failed_or_was_cancelled_may_be_queued_again(self) -> None:
        with self.opened_jobs() as jobs:
            job_id = jobs.create(NewJob("batch", names=("a", "b"))).job_id
            jobs.record(JobItemOutcome(job_id, 0, "succeeded", "stored"))
            jobs.request_cancel(job_id)
            jobs.set_state(job_id, "cancelled")
            again = jobs.set_state(job_id, "queued")
            assert (again.state, again.cancel_requested, again.finished) == ("queued", None, None)
            assert jobs.counts(job_id) == {"stored": 1, "pending": 1}
            jobs.claim(job_id, "me", left_behind=NEVER)
            done = jobs.set_state(job_id, "succeeded")
            with refused(BadTransitionError):
                jobs.set_state(done.job_id, "queued")

    def test_one_owner_has_a_job_until_it_gives_no_sign_of_life(self) -> None:
        with self.opened_jobs() as jobs:
            job_id = jobs.create(NewJob("batch")).job_id
            mine = jobs.claim(job_id, "me", left_behind=NEVER)
            assert mine is not None
            assert (mine.state, mine.owner, mine.attempt) == ("running", "me", 1)
            assert mine == jobs.get(job_id)
            assert jobs.claim(job_id, "you", left_behind=NEVER) is None
            again = jobs.claim(job_id, "me", left_behind=NEVER)
            assert again is not None
            assert again.attempt == 1
            taken = jobs.claim(job_id, "you", left_behind=FOR_EVER)
            assert taken is not None
            assert (taken.owner, taken.attempt, taken.started) == ("you", 2, mine.started)
            assert jobs.claim(job_id, "me", left_behind=NEVER) is None

    def test_how_often_it_was_begun_in_vain_is_counted(self) -> None:
        with self.opened_jobs() as jobs:
            job_id = jobs.create(NewJob("batch", names=("a", "b"))).job_id

            def starts(owner: str, *, begins: bool = True) -> int | None:
                mine = jobs.claim(job_id, owner, left_behind=FOR_EVER, begins=begins)
                assert mine == jobs.get(job_id)
                return mine.starts

            assert [starts("me"), starts("me"), starts("me", begins=False), starts("you")] == [1, 2, 2, 3]
            jobs.record(JobItemOutcome(job_id, 0, "succeeded"))
            assert [starts("you"), starts("you")] == [1, 2]
            jobs.set_state(job_id, "failed")
            jobs.set_state(job_id, "queued")
            assert starts("you") == 1

    def test_a_job_that_is_to_be_alone_is_refused_beside_its_like(self) -> None:
        with self.opened_jobs() as jobs:
            new = NewJob("batch", {"paths": ["a"], "point": 0.5}, alone=True)
            first = jobs.create(new)
            assert jobs.create(new) == first
            with refused(SameJobError):
                jobs.create(NewJob("batch", {"point": 0.5, "paths": ["a"]}, alone=True))
            jobs.create(NewJob("batch", {"paths": ["a", "b"]}, alone=True))
            jobs.create(NewJob("other", {"paths": ["a"], "point": 0.5}, alone=True))
            jobs.create(NewJob("batch", {"paths": ["a"], "point": 0.5}))
            for job in jobs.list(10).items:
                jobs.set_state(job.job_id, "cancelled")
            assert jobs.create(NewJob("batch", {"paths": ["a"], "point": 0.5}, alone=True)).state == "queued"

    def test_a_finished_job_cannot_be_claimed(self) -> None:
        with self.opened_jobs() as jobs:
            job_id = jobs.create(NewJob("batch")).job_id
            jobs.set_state(job_id, "cancelled")
            assert jobs.claim(job_id, "me", left_behind=FOR_EVER) is None

    def test_a_job_may_be_made_with_its_owner(self) -> None:
        with self.opened_jobs() as jobs:
            made = jobs.create(NewJob("batch", owner="me"))
            assert (made.state, made.owner, made.attempt) == ("running", "me", 1)
            assert jobs.claim(made.job_id, "you", left_behind=NEVER) is None

    def test_a_wish_to_stop_is_kept_once_and_changes_no_state(self) -> None:
        with self.opened_jobs() as jobs:
            job_id = jobs.create(NewJob("batch")).job_id
            asked = jobs.request_cancel(job_id)
            assert asked.cancel_requested is not None
            assert asked.state == "queued"
            assert jobs.request_cancel(job_id) == asked
            assert jobs.set_state(job_id, "cancelled").cancel_requested == asked.cancel_requested

    def test_a_finished_job_cannot_be_asked_to_stop(self) -> None:
        with self.opened_jobs() as jobs:
            job_id = jobs.create(NewJob("batch")).job_id
            done = jobs.set_state(job_id, "failed")
            assert jobs.request_cancel(job_id) == done

    def test_jobs_are_listed_newest_first_page_by_page_and_by_state(self) -> None:
        with self.opened_jobs() as jobs:
            made = [jobs.create(NewJob(kind)) for kind in "abcde"]
            jobs.set_state(made[1].job_id, "running")
            first = jobs.list(2)
            second = jobs.list(2, first.next_cursor)
            last = jobs.list(2, second.next_cursor)
            assert [job.kind for page in (first, second, last) for job in page.items] == list("edcba")
            assert last.next_cursor is None
            assert [job.kind for job in jobs.list(10, state="running").items] == ["b"]
            jobs.set_state(made[2].job_id, "cancelled")
            assert [job.kind for job in jobs.list(10, state=("queued", "running")).items] == list("edba")
            again = jobs.create(NewJob("b"))
            assert [job.job_id for job in jobs.list(10, kind="b").items] == [again.job_id, made[1].job_id]
            assert [job.job_id for job in jobs.list(10, kind="b", state="running").items] == [made[1].job_id]
            with refused(BadCursorError):
                jobs.list(2, "nonsense")

    def test_items_are_listed_by_number_page_by_page_and_by_state(self) -> None:
        with self.opened_jobs() as jobs:
            job_id = jobs.create(NewJob("batch", names=tuple("abcde"))).job_id
            jobs.record(JobItemOutcome(job_id, 3, "failed"))
            found: list[JobItem] = []
            cursor = None
            while True:
                page = jobs.items(job_id, 2, cursor)
                found += page.items
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert [(item.ordinal, item.name) for item in found] == list(enumerate("abcde"))
            assert [item.name for item in jobs.items(job_id, 10, state="failed").items] == ["d"]
            with refused(BadCursorError):
                jobs.items(job_id, 2, "nonsense")

    def test_items_are_added_once_however_often_they_are_found(self) -> None:
        with self.opened_jobs() as jobs:
            job_id = jobs.create(NewJob("folder")).job_id
            jobs.add_items(job_id, 0, ("a", "b"))
            jobs.record(JobItemOutcome(job_id, 0, "skipped"))
            jobs.add_items(job_id, 0, ("a", "b", "c"))
            assert jobs.counts(job_id) == {"skipped": 1, "pending": 2}
            assert [item.name for item in jobs.items(job_id, 10).items] == ["a", "b", "c"]

    def test_the_first_outcome_of_an_item_stands(self) -> None:
        with self.opened_jobs() as jobs:
            job_id = jobs.create(NewJob("batch", names=("a",))).job_id
            problem = {"type": "bad-picture", "title": "not a picture"}
            first = jobs.record(JobItemOutcome(job_id, 0, "failed", "rejected", problem=problem))
            assert (first.name, first.outcome, first.problem) == ("a", "rejected", problem)
            assert first.finished is not None
            assert jobs.record(JobItemOutcome(job_id, 0, "succeeded", "stored")) == first
            assert jobs.items(job_id, 10).items == (first,)
            assert jobs.counts(job_id) == {"rejected": 1}

    def test_an_outcome_may_come_for_an_item_nobody_announced(self) -> None:
        with self.opened_jobs() as jobs:
            job_id = jobs.create(NewJob("folder")).job_id
            item = jobs.record(JobItemOutcome(job_id, 7, "failed", name="late.jpg"))
            assert (item.ordinal, item.name, item.outcome) == (7, "late.jpg", "failed")

    def test_what_cannot_be_stored_is_refused(self) -> None:
        with self.opened_jobs() as jobs:
            for new in (NewJob("a", {"x": float("nan")}), NewJob("a", names=("\0",)), NewJob("a", created_by="\udc80")):
                with refused(BadEntryError):
                    jobs.create(new)
            job_id = jobs.create(NewJob("a")).job_id
            for outcome in (JobItemOutcome(job_id, -1), JobItemOutcome(job_id, 0, "pending")):
                with refused(BadEntryError):
                    jobs.record(outcome)
            assert len(jobs.list(10).items) == 1
