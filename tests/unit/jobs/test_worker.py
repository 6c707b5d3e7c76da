"""What the worker does around the jobs it runs: no job is left without a last word, and no file without a job."""

import json
import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from index_store.blobs.staging import ABANDONED_SECONDS, Staging
from index_store.catalogue import open_catalogue
from index_store.errors import CatalogueBusyError
from index_store.ids import moment
from index_store.job_records import Begun, IdempotentAnswer, NewJob
from service.jobs import worker as module
from service.jobs.worker import Worker
from service.settings import Settings
from service.workflows.ingest_job import IngestRequest

DIGEST = "0" * 64


@pytest.fixture
def parts(tmp_path):
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/catalogue.db")
    settings = Settings(_env_file=None, data=tmp_path, import_roots=str(tmp_path / "root"))
    yield SimpleNamespace(
        jobs=catalogue.jobs,
        answers=catalogue.answers,
        staging=Staging(tmp_path / "staging"),
        settings=settings,
        spaces=(),
    )
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

        monkeypatch.setattr(module, "run_job", run)
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
    """A list of paths stays for longer, and not for ever: it says which file has which number."""
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
    monkeypatch.setattr(module, "LISTS_KEPT", timedelta(seconds=-9))
    worker._sweep()
    gone |= {jobs["listing", "cancelled"]}
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


@pytest.fixture
def offered(worker, monkeypatch):
    """What the worker hands to DBOS when it looks: [(workflow id, job id)], each time anew."""
    handed, ids = [], []

    @contextmanager
    def named(workflow_id):
        ids.append(workflow_id)
        yield

    fake = SimpleNamespace(enqueue_workflow=lambda _queue, _workflow, job_id: handed.append((ids[-1], job_id)))
    monkeypatch.setattr(module, "DBOS", fake)
    monkeypatch.setattr(module, "SetWorkflowID", named)
    worker._workflow = worker._ingest

    def look():
        handed.clear()
        worker._look()
        return list(handed)

    return look


@pytest.fixture
def queued(parts):
    """The id of a queued job; an upload has its file."""

    def make(source="archive", **more):
        made = parts.jobs.create(NewJob("ingest", IngestRequest(source, **more).as_json())).job_id
        if source != "paths":
            with parts.staging.writing(made):
                pass
        return made

    return make


def later(monkeypatch, seconds):
    """Signs of life are that much older now."""
    monkeypatch.setattr(module, "LEFT_BEHIND", timedelta(seconds=-seconds))


def test_a_job_is_offered_once_for_each_time_that_it_may_be_begun(parts, offered, queued, monkeypatch):
    """Queued; left behind; and left behind again, though nobody claimed it: DBOS never begins one workflow twice."""
    job_id = queued()
    first, again = offered(), offered()
    assert ([job for _, job in first], again) == ([job_id], [])
    parts.jobs.claim(job_id, "gone for good", left_behind="")
    assert offered() == []
    later(monkeypatch, 9)
    second, again = offered(), offered()
    assert ([job for _, job in second], again) == ([job_id], [])
    parts.jobs.claim(job_id, "gone for good", left_behind="")
    third = offered()
    assert len({first[0], second[0], third[0]}) == 3
    assert parts.jobs.get(job_id).attempt == 1


def test_a_job_that_nobody_runs_can_be_cancelled(parts, offered, queued, monkeypatch):
    """Queued or left behind; whoever lives sees the wish for itself."""
    waits, runs = queued(), queued()
    parts.jobs.claim(runs, "somebody", left_behind="")
    for job_id in (waits, runs):
        parts.jobs.request_cancel(job_id)
    assert offered() == []
    assert [parts.jobs.get(job_id).state for job_id in (waits, runs)] == ["cancelled", "running"]
    later(monkeypatch, 9)
    assert offered() == []
    assert parts.jobs.get(runs).state == "cancelled"
    assert parts.jobs.set_state(runs, "queued").state == "queued"


def elsewhere(parts):
    """Other machines may have what this one has not."""
    parts.settings = parts.settings.model_copy(update={"catalogue_url": "postgresql://db.example/keepone"})


