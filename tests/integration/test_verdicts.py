"""A picture goes in, a verdict comes out."""

import asyncio
import base64
import hashlib
import json
import random

import pytest
from PIL import Image, ImageOps

from benchmarks.hostile.pictures import encoded, scene
from service.api import bodies


def hand_in(client, data, **fields):
    answer = client.post("/images", files={"file": ("a.jpg", data)}, data=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def check(client, data, **query):
    answer = client.post("/check-duplicate", files={"file": data}, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_new_picture_is_unique_and_kept(client, pictures, document):
    """Nothing is like it, so it stays; and the answer is what openapi.yaml says."""
    answer = hand_in(client, pictures.jpeg(1))
    assert (answer["verdict"], answer["outcome"], answer["references"]) == ("unique", "stored", 1)
    assert answer["recommendation"]["keeper"] == "query"
    assert answer["content_id"] == hashlib.sha256(pictures.jpeg(1)).hexdigest()
    assert document.departures(answer, "POST", "/images", 201) == []


def test_a_small_bad_copy_is_a_duplicate_of_the_original(client, pictures, document):
    """The copy goes, the original stays, and the evidence is there in full shape."""
    original = hand_in(client, pictures.jpeg(2))["image_id"]
    answer = check(client, pictures.small_copy(2))
    match = answer["matches"][0]
    assert (answer["verdict"], match["image_id"], match["relation"]) == ("duplicate", original, "reencoded")
    assert answer["recommendation"]["action"] == "delete"
    assert answer["recommendation"]["keeper"] == original
    assert answer["probability"] == match["probability"] < 1
    assert document.departures(answer, "POST", "/check-duplicate", 200) == []


def test_a_better_copy_is_recommended_to_stay(client, pictures):
    """What is stored is the smaller one; the query is the keeper."""
    hand_in(client, pictures.small_copy(3))
    answer = check(client, pictures.png(3))
    assert answer["verdict"] == "duplicate"
    assert answer["recommendation"]["keeper"] == "query"


@pytest.mark.parametrize(("make", "relation"), [("jpeg", "identical"), ("bmp", "same_pixels")])
def test_equal_bytes_and_equal_pixels_are_certain(client, pictures, make, relation):
    """Probability 1 belongs to them alone."""
    stored = pictures.jpeg(4) if make == "jpeg" else pictures.png(5)
    hand_in(client, stored)
    answer = check(client, stored if make == "jpeg" else encoded(scene(5), "BMP"))
    assert (answer["probability"], answer["matches"][0]["relation"]) == (1.0, relation)


def test_checking_stores_nothing(client, pictures):
    """The same question twice has the same answer."""
    assert [check(client, pictures.jpeg(6))["verdict"] for _ in range(2)] == ["unique", "unique"]


def test_base64_and_multipart_say_the_same(client, pictures):
    """Two ways in, one verdict."""
    hand_in(client, pictures.jpeg(7))
    copy = pictures.small_copy(7)
    by_json = client.post("/check-duplicate", json={"image_base64": base64.b64encode(copy).decode()}).json()
    by_form = check(client, copy)
    assert by_json | {"timings_ms": None} == by_form | {"timings_ms": None}


def test_a_picture_comes_in_by_base64_with_all_its_fields(client, pictures):
    """JSON carries what form parts carry."""
    body = {"image_base64": base64.b64encode(pictures.jpeg(8)).decode(), "metadata": {"album": [1, None]}}
    body |= {"external_id": "trip/8.jpg", "person_id": "P-8"}
    made = client.post("/images", json=body).json()
    kept = client.get(f"/images/{made['image_id']}").json()
    assert {name: kept[name] for name in ("external_id", "person_id", "metadata")} == {
        "external_id": "trip/8.jpg",
        "person_id": "P-8",
        "metadata": {"album": [1, None]},
    }


def test_store_keeps_a_duplicate_as_a_content_of_its_own(client, pictures):
    """The default loses nothing."""
    hand_in(client, pictures.jpeg(9))
    answer = hand_in(client, pictures.small_copy(9))
    assert (answer["verdict"], answer["outcome"]) == ("duplicate", "stored")
    assert answer["content_id"] == hashlib.sha256(pictures.small_copy(9)).hexdigest()


def test_reference_points_at_the_stored_content(client, pictures):
    """A re-encoded copy costs no bytes."""
    first = hand_in(client, pictures.jpeg(10))
    answer = hand_in(client, pictures.small_copy(10), on_duplicate="reference")
    assert (answer["outcome"], answer["content_id"]) == ("referenced", first["content_id"])
    assert answer["references"] == 2
    assert answer["image_id"] != first["image_id"]


def test_reject_refuses_with_the_verdict(client, pictures, assert_problem):
    """409, and the problem says of what it is a duplicate."""
    first = hand_in(client, pictures.jpeg(11))
    copy = pictures.small_copy(11)
    answer = client.post("/images", files={"file": copy}, data={"on_duplicate": "reject"})
    body = assert_problem(answer, 409, "duplicate-refused")
    assert body["verdict"]["matches"][0]["image_id"] == first["image_id"]
    sha256 = hashlib.sha256(copy).hexdigest()
    assert client.post("/images/precheck", json={"sha256": [sha256]}).json()["results"][0]["known"] is False


def test_reject_takes_a_unique_picture(client, pictures):
    """Only duplicates are refused."""
    assert hand_in(client, pictures.jpeg(12), on_duplicate="reject")["outcome"] == "stored"


def test_the_same_bytes_are_one_content(client, pictures):
    """Two images, one content."""
    first, second = (hand_in(client, pictures.jpeg(13)) for _ in range(2))
    assert first["content_id"] == second["content_id"]
    assert (second["outcome"], second["references"]) == ("referenced", 2)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", '"text"', "null", "NaN", '{"a": NaN}', "[" * 10_000])
def test_metadata_that_is_no_json_object_is_refused(client, pictures, assert_problem, text):
    """422, and nothing is kept."""
    answer = client.post("/images", files={"file": pictures.jpeg(14)}, data={"metadata": text})
    assert_problem(answer, 422, "invalid-request")
    assert check(client, pictures.jpeg(14))["verdict"] == "unique"


def test_metadata_in_a_form_are_json_text(client, pictures):
    """They come back as the object they are."""
    made = hand_in(client, pictures.jpeg(15), metadata=json.dumps({"é": {"n": 1.5}}))
    assert client.get(f"/images/{made['image_id']}").json()["metadata"] == {"é": {"n": 1.5}}


def test_top_k_bounds_the_matches(client, pictures):
    """Likeliest first, no more than asked."""
    for quality in (95, 85, 75):
        hand_in(client, pictures.jpeg(16, quality))
    answer = check(client, pictures.jpeg(16, 60), top_k=2)
    probabilities = [match["probability"] for match in answer["matches"]]
    assert len(probabilities) == 2
    assert probabilities == sorted(probabilities, reverse=True)


def test_a_picture_in_one_of_eight_poses_is_found(client, pictures):
    """Mirrored, and said to be."""
    original = hand_in(client, pictures.jpeg(17))["image_id"]
    answer = check(client, encoded(ImageOps.mirror(scene(17)), "JPEG"))
    match = answer["matches"][0]
    assert (answer["verdict"], match["image_id"], match["edits"]) == ("duplicate", original, ["flipped"])


def test_a_removed_picture_is_nobodys_match(client, pictures):
    """Removed means found no more; handed in again it is found again."""
    made = hand_in(client, pictures.jpeg(18))
    assert client.delete(f"/images/{made['image_id']}").status_code == 204
    assert check(client, pictures.small_copy(18))["verdict"] == "unique"
    hand_in(client, pictures.jpeg(18))
    assert check(client, pictures.small_copy(18))["verdict"] == "duplicate"


def test_a_restart_changes_no_answer(tmp_path, run_app, pictures):
    """The index is rebuilt from the catalogue and says what it said before."""
    with run_app(tmp_path) as before:
        hand_in(before, pictures.jpeg(19))
        hand_in(before, pictures.jpeg(20))
        said = [check(before, pictures.small_copy(seed)) for seed in (19, 20, 21)]
    with run_app(tmp_path) as after:
        again = [check(after, pictures.small_copy(seed)) for seed in (19, 20, 21)]
    assert [one | {"timings_ms": None} for one in again] == [one | {"timings_ms": None} for one in said]
    assert [one["verdict"] for one in again] == ["duplicate", "duplicate", "unique"]


def test_large_json_is_read_beside_the_event_loop(client, monkeypatch):
    """Byte for byte, over several slices; the loop answers others meanwhile."""
    data = encoded(Image.frombytes("RGB", (900, 900), random.Random(1).randbytes(900 * 900 * 3)), "PNG")  # noqa: S311 - noise
    parsed, on_the_loop = bodies._parsed, []

    def noting(body):
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            on_the_loop.append(False)
        else:
            on_the_loop.append(True)
        return parsed(body)

    monkeypatch.setattr(bodies, "_parsed", noting)
    answer = client.post("/check-duplicate", json={"image_base64": base64.b64encode(data).decode()})
    assert answer.json()["query"]["sha256"] == hashlib.sha256(data).hexdigest()
    client.post("/images/precheck", json={"sha256": ["0" * 64]})
    assert on_the_loop == [False, True]
