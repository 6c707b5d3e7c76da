"""A further space is filled by a job that somebody asks for as soon as it lacks something."""

import threading

import pytest

from index_store.description_records import Coverage
from index_store.errors import StoreError
from index_store.job_records import NewJob
from service import wiring
from service.domain.errors import BadDescriptorError
from service.settings import Settings
from service.workflows import describe_job, filling, jobs
from service.workflows import ingest as ingesting
from service.workflows.arrival import Wish
from service.workflows.describe_job import Filler
from service.workflows.ingest import ingest

SQUARES = "deepface:squares"


@pytest.fixture
def parts(tmp_path, pool, monkeypatch, request):
    """Nothing is described at once: all is left to the job."""
    request.getfixturevalue("twins")
    monkeypatch.setattr(wiring, "DecodePool", lambda *_, **__: pool)
    monkeypatch.setattr(ingesting, "_describe", lambda *_: None)
    monkeypatch.setattr(describe_job, "LOOK_SECONDS", 0.0)
    settings = Settings(_env_file=None, data=tmp_path / "data", descriptors=f"builtin,{SQUARES}", index_url="exact://")
    made = wiring.build(settings)
    yield made
    made.catalogue.close()


@pytest.fixture
def put(parts, face_file):
    def run(*seeds):
        for seed in seeds:
            ingest(face_file(seed, 10 * seed), Wish(), parts)

    return run


def listed(parts):
    return list(parts.jobs.list(10, kind=describe_job.KIND).items)


def run(parts, job_id, *, stopping=None):
    return jobs.run_job(job_id, "a test", parts, stopping=stopping or threading.Event(), preparing=None)


def covered(parts):
    return parts.catalogue.descriptions.coverage(parts.spaces[0].space.space_id)


def state(parts):
    return parts.catalogue.descriptions.spaces()[-1].state


def test_a_job_is_asked_for_where_something_is_missing_and_one_alone(parts, put):
    """However often it is looked, and by however many workers."""
    put(1, 2)
    filler = Filler(parts)
    for _ in range(2):
        filler.look()
    Filler(parts).look()
    [job] = listed(parts)
    wanted = {"space": SQUARES, "generation": parts.spaces[0].space.generation}
    assert (job.request, jobs.can_run_here(job, parts)) == (wanted, True)
    assert run(parts, job.job_id) == "succeeded"
    assert covered(parts) == Coverage(2, 0)
    assert state(parts) == "active"
    filler.look()
    assert len(listed(parts)) == 1


def test_a_picture_that_comes_later_is_seen_by_the_changes_since(parts, put):
    """Not every content is looked through for it."""
    filler = Filler(parts)
    filler.look()
    assert (listed(parts), state(parts)) == ([], "active")
    put(1)
    filler.look()
    [job] = listed(parts)
    run(parts, job.job_id)
    filler.look()
    assert (covered(parts), len(listed(parts))) == (Coverage(1, 0), 1)


def test_a_job_that_was_stopped_goes_on_and_counts_on(parts, put, monkeypatch):
    """Of five pictures, two at a time, none is described twice."""
    monkeypatch.setattr(filling, "AT_ONCE", 2)
    put(*range(1, 6))
    model = parts.spaces[0].model
    asked = model.asked
    Filler(parts).look()
    [job] = listed(parts)
    stopping = threading.Event()
    add = parts.catalogue.descriptions.add

    def add_and_stop(new):
        stopping.set()
        return add(new)

    monkeypatch.setattr(parts.catalogue.descriptions, "add", add_and_stop)
    assert run(parts, job.job_id, stopping=stopping) == "interrupted"
    assert covered(parts) == Coverage(2, 3)
    assert run(parts, job.job_id) == "succeeded"
    assert covered(parts) == Coverage(5, 0)
    assert model.asked - asked == 5
    assert parts.jobs.counts(job.job_id) == {"described": 3}


def test_what_cannot_be_read_is_an_item_of_its_own_and_is_not_asked_for_again(parts, put, tmp_path):
    """The rest is described."""
    put(1, 2)
    rotten = max(path for path in (tmp_path / "data" / "blobs").rglob("*") if len(path.name) == 64)
    rotten.chmod(0o600)
    rotten.write_bytes(b"rotten")
    filler = Filler(parts)
    filler.look()
    [job] = listed(parts)
    assert run(parts, job.job_id) == "succeeded"
    items = parts.jobs.items(job.job_id, 10, state="failed").items
    assert [(item.outcome, item.content_id) for item in items] == [("unreadable", rotten.name)]
    filler.look()
    assert len(listed(parts)) == 1


def test_a_model_that_fails_ends_the_job_with_the_reason_and_is_asked_again_later(parts, put, monkeypatch):
    """Not at once: it would be asked for ever."""
    put(1)
    filler = Filler(parts)
    filler.look()
    [job] = listed(parts)

    def fails(_):
        raise BadDescriptorError("no room on the device")

    with monkeypatch.context() as patched:
        patched.setattr(parts.spaces[0].model, "describe", fails)
        assert run(parts, job.job_id) == "failed"
    assert "no room" in parts.jobs.get(job.job_id).problem["detail"]
    filler.look()
    assert len(listed(parts)) == 1
    monkeypatch.setattr(describe_job.time, "monotonic", lambda: 1e9)
    filler.look()
    assert len(listed(parts)) == 2


