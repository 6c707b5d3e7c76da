"""`Idempotency-Key`: a request sent twice is carried out once, whatever happened to its answer."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from index_store.failpoints import armed
from service.api import staging
from service.workflows import ingest

REPLAYED = "idempotency-replayed"


@pytest.fixture
def once(api, uploads):
    """Hand a picture in under a key."""

    def send(key, data, path="/images", **fields):
        body = uploads.form(("a.jpg", data), field="file" if path == "/images" else "files", **fields)
        return api.send(path, body, Idempotency_Key=key)

    return send


def told(answer):
    """All of an answer but what tells one request from another."""
    apart = {"x-request-id", REPLAYED}
    return answer.status_code, answer.content, {k: v for k, v in answer.headers.items() if k not in apart}


def test_the_same_request_again_gets_the_same_answer(api, once, pictures):
    """Byte for byte, marked as told again; one image."""
    first = once("same", pictures.jpeg(1), external_id="same", metadata='{"b": 1, "a": [2.5, null]}')
    again = once("same", pictures.jpeg(1), external_id="same", metadata='{"b": 1, "a": [2.5, null]}')
    assert told(again) == told(first)
    assert (first.status_code, first.headers.get(REPLAYED), again.headers[REPLAYED]) == (201, None, "true")
    assert len(api.images(external_id="same")) == 1


def test_the_answer_is_the_same_after_the_world_has_changed(api, once, pictures):
    """As it stood when committed: copies that came later change nothing in it."""
    once("world-1", pictures.jpeg(2), external_id="world")
    first = once("world-2", pictures.jpeg(2), external_id="world")
    once("world-3", pictures.jpeg(2), external_id="world")
    api.client.delete(f"/images/{once('world-1', pictures.jpeg(2), external_id='world').json()['image_id']}")
    assert told(once("world-2", pictures.jpeg(2), external_id="world")) == told(first)
    assert first.json()["references"] == 2


def test_of_fifty_at_once_one_is_carried_out(api, once, pictures):
    """The others are told to wait or get its answer; afterwards everybody gets it."""
    data = pictures.jpeg(3)
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda _: once("fifty", data, external_id="fifty"), range(50)))
    carried_out = [answer for answer in answers if answer.status_code == 201 and REPLAYED not in answer.headers]
    waiting = [answer for answer in answers if answer.status_code == 409]
    replayed = [answer for answer in answers if REPLAYED in answer.headers]
    assert (len(carried_out), len(waiting) + len(replayed)) == (1, 49)
    assert {answer.json()["type"] for answer in waiting} <= {"/problems/request-in-progress"}
    assert all(told(answer) == told(carried_out[0]) for answer in [*replayed, once("fifty", data, external_id="fifty")])
    assert len(api.images(external_id="fifty")) == 1


def test_a_key_under_way_is_told_to_wait(api, once, pictures, assert_problem):
    """For a second, and then to ask again."""
    api.parts.answers.begin("", "busy", _digest_of(api, once, pictures, "busy"), left_behind="")
    answer = once("busy", pictures.jpeg(4))
    assert_problem(answer, 409, "request-in-progress")
    assert answer.headers["retry-after"] == "1"


def _digest_of(api, once, pictures, key):
    """What the request is told by: asked of the service itself, whose first request gives its key back."""
    seen = []
    begin = api.parts.answers.begin

    def listening(key_id, name, digest, *, left_behind):
        seen.append(digest)
        return begin(key_id, name, digest, left_behind=left_behind)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(api.parts.answers, "begin", listening)
        patched.setattr(ingest, "reached", armed("ingest.files-kept=raise"))
        assert once(key, pictures.jpeg(4)).status_code == 500
    return seen[0]


@pytest.mark.parametrize("change", [{"external_id": "other"}, {"on_duplicate": "reject"}, {"metadata": '{"a": 1}'}])
def test_another_request_under_the_same_key_is_refused(api, once, pictures, assert_problem, change):
    """Another file, or other fields: a key names one request."""
    key = f"other-{next(iter(change))}"
    once(key, pictures.jpeg(5))
    before = len(api.images())
    assert_problem(once(key, pictures.jpeg(5), **change), 422, "idempotency-key-reused")
    assert_problem(once(key, pictures.jpeg(6)), 422, "idempotency-key-reused")
    assert_problem(once(key, pictures.jpeg(5), path="/images/batch"), 422, "idempotency-key-reused")
    assert (len(api.images()), api.staged()) == (before, [])


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "ü"])
def test_a_key_that_is_none_is_refused(api, once, pictures, assert_problem, key):
    """1 to 255 visible ASCII characters."""
    before = len(api.images())
    sent = key.encode("latin-1") if key == "ü" else key
    told = assert_problem(once(sent, pictures.jpeg(7)), 422, "invalid-request")
    assert told["errors"][0]["where"] == "header.Idempotency-Key"
    assert len(api.images()) == before


def test_two_clients_may_choose_the_same_key(keyed, keys, pictures):
    """Keys of requests belong to API keys; nobody learns of another's answer."""
    sent = {"files": {"file": pictures.jpeg(8)}}
    write, admin = ({**keys.header(name), "Idempotency-Key": "mine"} for name in ("write", "admin"))
    first, second = keyed.post("/images", headers=write, **sent), keyed.post("/images", headers=admin, **sent)
    assert [answer.status_code for answer in (first, second)] == [201, 201]
    assert REPLAYED not in second.headers
    assert first.json()["image_id"] != second.json()["image_id"]
    assert keyed.post("/images", headers=write, **sent).json()["image_id"] == first.json()["image_id"]


