"""`POST /compare`: two of files and ids."""

import base64

import cv2
import numpy as np
import pytest


@pytest.fixture
def stored(client, pictures):
    answer = client.post("/images", files={"file": pictures.jpeg(31)})
    return answer.json()["image_id"]


def compare(client, *, files=(), data=None, **query):
    return client.post("/compare", files=[("file", one) for one in files], data=data, params=query)


def test_two_files_are_compared_and_the_map_can_be_looked_at(client, pictures, document):
    """The link carries its PNG, since nothing is kept."""
    answer = compare(client, files=[pictures.small_copy(32), pictures.jpeg(32)])
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["verdict"], body["relation"], body["direction"]) == ("duplicate", "reencoded", "query_from_reference")
    kind, _, data = body["links"]["change_map"].partition(",")
    assert kind == "data:image/png;base64"
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert max(shown.shape) <= 512
    assert document.departures(body, "POST", "/compare", 200) == []


def test_a_file_is_laid_on_a_stored_image(client, pictures, stored):
    """In whatever order the client sent them."""
    body = compare(client, files=[pictures.small_copy(31)], data={"image_id": stored}).json()
    assert (body["verdict"], body["direction"]) == ("duplicate", "query_from_reference")
    assert body["query"]["width"] < body["reference"]["width"]


def test_json_takes_ids_and_base64(client, pictures, stored):
    """And says which of the two is which."""
    text = base64.b64encode(pictures.small_copy(31)).decode()
    there = client.post("/compare", json={"pictures": [{"image_base64": text}, {"image_id": stored}]}).json()
    back = client.post("/compare", json={"pictures": [{"image_id": stored}, {"image_base64": text}]}).json()
    assert (there["direction"], back["direction"]) == ("query_from_reference", "reference_from_query")
    assert there["query"]["sha256"] == back["reference"]["sha256"]


def test_strangers_get_reasons_instead_of_a_map(client, pictures, document):
    """Null, with a reason."""
    body = compare(client, files=[pictures.jpeg(33), pictures.jpeg(34)]).json()
    assert (body["verdict"], body["links"]["change_map"]) == ("unique", None)
    assert body["unknown"]["change_map"]
    assert body["why_not"]
    assert document.departures(body, "POST", "/compare", 200) == []


def test_fewer_than_two_are_refused(client, pictures):
    """And told how many came."""
    answer = compare(client, files=[pictures.jpeg(35)])
    assert answer.status_code == 422
    assert "1 came" in answer.json()["detail"]


def test_three_are_refused(client, pictures):
    """A third file is one too many."""
    assert compare(client, files=[pictures.jpeg(35)] * 3).status_code == 400
    ids = {"pictures": [{"image_id": "a"}, {"image_id": "b"}, {"image_id": "c"}]}
    assert client.post("/compare", json=ids).status_code == 422


def test_an_unknown_image_is_not_found(client, pictures):
    """Before anything is decoded."""
    answer = compare(client, files=[pictures.jpeg(35)], data={"image_id": "img_none"})
    assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]) == (404, "not-found")


@pytest.mark.parametrize("image_id", ["i" * 65, "a\0b"])
def test_what_can_be_no_id_is_refused(client, pictures, image_id):
    """Before the catalogue is asked."""
    assert compare(client, files=[pictures.jpeg(35)], data={"image_id": image_id}).status_code == 422


@pytest.mark.parametrize("body", [[], {}, {"pictures": "ab"}, {"pictures": ["a", "b"]}, {"pictures": [{}, {}]}])
def test_json_of_another_shape_is_refused(client, body):
    """With what was expected."""
    assert client.post("/compare", json=body).status_code == 422


def test_a_url_is_refused(client):
    """This service fetches nothing."""
    answer = client.post("/compare", json={"pictures": [{"url": "http://x/a.jpg"}, {"url": "http://x/b.jpg"}]})
    assert answer.status_code == 403
