"""How jobs are told, followed, cancelled and taken up again."""

import errno
import json
import os
import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest

from index_store.errors import StoreUnavailableError
from index_store.ids import moment
from index_store.job_records import NewJob
from service.workflows import batch, job_life

UNKNOWN = "job_00000000000000000000000000"


@pytest.fixture
def made(api):
    """A job of so many pending items, queued."""
    return lambda *names: api.parts.jobs.create(NewJob("ingest", {}, names)).job_id


def files_of(pictures, count, first=100):
    return [(f"{number}.jpg", pictures.jpeg(first + number)) for number in range(count)]


@pytest.mark.parametrize("job_id", [UNKNOWN, "x", "%00", "..%2f..%2fetc", "a\u202eb"])
@pytest.mark.parametrize(
    ("method", "below"), [("GET", ""), ("GET", "/items"), ("GET", "/events"), ("POST", "/cancel"), ("POST", "/resume")]
)
def test_an_unknown_job_is_not_found(api, assert_problem, method, below, job_id):
    """Whatever its id looks like, and whatever is asked of it."""
    assert_problem(api.client.request(method, f"/jobs/{job_id}{below}"), 404, "not-found")


@pytest.mark.parametrize("path", ["/jobs", "/jobs/{job_id}/items"])
@pytest.mark.parametrize("query", ["cursor=nonsense", "cursor=%00", "limit=0", "limit=100000", "state=nowhere"])
def test_a_question_that_makes_no_sense_is_refused(api, made, assert_problem, path, query):
    """Cursors are ours, limits and states are listed."""
    assert_problem(api.client.get(f"{path.format(job_id=made())}?{query}"), 422, "invalid-request")


def test_pages_of_jobs_and_items_hold_each_once(api, made):
    """Jobs newest first, items in the order they came; a cursor goes on where its page ended."""
    ids = [made(*(f"item {number}" for number in range(5))) for _ in range(5)]
    found, names = [], []
    query = {"limit": 2}
    while set(ids) - set(found):
        page = api.client.get("/jobs", params=query).json()
        found += [job["job_id"] for job in page["items"]]
        query["cursor"] = page["next_cursor"]
    assert found[:5] == ids[::-1]
    query = {"limit": 2}
    while query.get("cursor", "") is not None:
        page = api.client.get(f"/jobs/{ids[0]}/items", params=query).json()
        names += [item["name"] for item in page["items"]]
        query["cursor"] = page["next_cursor"]
    assert names == [f"item {number}" for number in range(5)]


def test_jobs_and_items_can_be_asked_for_by_state(api, uploads, pictures):
    """What failed is what somebody looks for."""
    job_id = api.queued(uploads.form(("good.jpg", pictures.jpeg(80)), ("bad.jpg", pictures.jpeg(81)[:500])))
    assert job_id in {job["job_id"] for job in api.client.get("/jobs?state=queued").json()["items"]}
    api.run(job_id)
    assert job_id not in {job["job_id"] for job in api.client.get("/jobs?state=queued").json()["items"]}
    assert [item["name"] for item in api.items(job_id, state="failed")] == ["bad.jpg"]


def test_events_tell_how_a_job_goes_until_its_end(api, uploads, pictures, document):
    """The first tells where it stands, the last that it ended, and then the stream closes."""
    job_id = api.queued(uploads.form(*files_of(pictures, 3)))
    streamed = []
    thread = threading.Thread(target=lambda: streamed.append(api.client.get(f"/jobs/{job_id}/events")))
    thread.start()
    assert api.run(job_id) == "succeeded"
    thread.join(20)
    answer = streamed[0]
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    told = [(lines[0], json.loads(lines[1].removeprefix("data: "))) for lines in events]
    assert [name for name, _ in told] == ["event: progress"] * (len(told) - 1) + ["event: end"]
    assert told[-1][1] == api.job(job_id)
    assert all(document.departures(job, "GET", "/jobs/{job_id}", 200) == [] for _, job in told)
    assert api.client.app.state.streams == 0


def test_events_of_a_finished_job_end_at_once(api, uploads, pictures):
    """Also for whoever comes late."""
    job_id = api.queued(uploads.form(*files_of(pictures, 1, 200)))
    api.run(job_id)
    assert api.client.get(f"/jobs/{job_id}/events").text.count("event: end") == 1


def test_a_cancelled_job_keeps_what_is_done_and_goes_on_when_resumed(api, uploads, pictures, monkeypatch):
    """Nothing is done twice, and nothing is left out."""
    monkeypatch.setattr(batch, "GROUP", 2)
    monkeypatch.setattr(job_life, "LOOK_SECONDS", 0)
    job_id = api.queued(uploads.form(*files_of(pictures, 8, 300), person_id="C"))
    append = api.parts.catalogue.append_many

    def append_then_cancel(group):
        answers = append(group)
        api.client.post(f"/jobs/{job_id}/cancel")
        return answers

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(api.parts.catalogue, "append_many", append_then_cancel)
        assert api.run(job_id) == "cancelled"
    job = api.job(job_id)
    assert (job["state"], job["cancel_requested"], 0 < job["done"] < 8) == ("cancelled", True, True)
    assert len(api.images(person_id="C")) == job["done"]
    resumed = api.client.post(f"/jobs/{job_id}/resume").json()
    assert (resumed["state"], resumed["cancel_requested"]) == ("queued", False)
    assert api.run(job_id, "another") == "succeeded"
    assert sorted(image.external_id for image in api.images(person_id="C")) == [f"{n}.jpg" for n in range(8)]
    assert (api.job(job_id)["counts"], api.staged().count(job_id)) == ({"stored": 8}, 0)


