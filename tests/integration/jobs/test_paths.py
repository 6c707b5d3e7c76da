"""Jobs over folders: disks that are not there, files that come later, and the same folder asked for twice."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from service.workflows import batch, ingest_job, job_life, listing

JSON = "application/json"


@pytest.fixture(autouse=True)
def _one_by_one(monkeypatch):
    monkeypatch.setattr(batch, "GROUP", 1)
    monkeypatch.setattr(batch, "AHEAD", 1)


@pytest.fixture
def folder(root, pictures, request):
    """A folder of three pictures below the import root, and no two of the tests have the same."""
    place = root / request.node.name[:40]
    place.mkdir()
    first = 5000 + 10 * sum(map(ord, request.node.name)) % 4000
    for number in range(3):
        (place / f"b{number}.jpg").write_bytes(pictures.jpeg(first + number))
    return place


@pytest.fixture
def asked(folder):
    """The body of a batch of this folder."""
    return json.dumps({"paths": [folder.name]})


@pytest.fixture
def half_done(api, asked):
    """A job of the folder that was interrupted after its first picture."""
    stopping = threading.Event()
    stopping.set()
    job_id = api.queued(asked, JSON)
    assert api.run(job_id, stopping=stopping) == "interrupted"
    assert api.job(job_id)["done"] == 1
    return job_id


def outcomes(api, job_id):
    return [(item["name"].rpartition("/")[2], item["outcome"]) for item in api.items(job_id)]


def test_a_root_that_is_not_there_fails_the_job_and_not_its_files(api, root, half_done, monkeypatch):
    """Taken away in the middle, it is mounted again, and the job is resumed."""
    real = listing._file

    def taken_away(*given):
        if root.exists():
            root.rename(root.with_name("away"))
        return real(*given)

    with monkeypatch.context() as patched:
        patched.setattr(listing, "_file", taken_away)
        assert api.run(half_done) == "failed"
    job = api.job(half_done)
    assert (job["problem"]["type"], "folder" in job["problem"]["detail"]) == ("/problems/path-not-found", True)
    assert outcomes(api, half_done) == [("b0.jpg", "stored")]
    root.with_name("away").rename(root)
    api.client.post(f"/jobs/{half_done}/resume")
    assert api.run(half_done) == "succeeded"
    assert outcomes(api, half_done) == [(f"b{number}.jpg", "stored") for number in range(3)]


def test_a_mount_point_without_its_disk_is_not_the_root(api, half_done, folder, monkeypatch):
    """It is there and empty; device and inode tell it from what was mounted there."""
    (folder / "b1.jpg").unlink()
    with monkeypatch.context() as patched:
        patched.setattr(listing, "identity", lambda _: (-1, -1))
        assert api.run(half_done) == "failed"
    assert outcomes(api, half_done) == [("b0.jpg", "stored")]


def test_a_disk_mounted_anew_is_the_root_it_was(api, half_done, monkeypatch):
    """It may have another device number; its inodes are its own."""
    real = listing.identity
    monkeypatch.setattr(listing, "identity", lambda place: (-1, real(place)[1]))
    assert api.run(half_done) == "succeeded"


def test_what_came_since_is_taken_in_behind_the_rest(api, half_done, folder, pictures):
    """Under new numbers: those that are listed keep theirs, though the new file's name comes before them."""
    (folder / "a.jpg").write_bytes(pictures.jpeg(9990))
    assert api.run(half_done) == "succeeded"
    assert [name for name, _ in outcomes(api, half_done)] == ["b0.jpg", "b1.jpg", "b2.jpg", "a.jpg"]
    assert (api.job(half_done)["total"], api.job(half_done)["counts"]) == (4, {"stored": 4})


def test_what_was_asked_for_may_be_gone_in_part(api, root, half_done, folder):
    """The files that were listed there say so; the job comes to its end."""
    folder.rename(root / "elsewhere")
    assert api.run(half_done) == "succeeded"
    assert [outcome for _, outcome in outcomes(api, half_done)] == ["stored", "failed", "failed"]


def test_an_accepted_batch_is_answered_again_whatever_became_of_its_folder(api, folder, asked):
    """A retry must not be told that there is nothing."""
    first = api.batch(asked, JSON, Idempotency_Key=folder.name)
    folder.rename(folder.with_name("emptied"))
    again = api.batch(asked, JSON, Idempotency_Key=folder.name)
    assert (first.status_code, again.status_code, again.json()) == (202, 202, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"


def test_the_same_folder_twice_is_one_job(api, asked, assert_problem, counted):
    """Of many at once one is queued, and the others are told which; when it has ended it may be asked for again."""
    for _ in range(counted(20)):
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: api.batch(asked, JSON), range(8)))
        [made] = [answer for answer in answers if answer.status_code == 202]
        for answer in answers:
            if answer is not made:
                assert_problem(answer, 409, "job-exists")
                assert answer.json()["job_id"] == made.json()["job_id"]
        assert api.run(made.json()["job_id"]) == "succeeded"


def test_asked_for_otherwise_it_is_another_job(api, folder):
    """Other fields are another wish."""
    for fields in ({}, {"person_id": "Q"}, {"on_duplicate": "reference"}):
        assert api.batch(json.dumps({"paths": [folder.name], **fields}), JSON).status_code == 202


def test_a_job_that_ends_its_workers_is_not_begun_for_ever(api, asked, monkeypatch):
    """So often without one more item done; a worker that dies leaves the job running under its own name."""
    job_id = api.queued(asked, JSON)

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ingest_job, "_take_in", die)
        for _ in range(job_life.MOST_STARTS):
            with pytest.raises(KeyboardInterrupt):
                api.run(job_id)
    assert (api.run(job_id), api.job(job_id)["problem"]["type"]) == ("failed", "/problems/job-stuck")
    api.client.post(f"/jobs/{job_id}/resume")
    assert api.run(job_id) == "succeeded"


def test_begun_often_and_getting_further_it_goes_on(api, asked, monkeypatch):
    """Only starts in vain are counted."""
    monkeypatch.setattr(job_life, "MOST_STARTS", 1)
    stopping = threading.Event()
    stopping.set()
    job_id = api.queued(asked, JSON)
    assert [api.run(job_id, stopping=stopping) for _ in range(4)] == ["interrupted"] * 3 + ["succeeded"]