def test_what_lies_on_another_machine_is_left_for_it(parts, offered, queued, tmp_path, monkeypatch):
    """An upload, a list, or a folder; where there is no other machine the job is run and may say what is missing."""
    upload, here, folder = queued(), queued("picture"), queued("paths", paths=("x",))
    listed = queued("paths", paths=("x",), person_id="P")
    parts.jobs.add_items(listed, 0, (), total=3)
    parts.staging.drop(upload)
    assert {job for _, job in offered()} == {upload, here, folder, listed}
    elsewhere(parts)
    monkeypatch.setattr(module.Worker, "_workflow_id", lambda _, job: f"anew.{job.job_id}")
    assert {job for _, job in offered()} == {here}
    (tmp_path / "root" / "x").mkdir(parents=True)
    monkeypatch.setattr(module, "LEFT_ALONE_SECONDS", 0)
    assert {job for _, job in offered()} == {folder}


def test_a_job_whose_folder_is_not_here_is_left_alone(parts, offered, queued, tmp_path, monkeypatch):
    """A disk that is not mounted, another container; and a folder of the same name that is not the one listed."""
    monkeypatch.setattr(module, "LEFT_ALONE_SECONDS", 0)
    disk = tmp_path / "disk"
    job_id = queued("paths", paths=(str(disk),), roots=(str(disk),))
    assert offered() == []
    disk.mkdir()
    with parts.staging.writing(job_id) as file:
        file.write(json.dumps({"roots": {str(disk): [1, disk.stat().st_ino]}}).encode() + b"\n")
    assert offered() == []
    with parts.staging.writing(job_id) as file:
        file.write(json.dumps({"roots": {str(disk): [disk.stat().st_dev, disk.stat().st_ino]}}).encode() + b"\n")
    assert [job for _, job in offered()] == [job_id]


def test_a_row_that_makes_no_sense_is_run_and_keeps_nobody_waiting(parts, offered, queued):
    """Its run says in the row what is wrong."""
    sound = queued()
    nonsense = parts.jobs.create(NewJob("ingest", {"source": "archive", "surprise": 1})).job_id
    assert {job for _, job in offered()} == {nonsense, sound}


@pytest.mark.usefixtures("offered")
def test_a_space_that_is_being_filled_keeps_no_picture_waiting(worker, parts, queued, monkeypatch):
    """Its job has a queue of its own; one whose model is not set here is left alone."""
    parts.spaces = (SimpleNamespace(name="clip:here", space=SimpleNamespace(generation="g1")),)
    asked = [{"space": name, "generation": "g1"} for name in ("clip:here", "clip:there")]
    describing = [parts.jobs.create(NewJob("describe", request)).job_id for request in asked]
    many = queued()
    queues = {}
    fake = SimpleNamespace(enqueue_workflow=lambda queue, _workflow, job_id: queues.update({job_id: queue}))
    monkeypatch.setattr(module, "DBOS", fake)
    worker._look()
    told = {job_id: queue.partition(":")[0] for job_id, queue in queues.items()}
    assert told == {describing[0]: module.DESCRIBING, many: module.MANY}


def test_a_job_for_a_space_that_nobody_has_is_ended_after_an_hour(parts, offered, queued, monkeypatch):
    """It says why; what waits for an upload or a folder goes on waiting."""
    monkeypatch.setattr(module, "LEFT_ALONE_SECONDS", 0)
    dropped = parts.jobs.create(NewJob("describe", {"space": "clip:there", "generation": "g1"})).job_id
    upload = queued()
    parts.staging.drop(upload)
    elsewhere(parts)
    clock = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    for seconds, state in ((0.0, "queued"), (3599.0, "queued"), (3601.0, "failed")):
        clock[0] = seconds
        assert offered() == []
        assert (parts.jobs.get(dropped).state, parts.jobs.get(upload).state) == (state, "queued")
    assert "clip:there" in parts.jobs.get(dropped).problem["detail"]
