"""A service with further descriptor spaces: what its answers say beside the verdict, and of each space."""

import io
import threading

import pytest
from PIL import Image as Pillow

from index_store.errors import IndexBuildingError
from service.descriptors.testing import a_picture
from service.workflows.describe_job import Filler
from service.workflows.jobs import run_job
from service.workflows.preparing import InThreads

SQUARES, COLOURS = "deepface:squares", "clip:colours"


def a_file(seed, *faces):
    """A PNG of coloured blocks, with a patch of (255, 0, n) for each face of the twin."""
    file = io.BytesIO()
    Pillow.fromarray(a_picture(seed, *faces)).save(file, "PNG")
    return {"file": file.getvalue()}


@pytest.fixture
def service(tmp_path, run_app, request):
    request.getfixturevalue("twins")
    with run_app(tmp_path, descriptors=f"builtin,{COLOURS},{SQUARES}") as client:
        yield client


@pytest.fixture
def parts(service):
    return service.app.state.parts


def of(told, space):
    return next(one for one in told.json()["index"] if one["space"] == space)


def test_similar_pictures_and_the_same_faces_are_told_as_the_document_says(service, document):
    """By both routes; and neither makes a duplicate."""
    first = service.post("/images", files=a_file(1, 10), data={"person_id": "PERSON-1"})
    second = service.post("/images", files=a_file(2, 10), data={"person_id": "PERSON-2"})
    asked = service.post("/check-duplicate", files=a_file(3, 10))
    assert first.json()["persons"] == []
    [known] = second.json()["persons"]
    assert (known["image_id"], known["relation"]) == (first.json()["image_id"], "same_person")
    assert {one["person_id"] for one in asked.json()["persons"]} == {"PERSON-1", "PERSON-2"}
    assert len(asked.json()["similar"]) == 2
    assert asked.json()["verdict"] == "unique"
    assert document.departures(asked.json(), "POST", "/check-duplicate", 200) == []
    assert document.departures(second.json(), "POST", "/images", 201) == []
    kept = service.get(f"/images/{second.json()['image_id']}").json()
    assert kept["verdict_block"]["persons"] == second.json()["persons"]


def test_stats_tell_each_space_and_it_is_ready_while_one_is_being_filled(service, parts, document):
    """A picture that was taken in by a job is described by another one."""
    service.post("/images", files=a_file(1, 10, 200))
    queued = service.post("/images", files=a_file(2), headers={"Prefer": "respond-async"})
    run_job(queued.json()["job_id"], "a test", parts, stopping=threading.Event(), preparing=InThreads)
    assert service.get("/ready").status_code == 200
    assert service.post("/check-duplicate", files=a_file(3)).status_code == 200
    told = service.get("/stats")
    assert document.departures(told.json(), "GET", "/stats", 200) == []
    squares = of(told, SQUARES)
    assert (squares["size"], squares["pictures"], squares["missing"], squares["state"]) == (2, 1, 1, "building")
    assert (of(told, "builtin")["pictures"], of(told, "builtin")["missing"]) == (None, 0)
    Filler(parts).look()
    for job in service.get("/jobs").json()["items"]:
        if job["kind"] == "describe":
            run_job(job["job_id"], "a test", parts, stopping=threading.Event(), preparing=None)
    for space in (SQUARES, COLOURS):
        filled = of(service.get("/stats"), space)
        assert (filled["pictures"], filled["missing"], filled["state"]) == (2, 0, "active")


def test_a_further_space_is_a_matcher_and_one_that_is_not_set_is_none(service, assert_problem):
    """By the thresholds of the model's makers; a client's name opens nothing."""
    for seed in (1, 2):
        service.post("/images", files=a_file(seed, 10), data={"person_id": "PERSON-1"})
    asked = {"person_ids": ["PERSON-1"], "matcher": f"similar:{SQUARES}"}
    told = service.post("/removals", json=asked)
    assert told.status_code == 201, told.text
    assert told.json()["items"] == 1
    assert service.post("/removals", json=asked | {"threshold": 0.999999999}).json()["items"] == 1
    for body, where in (
        (asked | {"matcher": "similar:deepface:ArcFace"}, "body.matcher"),
        (asked | {"metric": "euclidean_l2"}, "body.threshold"),
        (asked | {"metric": "euclidean_l2", "threshold": 3}, "body.threshold"),
    ):
        problem = assert_problem(service.post("/removals", json=body), 422, "invalid-request")
        assert [error["where"] for error in problem["errors"]] == [where]


def test_fifty_requests_at_once_are_answered_as_one_after_the_other(service):
    """Nothing is shared between them but the models and the indexes."""
    for seed in range(5):
        service.post("/images", files=a_file(seed, 10 + 40 * seed))
    asked = [a_file(seed, 10 + 40 * (seed % 5)) for seed in range(50)]

    def told(files):
        block = service.post("/check-duplicate", files=files).json()
        return [[(one["image_id"], one["distance"]) for one in block[what]] for what in ("similar", "persons")]

    expected = [told(files) for files in asked]
    answers = {}

    def ask(number):
        answers[number] = told(asked[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers[number] for number in range(50)] == expected


def test_who_asks_whether_it_is_ready_moves_the_further_indexes_along(service, parts, document, monkeypatch):
    """One that is being read yet is told, and keeps nobody from looking for copies."""
    service.post("/images", files=a_file(1, 10))
    assert of(service.get("/stats"), SQUARES)["lag"] > 0
    told = service.get("/ready").json()
    assert told == {"status": "ready", "spaces": {COLOURS: True, SQUARES: True}}
    assert document.departures(told, "GET", "/ready", 200) == []
    stats = service.get("/stats")
    assert [(of(stats, space)["lag"], of(stats, space)["size"]) for space in (COLOURS, SQUARES)] == [(0, 1), (0, 1)]

    def reading():
        raise IndexBuildingError

    monkeypatch.setattr(parts.spaces[1].follower, "catch_up", reading)
    ready = service.get("/ready")
    assert (ready.status_code, ready.json()["spaces"]) == (200, {COLOURS: True, SQUARES: False})
