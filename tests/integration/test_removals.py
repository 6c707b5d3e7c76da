"""`/removals`: a plan that is written down, looked at, applied, undone and purged, as a client sees it."""

import uuid

import pytest

from benchmarks.hostile.pictures import encoded, scene


@pytest.fixture
def person():
    """One that no other test has."""
    return f"{uuid.uuid4()}"


@pytest.fixture
def images(client, person):
    """Image ids: a picture, the same pixels in another format, and another picture."""

    def hand_in(name, data):
        answer = client.post("/images", files={"file": data}, data={"person_id": person, "external_id": name})
        return answer.json()["image_id"]

    return {
        "png": hand_in("png", encoded(scene(1), "PNG")),
        "bmp": hand_in("bmp", encoded(scene(1), "BMP")),
        "other": hand_in("other", encoded(scene(2), "JPEG")),
    }


@pytest.fixture
def planned(client, person, images):
    assert images
    answer = client.post("/removals", json={"person_ids": [person]})
    assert answer.status_code == 201, answer.text
    return answer.json()


def apply(client, told, **more):
    return client.post(f"/removals/{told['removal_id']}/apply", json={"plan_hash": told["plan_hash"], **more})


def test_a_plan_says_every_decision_and_touches_nothing(client, person, images, planned, document):
    """As the contract has it."""
    assert document.departures(planned, "POST", "/removals", 201) == []
    assert (planned["state"], planned["items"], planned["counts"]) == ("planned", 1, {"planned": 1})
    [result] = planned["results"]
    [decision] = result["duplicates"]
    assert {decision["image_id"], decision["keeper"]} == {images["png"], images["bmp"]}
    assert decision["reasons"]
    page = client.get(f"/removals/{planned['removal_id']}/items").json()
    assert document.departures(page, "GET", "/removals/{removal_id}/items", 200) == []
    [item] = page["items"]
    assert (item["loser"], item["keeper"], item["person_id"]) == (decision["image_id"], decision["keeper"], person)
    assert item["bytes"] == planned["bytes"] > 0
    assert len(client.get(f"/persons/{person}/images").json()["items"]) == 3


def test_it_is_applied_once_and_undone(client, person, planned, document):
    """The answer is the removal each time."""
    first, again = apply(client, planned), apply(client, planned)
    assert first.status_code == 200, first.text
    assert document.departures(first.json(), "POST", "/removals/{removal_id}/apply", 200) == []
    assert first.json() == again.json()
    assert (first.json()["state"], first.json()["counts"]) == ("applied", {"removed": 1})
    assert len(client.get(f"/persons/{person}/images").json()["items"]) == 2
    undone = client.post(f"/removals/{planned['removal_id']}/undo").json()
    assert (undone["state"], len(client.get(f"/persons/{person}/images").json()["items"])) == ("undone", 3)


@pytest.mark.parametrize("who", ["loser", "keeper"])
def test_a_stale_plan_is_refused(client, person, planned, assert_problem, who):
    """Something of it went meanwhile."""
    [item] = client.get(f"/removals/{planned['removal_id']}/items").json()["items"]
    assert client.delete(f"/images/{item[who]}").status_code == 204
    detail = assert_problem(apply(client, planned), 409, "stale-plan")["detail"]
    assert item[who] in detail
    assert len(client.get(f"/persons/{person}/images").json()["items"]) == 2


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [({"plan_hash": "0" * 64}, 409, "stale-plan"), ({}, 422, "invalid-request"), ({"plan": 1}, 422, "invalid-request")],
)
def test_whoever_has_not_seen_the_plan_does_not_apply_it(client, planned, assert_problem, body, status, slug):
    """It is told why."""
    assert_problem(client.post(f"/removals/{planned['removal_id']}/apply", json=body), status, slug)
    assert client.get(f"/removals/{planned['removal_id']}").json()["state"] == "planned"


def test_a_large_plan_asks_when_it_is_applied(client, planned, assert_problem, monkeypatch):
    """The token comes with the problem."""
    monkeypatch.setattr("service.workflows.brakes.FREE_ITEMS", 0)
    problem = assert_problem(apply(client, planned), 409, "confirmation-needed")
    assert apply(client, planned, confirm_token=problem["confirm_token"]).json()["state"] == "applied"


def test_a_purge_waits_and_wants_what_was_removed(client, planned, assert_problem):
    """Thirty days, and an applied plan."""
    place = f"/removals/{planned['removal_id']}/purge"
    assert_problem(client.post(place), 409, "wrong-state")
    apply(client, planned)
    assert_problem(client.post(place), 409, "kept-for-now")
    assert client.get(f"/removals/{planned['removal_id']}").json()["state"] == "applied"


