"""Each kind of job is run as what it is."""

import threading

import pytest

from index_store.errors import NotFoundError
from index_store.job_records import NewJob
from service.workflows import ingest_job, jobs, removal_job
from service.workflows.person_plan import PersonQuestion
from service.workflows.removal_finding import Keep
from service.workflows.removal_job import RemovalRequest


@pytest.fixture
def ran(monkeypatch):
    """By which of the two a job was run."""
    told = []
    monkeypatch.setattr(ingest_job, "run_ingest_job", lambda *_, **__: told.append("ingest") or "succeeded")
    monkeypatch.setattr(removal_job, "run_removal_job", lambda *_, **__: told.append("removal") or "succeeded")
    return told


def run(parts, job_id):
    return jobs.run_job(job_id, "a test", parts, stopping=threading.Event(), preparing=None)


def test_a_job_is_run_by_its_kind(parts, ran):
    """What takes in, and what removes."""
    for new in (NewJob("ingest"), RemovalRequest(PersonQuestion(("P1",))).as_job(None)):
        assert run(parts, parts.jobs.create(new).job_id) == "succeeded"
    assert ran == ["ingest", "removal"]


def test_a_job_that_is_not_there_is_not_run(parts, ran):
    """It may have been another catalogue's."""
    with pytest.raises(NotFoundError):
        run(parts, "job_unknown")
    assert ran == []


def test_a_removal_can_be_run_wherever_the_store_is(parts):
    """It needs no upload."""
    job = parts.jobs.create(RemovalRequest(PersonQuestion(("P1",))).as_job(None))
    assert jobs.can_run_here(job, parts)


def test_a_request_is_read_back_as_it_was_kept():
    """With the ids that whoever goes on must find again."""
    question = PersonQuestion(("P1", "P2"), "similar:builtin", {"threshold": 0.5}, Keep.LARGEST_FILE)
    asked = RemovalRequest(question, backup=False, confirm="word")
    assert RemovalRequest.from_json(asked.as_json()) == asked
