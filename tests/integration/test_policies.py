"""Policies over the wire: told of, listed, in force, and tried on what is stored."""

import pytest

from benchmarks.hostile.pictures import encoded, scene


@pytest.fixture
def careful():
    return {"name": "careful-1", "without_review": ["identical"], "weights": {"detail": 0.25}}


def test_the_shipped_policy_is_listed_and_in_force(empty):
    """With every weight, so that another opinion can begin with it."""
    [shown] = empty.get("/policies").json()["items"]
    assert (shown["name"], shown["in_force"], shown["built_in"]) == ("keeper-2", True, True)
    assert shown["document"]["weights"]["detail"] == 0.5


def test_a_policy_is_told_of_once_and_listed_first(empty, careful):
    """What it left unsaid is said; under its name there is no other."""
    made = empty.post("/policies", json=careful)
    assert made.status_code == 201
    document = made.json()["document"]
    assert (document["weights"]["detail"], document["weights"]["noise"]) == (0.25, 0.6)
    assert [one["name"] for one in empty.get("/policies").json()["items"]] == ["careful-1", "keeper-2"]
    for taken in (careful | {"weights": {}}, {"name": "keeper-2"}):
        assert empty.post("/policies", json=taken).json()["type"].endswith("wrong-state")


def test_pages_of_policies_end_with_the_shipped_one(empty):
    """However many go on a page."""
    for number in range(3):
        assert empty.post("/policies", json={"name": f"house-{number}"}).status_code == 201
    for limit in (1, 2, 3, 4):
        names, cursor = [], None
        while True:
            page = empty.get("/policies", params={"limit": limit} | ({"cursor": cursor} if cursor else {})).json()
            names += [one["name"] for one in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert names == ["house-2", "house-1", "house-0", "keeper-2"]


def test_a_policy_sent_twice_under_a_key_is_one(empty, careful):
    """The second answer is the first."""
    sent = [empty.post("/policies", json=careful, headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert [answer.status_code for answer in sent] == [201, 201]
    assert sent[0].json() == sent[1].json()
    assert sent[1].headers["Idempotency-Replayed"] == "true"


@pytest.mark.parametrize(
    "wrong", [{}, {"name": "Loud!"}, {"name": "one", "weights": {"detail": 2}}, {"name": "one", "more": 1}, []]
)
def test_what_is_no_policy_is_a_problem(empty, wrong):
    """And says where."""
    answer = empty.post("/policies", json=wrong)
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (422, "invalid-request")


def test_the_policy_in_force_is_the_one_that_is_set(run_app, tmp_path, careful):
    """It lets fewer pictures go, and every recommendation says by which policy and model it was made."""
    with run_app(tmp_path) as client:
        assert client.post("/policies", json=careful).status_code == 201
    with run_app(tmp_path, policy="careful-1") as client:
        client.post("/images", files={"file": encoded(scene(1), "PNG")})
        told = client.post("/check-duplicate", files={"file": encoded(scene(1), "BMP")}).json()["recommendation"]
        assert (told["action"], told["policy"]) == ("review", "careful-1")
        assert told["keeper"]
        assert told["model"]
        in_force = {one["name"]: one["in_force"] for one in client.get("/policies").json()["items"]}
        assert in_force == {"careful-1": True, "keeper-2": False}


def test_a_protected_picture_is_kept(run_app, tmp_path):
    """By the folder of its name, or by where its metadata says that it came from."""
    document = {"name": "house-1", "protected": {"folders": ["masters"], "sources": ["scanner"]}}
    with run_app(tmp_path) as client:
        assert client.post("/policies", json=document).status_code == 201
    with run_app(tmp_path, policy="house-1") as client:
        client.post("/images", files={"file": encoded(scene(1), "PNG")})
        for fields, action in (
            ({"external_id": "masters/a.bmp"}, "keep"),
            ({"metadata": '{"source": "scanner"}'}, "keep"),
            ({"external_id": "other/a.bmp"}, "delete"),
        ):
            answer = client.post("/images", files={"file": encoded(scene(1), "BMP")}, data=fields).json()
            assert answer["recommendation"]["action"] == action


def test_a_simulation_tells_the_exact_difference_and_changes_nothing(client, careful):
    """By a whole policy, or by name; against the one in force, or another."""
    first = client.post("/images", files={"file": encoded(scene(3), "PNG")}).json()["image_id"]
    second = client.post("/images", files={"file": encoded(scene(3), "BMP")}).json()["image_id"]
    told = client.post("/policies/simulate", json={"policy": careful}).json()
    assert (told["policy"], told["against"], told["changed"]) == ("careful-1", "keeper-2", 1)
    assert told["moves"] == [{"before": "delete", "after": "review", "contents": 1}]
    [item] = told["items"]
    assert {item["image_id"], item["before"]["keeper"]} == {first, second}
    assert client.post("/policies/simulate", json={"policy": "keeper-2"}).json()["changed"] == 0
    assert client.post("/policies", json=careful).status_code == 201
    back = client.post("/policies/simulate", json={"policy": "keeper-2", "against": "careful-1"}).json()
    assert back["moves"] == [{"before": "review", "after": "delete", "contents": 1}]
    assert client.get("/stats").json()["images"] == 2


def test_an_unknown_policy_is_not_simulated(client):
    """Neither as what is tried nor as what it is tried against."""
    for asked in ({"policy": "house-9"}, {"policy": "keeper-2", "against": "house-9"}):
        answer = client.post("/policies/simulate", json=asked)
        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (404, "not-found")
