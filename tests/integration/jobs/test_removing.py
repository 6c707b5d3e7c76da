"""`POST /persons/remove-duplicates` with `Prefer: respond-async`: the same removal, as a job."""

import threading
import uuid

import pytest

from benchmarks.hostile.pictures import encoded, scene
from service.workflows import removal_job
from service.workflows.removal_job import run_removal_job

LATER = {"Prefer": "respond-async"}


@pytest.fixture
def persons(api):
    """Two that no other test has; one with the same picture twice, one with another picture."""
    one, two = (f"{uuid.uuid4()}" for _ in range(2))
    for person, seed, kind in ((one, 1, "PNG"), (one, 1, "BMP"), (two, 2, "PNG")):
        api.client.post("/images", files={"file": encoded(scene(seed), kind)}, data={"person_id": person})
    return [one, two]


@pytest.fixture
def ask(api, persons):
    def run(headers=LATER, **more):
        return api.client.post("/persons/remove-duplicates", json={"person_ids": persons, **more}, headers=headers)

    return run


@pytest.fixture
def run(api):
    def work(job_id, stopping=None):
        return run_removal_job(job_id, "a test", api.parts, stopping=stopping or threading.Event())

    return work


def count(api, person):
    return api.client.get(f"/persons/{person}").json()["images"]


def test_it_is_answered_with_a_job_that_removes(api, persons, ask, run, document):
    """And tells of each person, and by which removal it can be undone."""
    answer = ask()
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert document.departures(told, "POST", "/persons/remove-duplicates", 202) == []
    assert answer.headers["Location"] == f"/jobs/{told['job_id']}"
    assert answer.headers["Preference-Applied"] == "respond-async"
    assert api.job(told["job_id"])["total"] == 2
    assert api.client.get(f"/removals/{told['removal_id']}").status_code == 404
    assert run(told["job_id"]) == "succeeded"
    assert [(item["name"], item["outcome"]) for item in api.items(told["job_id"])] == [
        (persons[0], "removed"),
        (persons[1], "no-duplicates"),
    ]
    assert document.departures(api.job(told["job_id"]), "GET", "/jobs/{job_id}", 200) == []
    removal = api.client.get(f"/removals/{told['removal_id']}").json()
    assert (removal["state"], removal["counts"], count(api, persons[0])) == ("applied", {"removed": 1}, 1)
    assert api.client.post(f"/removals/{told['removal_id']}/undo").json()["state"] == "undone"
    assert count(api, persons[0]) == 2


@pytest.mark.parametrize("after", ["back_up", "go_on", "_tell"])
def test_cut_short_anywhere_it_is_gone_on_with_and_done_once(api, persons, ask, run, monkeypatch, after):
    """One removal, one backup, whatever was done before the end."""
    told = ask().json()
    real = getattr(removal_job, after)

    def die(*given, **named):
        real(*given, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(removal_job, after, die)
        with pytest.raises(KeyboardInterrupt):
            run(told["job_id"])
    assert api.job(told["job_id"])["state"] == "running"
    assert run(told["job_id"]) == "succeeded"
    assert api.client.get(f"/removals/{told['removal_id']}").json()["counts"] == {"removed": 1}
    assert [item["outcome"] for item in api.items(told["job_id"])] == ["removed", "no-duplicates"]
    backups = api.parts.settings.effective_outputs / "duplicates_backup" / persons[0]
    assert len(list(backups.iterdir())) == 1


def test_a_job_that_is_told_to_stop_before_it_removes_removes_nothing(api, persons, ask, run):
    """And is gone on with by the next worker."""
    told = ask().json()
    stopping = threading.Event()
    stopping.set()
    assert run(told["job_id"], stopping) == "interrupted"
    assert count(api, persons[0]) == 2
    assert run(told["job_id"]) == "succeeded"
    assert count(api, persons[0]) == 1


def test_sent_twice_with_one_key_it_is_one_job(ask):
    """Of one removal."""
    key = {**LATER, "Idempotency-Key": f"{uuid.uuid4()}"}
    first, again = ask(key), ask(key)
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"


def test_sent_twice_with_one_key_at_once_it_removes_once_and_answers_alike(api, persons, ask):
    """Without a job."""
    key = {"Idempotency-Key": f"{uuid.uuid4()}"}
    first, again = ask(key), ask(key)
    assert (first.status_code, first.json()["total_removed"]) == (200, 1)
    assert first.json() == again.json()
    assert count(api, persons[0]) == 1


def test_a_large_plan_ends_the_job_with_the_word_that_is_wanted(api, persons, ask, run, monkeypatch):
    """Nothing is removed without it."""
    monkeypatch.setattr("service.workflows.brakes.FREE_ITEMS", 0)
    told = ask().json()
    assert run(told["job_id"]) == "failed"
    problem = api.job(told["job_id"])["problem"]
    assert problem["type"] == "/problems/confirmation-needed"
    assert count(api, persons[0]) == 2
    word = problem["detail"].rpartition(" ")[2].rstrip(".")
    assert run(ask(confirm_token=word).json()["job_id"]) == "succeeded"
    assert count(api, persons[0]) == 1


def test_what_cannot_be_asked_makes_no_job(api, ask):
    """It is told at once."""
    before = api.jobs()
    assert ask(person_ids=["nobody at all"]).status_code == 404
    assert ask(matcher="similar:none", threshold=0.5).status_code == 422
    assert api.jobs() == before


def test_a_dry_run_is_answered_at_once(ask):
    """There is nothing to wait for."""
    answer = ask(dry_run=True)
    assert (answer.status_code, answer.json()["total_removed"]) == (200, 0)
    assert "Preference-Applied" not in answer.headers
