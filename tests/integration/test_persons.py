"""`/persons`, `POST /persons/remove-duplicates` and `/removals`, as a client sees them."""

import uuid

import pytest

from benchmarks.hostile.pictures import encoded, scene


@pytest.fixture
def persons():
    """Two that no other test has."""
    return [f"{uuid.uuid4()}" for _ in range(2)]


@pytest.fixture
def tree(client, persons):
    """Image ids by name: of one a picture, the same pixels in another format, and another picture; of two one of those."""
    one, two = persons

    def hand_in(person, name, data):
        answer = client.post("/images", files={"file": data}, data={"person_id": person, "external_id": name})
        assert answer.status_code == 201, answer.text
        return answer.json()["image_id"]

    return {
        "png": hand_in(one, "png", encoded(scene(1), "PNG")),
        "bmp": hand_in(one, "bmp", encoded(scene(1), "BMP")),
        "other": hand_in(one, "other", encoded(scene(2), "JPEG")),
        "alone": hand_in(two, "alone", encoded(scene(1), "TIFF")),
    }


def count(client, persons):
    return sum(len(client.get("/images", params={"person_id": one}).json()["items"]) for one in persons)


def ask(client, *person_ids, **more):
    return client.post("/persons/remove-duplicates", json={"person_ids": person_ids, **more})


def test_duplicates_go_person_by_person_and_come_back(client, persons, tree, document):
    """As the contract has it."""
    answer = ask(client, *persons, create_backup=True)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert document.departures(told, "POST", "/persons/remove-duplicates", 200) == []
    assert (told["success"], told["total_removed"], told["backup_created"]) == (True, 1, True)
    assert [(one["person_id"], one["duplicates_found"], one["duplicates_removed"]) for one in told["results"]] == [
        (persons[0], 1, 1),
        (persons[1], 0, 0),
    ]
    [gone] = told["results"][0]["removed"]
    assert gone in {tree["png"], tree["bmp"]}
    assert client.get(f"/images/{gone}/content").status_code == 404
    shown = client.get(f"/removals/{told['removal_id']}").json()
    assert document.departures(shown, "GET", "/removals/{removal_id}", 200) == []
    assert (shown["state"], shown["counts"], shown["matcher"]) == ("applied", {"removed": 1}, "appearance")
    undone = client.post(f"/removals/{told['removal_id']}/undo").json()
    assert (undone["state"], undone["counts"]) == ("undone", {"returned": 1})
    assert client.get(f"/images/{gone}/content").status_code == 200
    page = client.get("/removals").json()
    assert document.departures(page, "GET", "/removals", 200) == []
    assert page["items"][0]["removal_id"] == told["removal_id"]


@pytest.mark.usefixtures("tree")
def test_a_dry_run_tells_what_would_go(client, persons):
    """And nothing is made of it."""
    told = ask(client, persons[0], dry_run=True).json()
    [one] = told["results"][0]["duplicates"]
    assert (one["agreement"], told["total_removed"], told["removal_id"]) == ("pixels", 0, None)
    assert count(client, persons) == 4


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"person_ids": []}, "body.person_ids"),
        ({"person_ids": ["P1"], "matcher": "hash", "threshold": 0.9}, "body.threshold"),
        ({"person_ids": ["P1"], "matcher": "guess"}, "body"),
    ],
)
def test_it_is_told_where_in_the_body_the_fault_lies(client, body, where):
    """By a path that the body has."""
    [error] = client.post("/persons/remove-duplicates", json=body).json()["errors"]
    assert error["where"] == where
    assert "_" not in error["what"] or "scene_change" in error["what"]


@pytest.mark.parametrize(
    ("body", "status", "slug"),
    [
        ({"person_ids": ["P1", "nobody at all"]}, 404, "not-found"),
        ({"person_ids": []}, 422, "invalid-request"),
        ({"person_ids": ["P1", "P1"]}, 422, "invalid-request"),
        ({"person_ids": ["P1"], "matcher": "hash", "threshold": 0.9}, 422, "invalid-request"),
        ({"person_ids": ["P1"], "threshold": 2}, 422, "invalid-request"),
        ({"person_ids": ["P1"], "matcher": "scene_change", "max_change": "inf"}, 422, "invalid-request"),
        ({"person_ids": ["P1"], "surely": True}, 422, "invalid-request"),
        ({"person_ids": ["P1"], "matcher": "hash", "max_distance": False}, 422, "invalid-request"),
        ({"person_ids": ["P1"], "matcher": "hash", "max_distance": "3"}, 422, "invalid-request"),
        ({"person_ids": ["P1"], "dry_run": "yes"}, 422, "invalid-request"),
        ({"person_ids": ["P\0"]}, 404, "not-found"),
    ],
)
@pytest.mark.usefixtures("tree")
def test_what_cannot_be_done_removes_nothing(client, persons, assert_problem, body, status, slug):
    """For nobody."""
    named = [persons[0] if name == "P1" else name for name in body["person_ids"]]
    answer = client.post("/persons/remove-duplicates", json=body | {"person_ids": named})
    detail = assert_problem(answer, status, slug)["detail"]
    assert ("nobody at all" in detail) is ("nobody at all" in named)
    assert count(client, persons) == 4


