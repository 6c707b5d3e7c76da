"""What the worker does around the jobs it runs: no job is left without a last word, and no file without a job."""

import os
import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from index_store.blobs.staging import ABANDONED_SECONDS, Staging
from index_store.catalogue import open_catalogue
from index_store.errors import CatalogueBusyError
from index_store.ids import moment
from index_store.job_records import Begun, IdempotentAnswer, NewJob
from service.jobs import worker as module
from service.jobs.identity import executor_id
from service.jobs.worker import Worker

DIGEST = "0" * 64


@pytest.fixture
def parts(tmp_path):
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/catalogue.db")
    yield SimpleNamespace(jobs=catalogue.jobs, answers=catalogue.answers, staging=Staging(tmp_path / "staging"))
    catalogue.close()


@pytest.fixture
def worker(parts, monkeypatch):
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    return Worker(parts, "me")


@pytest.fixture
def runs(monkeypatch):
    """Have the runs of a job end like these, one after another; an exception is raised."""

    def arrange(*ends):
        left = list(ends)

        def run(*_, **__):
            end = left.pop(0)
            if isinstance(end, Exception):
                raise end
            return end

        monkeypatch.setattr(module, "run_ingest_job", run)
        return left

    return arrange


def test_a_job_that_could_not_be_begun_is_tried_again(worker, parts, runs):
    """Its workflow must not end before the job's row tells of it: DBOS would take it for done for ever."""
    left = runs(CatalogueBusyError(), CatalogueBusyError(), "succeeded")
    assert worker._ingest(parts.jobs.create(NewJob("ingest")).job_id) == "succeeded"
    assert (left, worker._running) == ([], 0)


def test_a_defect_of_ours_fails_the_job_and_is_not_repeated_for_ever(worker, parts, runs):
    """The job says so, and may be queued again by whoever knows better."""
    runs(ZeroDivisionError("insides"))
    job_id = parts.jobs.create(NewJob("ingest")).job_id
    parts.jobs.claim(job_id, "me", left_behind="")
    assert worker._ingest(job_id) == "failed"
    assert (parts.jobs.get(job_id).state, parts.jobs.get(job_id).problem["error"]) == ("failed", "ZeroDivisionError")
    assert worker._running == 0


def _aged(path):
    os.utime(path, (time.time() - ABANDONED_SECONDS - 9,) * 2)


def test_uploads_go_once_no_job_can_want_them(worker, parts, tmp_path, monkeypatch):
    """A list of paths stays as long as its job may be resumed: it says which file has which number."""
    requests = {"upload": {"source": "archive"}, "listing": {"source": "paths", "paths": ["x"]}}
    jobs = {
        (kind, state): parts.jobs.create(NewJob("ingest", request)).job_id
        for kind, request in requests.items()
        for state in ("queued", "cancelled")
    }
    for (_, state), job_id in jobs.items():
        parts.jobs.set_state(job_id, state)
        with parts.staging.writing(job_id):
            pass
        _aged(tmp_path / "staging" / job_id)
    with parts.staging.writing("job_" + "A" * 26):
        pass
    _aged(tmp_path / "staging" / ("job_" + "A" * 26))
    worker._sweep()
    assert {path.name for path in (tmp_path / "staging").iterdir()} == set(jobs.values())
    monkeypatch.setattr(module, "KEPT", timedelta(seconds=-9))
    worker._sweep()
    gone = {jobs["upload", "cancelled"]}
    assert {path.name for path in (tmp_path / "staging").iterdir()} == set(jobs.values()) - gone


def test_answers_are_told_again_for_a_day(worker, parts, monkeypatch):
    """Then their keys are free."""
    parts.answers.finish(IdempotentAnswer("k", "mine", DIGEST, 201))
    left_behind = moment(datetime.now(UTC))
    worker._sweep()
    assert parts.answers.begin("k", "mine", DIGEST, left_behind=left_behind).status == 201
    monkeypatch.setattr(module, "ANSWERS_KEPT", timedelta(seconds=-9))
    worker._sweep()
    assert parts.answers.begin("k", "mine", DIGEST, left_behind=left_behind) == Begun()


def test_no_two_workers_of_a_data_folder_have_one_name(tmp_path):
    """And one that starts again has the name it had: that is how it gets its work back."""
    with executor_id(tmp_path) as first, executor_id(tmp_path) as second:
        assert first != second
    with executor_id(tmp_path) as again:
        assert again == first