def test_a_job_cancelled_before_it_began_does_nothing(api, uploads, pictures):
    """Whoever takes it up finds the wish there."""
    job_id = api.queued(uploads.form(*files_of(pictures, 1, 400), person_id="D"))
    assert api.client.post(f"/jobs/{job_id}/cancel").json()["cancel_requested"] is True
    assert api.run(job_id) == "cancelled"
    assert (api.job(job_id)["state"], api.images(person_id="D")) == ("cancelled", ())


def test_a_job_that_ended_stays_as_it_is(api, uploads, pictures, assert_problem):
    """Cancelling changes nothing, resuming is refused, and running it again does nothing."""
    job_id = api.queued(uploads.form(*files_of(pictures, 1, 500)))
    api.run(job_id)
    before = api.job(job_id)
    assert api.client.post(f"/jobs/{job_id}/cancel").json() == before
    assert_problem(api.client.post(f"/jobs/{job_id}/resume"), 409, "wrong-state")
    assert (api.run(job_id), api.job(job_id)) == ("not ours", before)


def test_a_running_job_is_nobody_elses(api, made, assert_problem):
    """Until it has shown no sign of life for long."""
    job_id = made("a")
    api.parts.jobs.claim(job_id, "somebody", left_behind="")
    assert api.run(job_id, "somebody else") == "not ours"
    assert_problem(api.client.post(f"/jobs/{job_id}/resume"), 409, "wrong-state")


def test_resumed_a_job_is_another_run(api, made):
    """A queue that took the first one for done, because it was cancelled before its turn, does not know this one."""
    job_id = made("a")
    before = api.parts.jobs.get(job_id).attempt
    api.parts.jobs.set_state(job_id, "cancelled")
    api.client.post(f"/jobs/{job_id}/resume")
    assert api.parts.jobs.get(job_id).attempt > before


def test_a_store_that_fails_makes_the_job_fail_and_it_can_be_resumed(api, uploads, pictures):
    """The reason is in its row, in the words of the problem table, without our insides."""
    job_id = api.queued(uploads.form(*files_of(pictures, 2, 600)))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("index_store.syncing.os.fsync", _full(os.fsync))
        assert api.run(job_id) == "failed"
    job = api.job(job_id)
    assert (job["state"], job["problem"]["type"]) == ("failed", "/problems/storage-full")
    assert "/" not in job["problem"]["detail"]
    assert api.client.post(f"/jobs/{job_id}/resume").status_code == 200
    assert api.run(job_id) == "succeeded"


def _full(fsync):
    """No room for a file; after a folder that cannot be synced the process would write nothing at all, not even this."""

    def sync(descriptor):
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    return sync


def test_an_upload_that_is_gone_fails_the_job_in_words(api, uploads, pictures):
    """It is not taken for an empty one."""
    job_id = api.queued(uploads.form(*files_of(pictures, 1, 700)))
    api.parts.staging.drop(job_id)
    assert (api.run(job_id), api.job(job_id)["state"]) == ("failed", "failed")


def test_a_list_of_files_that_is_gone_is_not_made_again_in_the_middle(api, root, pictures, monkeypatch):
    """The folder may have changed: the numbers of what is done would be given to other files, which would be left out."""
    monkeypatch.setattr(batch, "GROUP", 1)
    (root / "listed").mkdir()
    for number in range(2):
        (root / "listed" / f"b{number}.jpg").write_bytes(pictures.jpeg(800 + number))
    job_id = api.queued(json.dumps({"paths": ["listed"]}), "application/json")
    api.run(job_id, stopping=_already())
    assert api.job(job_id)["done"] == 1
    api.parts.staging.drop(job_id)
    (root / "listed" / "a.jpg").write_bytes(pictures.jpeg(810))
    assert api.run(job_id) == "failed"
    assert [item["name"] for item in api.items(job_id)] == ["listed/b0.jpg"]


def _already():
    stopping = threading.Event()
    stopping.set()
    return stopping


def test_who_lost_a_job_does_not_end_it(api, uploads, pictures, monkeypatch):
    """A runner that fails after another took the job over leaves the last word to that one."""
    job_id = api.queued(uploads.form(*files_of(pictures, 1, 900)))
    now = moment(datetime.now(UTC) + timedelta(hours=1))
    append = api.parts.catalogue.append_many

    def lose_it_and_fail(_):
        assert api.parts.jobs.claim(job_id, "another", left_behind=now) is not None
        monkeypatch.setattr(api.parts.catalogue, "append_many", append)
        raise StoreUnavailableError

    monkeypatch.setattr(api.parts.catalogue, "append_many", lose_it_and_fail)
    assert api.run(job_id, "one") == "interrupted"
    assert (api.job(job_id)["state"], api.parts.jobs.get(job_id).owner) == ("running", "another")
    assert api.run(job_id, "another") == "succeeded"