def test_a_request_that_failed_gives_its_key_back(api, once, pictures):
    """Nothing was done, so the same key may be used for what should have been sent."""
    assert once("failed", pictures.jpeg(9)[:700], external_id="failed").status_code == 422
    assert once("failed", pictures.jpeg(9), external_id="failed").status_code == 201
    assert once("refused", pictures.jpeg(9), external_id="failed", metadata="{").status_code == 422
    copy = pictures.small_copy(9)
    assert once("refused", copy, on_duplicate="reject").status_code == 409
    assert once("refused", copy, external_id="failed").status_code == 201
    assert len(api.images(external_id="failed")) == 2


def test_a_crash_between_commit_and_answer_is_made_good_by_asking_again(api, once, pictures, monkeypatch):
    """The picture was committed with its answer, so the second request gets it and does nothing."""
    monkeypatch.setattr(ingest, "reached", armed("ingest.committed=raise"))
    assert once("crash", pictures.jpeg(10), external_id="crash").status_code == 500
    again = once("crash", pictures.jpeg(10), external_id="crash")
    assert (again.status_code, again.headers[REPLAYED]) == (201, "true")
    [image] = api.images(external_id="crash")
    assert again.json()["image_id"] == image.image_id


def test_a_key_that_a_crash_left_behind_can_be_used_again(api, once, pictures, monkeypatch):
    """After a minute; before, nobody can tell whether the first is still at it."""
    digest = _digest_of(api, once, pictures, "behind")
    api.parts.answers.begin("", "behind", digest, left_behind="")
    monkeypatch.setattr("service.api.once.moment", lambda _: "9999")
    assert once("behind", pictures.jpeg(4)).status_code == 201


def test_a_batch_sent_twice_is_one_job(api, uploads, pictures):
    """The second upload is dropped, and the first job told again."""
    body = uploads.form(("a.jpg", pictures.jpeg(11)), ("b.jpg", pictures.jpeg(12)))
    first = api.batch(body, Idempotency_Key="batch")
    again = api.batch(body, Idempotency_Key="batch")
    assert told(again) == told(first)
    assert (first.headers.get(REPLAYED), again.headers[REPLAYED]) == (None, "true")
    assert api.staged() == [first.json()["job_id"]]
    api.run(first.json()["job_id"])


@pytest.mark.parametrize("path", ["/images", "/images/batch"])
def test_a_job_whose_answer_was_lost_is_told_again(api, uploads, pictures, monkeypatch, path):
    """Its row and the answer were committed together."""
    field = "file" if path == "/images" else "files"
    body = uploads.form(("a.jpg", pictures.jpeg(13)), field=field)
    monkeypatch.setattr(staging, "reached", armed("job.created=raise"))
    asked = {"Idempotency_Key": f"lost {path}".replace(" ", "-"), "Prefer": "respond-async"}
    assert api.send(path, body, **asked).status_code == 500
    again = api.send(path, body, **asked)
    assert (again.status_code, again.headers[REPLAYED]) == (202, "true")
    assert api.staged() == [again.json()["job_id"]]
    assert api.run(again.json()["job_id"]) == "succeeded"


@pytest.mark.parametrize("path", ["/images", "/images/batch"])
def test_an_upload_cut_again_and_again_has_one_effect_in_the_end(api, uploads, pictures, path, counted):
    """Wherever the line breaks: the key is free for the next try, and no spool or staging file is left of the others."""
    chance = random.Random(22)  # noqa: S311 - so that a failure can be had again
    field = "file" if path == "/images" else "files"
    body = uploads.form(("cut.jpg", pictures.jpeg(14)), field=field, person_id=path)
    before = api.jobs(), api.spooled()
    for _ in range(counted(1000)):
        status = api.send_and_leave(path, body, chance.randrange(len(body)), idempotency_key=f"cut-{path}")
        assert status == 400
    assert (api.images(person_id=path), api.jobs(), api.spooled(), api.staged()) == ((), *before, [])
    answers = [api.send(path, body, Idempotency_Key=f"cut-{path}") for _ in range(3)]
    assert len({told(answer)[1] for answer in answers}) == 1
    if path == "/images/batch":
        api.run(answers[0].json()["job_id"])
    assert len(api.images(person_id=path)) == 1
    assert (api.spooled(), api.staged()) == (before[1], [])