def test_a_model_that_is_not_set_here_is_left_to_other_machines(parts):
    """A client's word opens none."""
    job = parts.jobs.create(NewJob(describe_job.KIND, {"space": "deepface:ArcFace"}))
    assert not jobs.can_run_here(job, parts)
    assert run(parts, job.job_id) == "failed"
    assert "deepface:ArcFace" in parts.jobs.get(job.job_id).problem["detail"]


@pytest.mark.parametrize("request_of", [{"space": SQUARES, "generation": "0" * 64}, {"space": SQUARES}])
def test_a_job_for_other_weights_is_left_to_who_has_them(parts, put, request_of):
    """A worker with the older ones would find nothing missing, and say that it was done."""
    put(1)
    job = parts.jobs.create(NewJob(describe_job.KIND, request_of))
    assert not jobs.can_run_here(job, parts)
    assert run(parts, job.job_id) == "failed"
    assert covered(parts) == Coverage(0, 1)


def test_who_has_older_weights_does_not_take_the_newer_ones_out_of_use(parts, put):
    """It fills its own to the end, and leaves them as they are."""
    put(1)
    older = parts.spaces[0].space
    newer = parts.catalogue.ensure_space(SQUARES, "1" * 64, older.dimension, "cosine", "building")
    parts.catalogue.descriptions.use(newer.space_id, is_whole=True, back=True)
    assert filling.fill(parts.spaces[0], parts)
    assert covered(parts) == Coverage(1, 0)
    states = {one.space_id: one.state for one in parts.catalogue.descriptions.spaces()}
    assert (states[older.space_id], states[newer.space_id]) == ("retired", "active")


def test_a_step_is_written_down_at_once_or_not_at_all(parts, put, monkeypatch):
    """Who dies before leaves no item that waits for ever."""
    put(1)
    Filler(parts).look()
    [job] = listed(parts)

    def dies(_):
        raise StoreError("gone")

    with monkeypatch.context() as dying:
        dying.setattr(parts.jobs, "record", dies)
        assert run(parts, job.job_id) == "failed"
    assert parts.jobs.counts(job.job_id) == {}


def test_a_space_that_cannot_be_looked_after_stops_nothing_else(parts, put, monkeypatch):
    """It is asked again the next time."""
    put(1)
    filler = Filler(parts)

    def fails(*_):
        raise StoreError("no row can be read")

    with monkeypatch.context() as broken:
        broken.setattr(parts.catalogue.descriptions, "missing", fails)
        filler.look()
    assert listed(parts) == []
    filler.look()
    assert len(listed(parts)) == 1


def cancelled_by_a_person(parts, put):
    """The job for a first picture, and who asked for it."""
    put(1)
    filler = Filler(parts)
    filler.look()
    [job] = listed(parts)
    parts.jobs.request_cancel(job.job_id)
    assert run(parts, job.job_id) == "cancelled"
    return filler, job


def test_a_job_that_a_person_cancelled_is_not_asked_for_again(parts, put, monkeypatch):
    """Resumed, it goes on."""
    filler, job = cancelled_by_a_person(parts, put)
    filler.look()
    monkeypatch.setattr(describe_job.time, "monotonic", lambda: 1e9)
    filler.look()
    assert len(listed(parts)) == 1
    parts.jobs.set_state(job.job_id, "queued")
    assert run(parts, job.job_id) == "succeeded"
    filler.look()
    assert (covered(parts), len(listed(parts))) == (Coverage(1, 0), 1)


def test_another_worker_remembers_what_a_person_cancelled(parts, put):
    """After a restart, or on another machine; until the space was filled some other way."""
    _, job = cancelled_by_a_person(parts, put)
    other = Filler(parts)
    other.look()
    put(2)
    other.look()
    assert [one.job_id for one in listed(parts)] == [job.job_id]
    assert filling.fill(parts.spaces[0], parts)
    put(3)
    other.look()
    assert len(listed(parts)) == 2
    Filler(parts).look()
    assert len(listed(parts)) == 2


def test_what_was_cancelled_before_the_last_job_is_history(parts, put):
    """Else a space that was filled meanwhile, and lacks something anew, would never be filled again."""
    cancelled_by_a_person(parts, put)
    assert filling.fill(parts.spaces[0], parts)
    put(2)
    Filler(parts).look()
    assert run(parts, listed(parts)[0].job_id) == "succeeded"
    parts.catalogue.descriptions.use(parts.spaces[0].space.space_id, is_whole=False)
    put(3)
    Filler(parts).look()
    assert [job.state for job in listed(parts)] == ["queued", "succeeded", "cancelled"]


def test_a_space_that_lacks_something_is_not_whole_before_it_is_filled(parts, put):
    """Brought back after pictures came without it, or left behind by a batch."""
    filler = Filler(parts)
    filler.look()
    assert state(parts) == "active"
    put(1)
    for looking in (filler, Filler(parts)):
        looking.look()
        assert state(parts) == "building"
        parts.catalogue.descriptions.use(parts.spaces[0].space.space_id, is_whole=True)
        put(2)
    Filler(parts).look()
    assert state(parts) == "building"
    [job] = listed(parts)
    assert run(parts, job.job_id) == "succeeded"
    assert state(parts) == "active"


def test_filling_without_a_worker_says_too_that_the_space_is_not_whole(parts, put):
    """From its first step to its last."""
    parts.catalogue.descriptions.use(parts.spaces[0].space.space_id, is_whole=True)
    put(1)
    seen = []
    assert filling.fill(parts.spaces[0], parts, told=lambda _: seen.append(state(parts)))
    assert (seen, state(parts)) == (["building"], "active")