@pytest.mark.parametrize("act", ["undo", "purge"])
def test_what_is_unknown_is_not_found(client, assert_problem, act):
    """Whatever is asked of it."""
    assert_problem(client.post(f"/removals/rem_unknown/{act}"), 404, "not-found")
    assert_problem(client.post("/removals/rem_unknown/apply", json={"plan_hash": "0"}), 404, "not-found")
    assert_problem(client.get("/removals/rem_unknown/items"), 404, "not-found")
    assert_problem(client.post("/removals", json={"person_ids": ["nobody at all"]}), 404, "not-found")


def test_a_plan_that_is_sent_twice_is_made_once(client, person, images):
    """With one key of the client's."""
    assert images
    key = {"Idempotency-Key": f"{uuid.uuid4()}"}
    first, again = (client.post("/removals", json={"person_ids": [person]}, headers=key) for _ in range(2))
    assert first.json() == again.json()
    assert again.headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    ("asked", "agrees"),
    [
        ({"matcher": "copy"}, True),
        ({"matcher": "copy", "operating_point": "strict"}, True),
        ({"matcher": "similar:builtin", "threshold": 0.99}, True),
        ({"matcher": "similar:builtin", "metric": "euclidean", "threshold": 0.1}, True),
        ({"matcher": "similar:builtin", "metric": "euclidean", "threshold": 0.0}, True),
    ],
)
def test_every_matcher_can_be_asked_for(client, person, images, asked, agrees):
    """The same picture twice, and another one."""
    assert images
    told = client.post("/removals", json={"person_ids": [person], **asked})
    assert told.status_code == 201, told.text
    assert (told.json()["items"] == 1) is agrees
    assert told.json()["matcher"] == asked["matcher"]


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"matcher": "similar:deepface:ArcFace", "threshold": 0.5}, "body.matcher"),
        ({"matcher": "similar:builtin"}, "body.threshold"),
        ({"matcher": "similar:builtin", "threshold": 0.0}, "body.threshold"),
        ({"matcher": "similar:builtin", "threshold": -0.5, "metric": "cosine"}, "body.threshold"),
        ({"matcher": "similar:builtin", "threshold": -0.5, "metric": "euclidean"}, "body.threshold"),
        ({"matcher": "similar:builtin", "threshold": 0.5, "metric": "taxi"}, "body.metric"),
        ({"matcher": "copy", "operating_point": "sure"}, "body.operating_point"),
        ({"matcher": "copy", "dry_run": True}, "body.dry_run"),
    ],
)
def test_a_criterion_that_is_not_here_is_told_clearly(client, person, images, assert_problem, asked, where):
    """By a path that the body has."""
    assert images
    problem = assert_problem(client.post("/removals", json={"person_ids": [person], **asked}), 422, "invalid-request")
    assert [error["where"] for error in problem["errors"]] == [where]
    if "ArcFace" in asked["matcher"]:
        assert "builtin" in problem["detail"]


class TestConflicts:
    """`GET /persons/conflicts`."""

    def test_one_picture_under_two_persons_is_reported_and_stays(self, empty, document):
        for person, kind in (("P1", "PNG"), ("P2", "PNG"), ("P3", "BMP")):
            empty.post("/images", files={"file": encoded(scene(1), kind)}, data={"person_id": person})
        small = scene(2).resize((scene(2).width // 2, scene(2).height // 2))
        for person, data in (("P1", encoded(scene(2), "PNG")), ("P2", encoded(small, "JPEG"))):
            empty.post("/images", files={"file": data}, data={"person_id": person})
        page = empty.get("/persons/conflicts").json()
        assert document.departures(page, "GET", "/persons/conflicts", 200) == []
        found = {one["relation"]: one for one in page["items"]}
        assert found.keys() == {"identical", "same_pixels", "reencoded"}
        assert found["identical"]["person_ids"] == ["P1", "P2"]
        assert found["same_pixels"]["person_ids"] == ["P1", "P2", "P3"]
        assert found["reencoded"]["person_ids"] == ["P1", "P2"]
        assert len(found["identical"]["content_ids"]) == 1
        seen, cursor = [], None
        while True:
            page = empty.get("/persons/conflicts", params={"limit": 1, **({"cursor": cursor} if cursor else {})}).json()
            seen += [one["relation"] for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert sorted(seen) == ["identical", "reencoded", "same_pixels"]
        assert sum(one["images"] for one in empty.get("/persons").json()["items"]) == 5

    def test_a_cursor_of_nobodys_is_refused(self, client, assert_problem):
        assert_problem(client.get("/persons/conflicts", params={"cursor": "nonsense"}), 422, "invalid-request")