@pytest.mark.parametrize(
    "more",
    [
        {"matcher": "scene_change", "working_width": 320.0},
        {"matcher": "scene_change", "working_width": None, "min_contour_area": None, "max_change": None},
        {"matcher": "hash", "max_distance": None},
        {"threshold": None},
    ],
)
@pytest.mark.usefixtures("tree")
def test_numbers_are_those_of_json(client, persons, more):
    """A whole one may be spelled with a point, and null is as if it were not given."""
    assert ask(client, persons[0], dry_run=True, **more).status_code == 200


def test_an_undo_happens_once_however_often_it_is_asked_for(client, persons, tree, assert_problem):
    """Told as problems."""
    assert tree
    removal_id = ask(client, persons[0]).json()["removal_id"]
    first, again = (client.post(f"/removals/{removal_id}/undo") for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json(), "who never got the answer may ask again"
    assert_problem(client.post("/removals/rem_unknown/undo"), 404, "not-found")
    assert_problem(client.get("/removals/rem_unknown"), 404, "not-found")


def test_a_large_part_is_asked_about(client, persons, tree, assert_problem, monkeypatch):
    """The token comes with the problem."""
    assert tree
    monkeypatch.setattr("service.workflows.brakes.FREE_ITEMS", 0)
    problem = assert_problem(ask(client, persons[0]), 409, "confirmation-needed")
    assert ask(client, persons[0], confirm_token=problem["confirm_token"]).json()["total_removed"] == 1


class TestPersons:
    """`/persons` itself."""

    def test_a_person_is_told_of_changed_and_forgotten(self, client, document):
        made = client.post("/persons", json={"name": "Ada", "metadata": {"camera": "c10", "year": 1843}})
        assert made.status_code == 201, made.text
        assert document.departures(made.json(), "POST", "/persons", 201) == []
        itself = made.headers["Location"]
        assert client.get(itself).json() == made.json()
        changed = client.patch(itself, json={"metadata": {"year": None, "seen": [1]}}).json()
        assert (changed["name"], changed["metadata"]) == ("Ada", {"camera": "c10", "seen": [1]})
        changed = client.patch(itself, json={"name": None}).json()
        assert document.departures(changed, "PATCH", "/persons/{person_id}", 200) == []
        assert (changed["name"], changed["metadata"]) == (None, {"camera": "c10", "seen": [1]})
        assert client.delete(itself).status_code == 204
        assert client.get(itself).status_code == client.delete(itself).status_code == 404

    def test_a_person_sent_twice_with_one_key_is_told_of_once(self, client, document):
        key = {"Idempotency-Key": f"{uuid.uuid4()}"}
        first, again = (client.post("/persons", json={"name": "Ada"}, headers=key) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 201)
        assert document.departures(again.json(), "POST", "/persons", 201) == []
        assert first.json() == again.json()
        assert first.headers["Location"] == again.headers["Location"]
        assert client.get(first.headers["Location"]).json()["name"] == "Ada"
        other = client.post("/persons", json={"name": "Bea"}, headers=key)
        assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")

    def test_two_persons_never_have_one_id(self, client, persons):
        assert client.post("/persons", json={"person_id": persons[0]}).status_code == 201
        again = client.post("/persons", json={"person_id": persons[0], "name": "another"})
        assert (again.status_code, again.json()["type"]) == (409, "/problems/wrong-state")
        assert client.get(f"/persons/{persons[0]}").json()["name"] is None

    @pytest.mark.parametrize(
        "body", [{"person_id": ""}, {"person_id": "nul\0"}, {"name": "\0"}, {"metadata": []}, {"nickname": "x"}]
    )
    def test_what_cannot_be_told_of_is_refused(self, client, body):
        answer = client.post("/persons", json=body)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")

    @pytest.mark.usefixtures("tree")
    def test_whoever_has_an_image_is_known_and_listed(self, client, persons, document):
        newest = client.get("/persons", params={"limit": 1}).json()
        assert document.departures(newest, "GET", "/persons", 200) == []
        older = client.get("/persons", params={"limit": 1, "cursor": newest["next_cursor"]}).json()
        listed = [*newest["items"], *older["items"]]
        assert [(one["person_id"], one["images"]) for one in listed] == [(persons[1], 1), (persons[0], 3)]
        images = client.get(f"/persons/{persons[0]}/images").json()
        assert document.departures(images, "GET", "/persons/{person_id}/images", 200) == []
        assert [one["external_id"] for one in images["items"]] == ["other", "bmp", "png"]

    def test_a_person_with_images_is_not_forgotten(self, client, persons, tree):
        answer = client.delete(f"/persons/{persons[1]}")
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/wrong-state")
        assert client.delete(f"/images/{tree['alone']}").status_code == 204
        assert client.delete(f"/persons/{persons[1]}").status_code == 204

    def test_pictures_are_handed_in_for_a_person_each_an_image_of_its_own(self, client, persons, document):
        place = f"/persons/{persons[0]}/images"
        data = encoded(scene(7), "PNG")
        assert client.post(place, files={"file": data}).status_code == 404
        client.post("/persons", json={"person_id": persons[0]})
        first = client.post(place, files={"file": data}, data={"external_id": "a"})
        assert first.status_code == 201, first.text
        assert document.departures(first.json(), "POST", "/persons/{person_id}/images", 201) == []
        second = client.post(place, files={"file": data}, data={"external_id": "b"}).json()
        assert second["outcome"] == "referenced"
        assert second["image_id"] != first.json()["image_id"]
        assert client.get(f"/persons/{persons[0]}").json()["images"] == 2

    def test_a_picture_of_a_person_sent_twice_with_one_key_is_taken_once(self, client, persons):
        client.post("/persons", json={"person_id": persons[0]})
        key = {"Idempotency-Key": f"{uuid.uuid4()}"}
        sent = [
            client.post(f"/persons/{persons[0]}/images", files={"file": encoded(scene(8), "PNG")}, headers=key).json()
            for _ in range(2)
        ]
        assert sent[0]["image_id"] == sent[1]["image_id"]
        assert client.get(f"/persons/{persons[0]}").json()["images"] == 1

    def test_what_was_answered_is_answered_again_though_the_person_is_gone(self, client, persons):
        client.post("/persons", json={"person_id": persons[0]})
        key = {"Idempotency-Key": f"{uuid.uuid4()}"}

        def sent():
            return client.post(f"/persons/{persons[0]}/images", files={"file": encoded(scene(9), "PNG")}, headers=key)

        first = sent()
        assert client.delete(f"/images/{first.json()['image_id']}").status_code == 204
        assert client.delete(f"/persons/{persons[0]}").status_code == 204
        again = sent()
        assert (again.status_code, again.json()["image_id"]) == (201, first.json()["image_id"])

    @pytest.mark.parametrize("field", [{"person_id": "another"}, {"on_duplicate": "reject"}])
    def test_who_it_is_and_that_it_is_kept_cannot_be_wished_otherwise(self, client, persons, field):
        client.post("/persons", json={"person_id": persons[0]})
        answer = client.post(f"/persons/{persons[0]}/images", files={"file": encoded(scene(9), "PNG")}, data=field)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")

    @pytest.mark.parametrize("name", ["a/b", "..", "x/images", "conflicts"])
    def test_an_id_that_cannot_stand_in_a_path_comes_with_images_only(self, client, persons, name):
        person_id = f"{persons[0]}/{name}" if "/" in name else name
        assert client.post("/persons", json={"person_id": person_id}).status_code == 422
        image = client.post("/images", files={"file": encoded(scene(9), "PNG")}, data={"person_id": person_id}).json()
        [listed] = [one for one in client.get("/persons").json()["items"] if one["person_id"] == person_id]
        assert listed["links"] == {"self": None, "images": None}
        client.delete(f"/images/{image['image_id']}")

    def test_an_empty_person_in_a_form_is_nobody(self, client):
        answer = client.post("/images", files={"file": encoded(scene(9), "PNG")}, data={"person_id": ""})
        assert answer.status_code == 201
        assert client.get(f"/images/{answer.json()['image_id']}").json()["person_id"] is None

    @pytest.mark.parametrize(("path", "methods"), [("remove-duplicates", {"POST"}), ("P1", {"GET", "PATCH", "DELETE"})])
    def test_what_a_path_takes_is_told(self, client, path, methods):
        answer = client.options(f"/persons/{path}")
        assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, methods)

    def test_unknown_persons_are_not_found(self, client, persons):
        for place in (f"/persons/{persons[0]}", f"/persons/{persons[0]}/images"):
            assert client.get(place).status_code == 404
        assert client.patch(f"/persons/{persons[0]}", json={}).status_code == 404

    def test_merged_metadata_never_grows_beyond_what_can_be_shown(self, client, persons):
        client.post("/persons", json={"person_id": persons[0]})
        for name in ("first", "second"):
            answer = client.patch(f"/persons/{persons[0]}", json={"metadata": {name: "x" * 200_000}})
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-request")
        assert set(client.get(f"/persons/{persons[0]}").json()["metadata"]) == {"first"}
