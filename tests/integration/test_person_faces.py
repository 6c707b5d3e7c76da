"""`/persons/{id}/verify` and `/persons/identify`, with a twin of a model of faces: every patch of (255, 0, n) is one."""

import numpy as np
import pytest
from PIL import Image as Pillow

from benchmarks.hostile.pictures import encoded, scene

pytestmark = pytest.mark.usefixtures("twins")

SQUARES = "builtin,deepface:squares"


def photo(seed, *faces):
    picture = np.array(scene(seed).convert("RGB").resize((320, 240)))
    picture[..., 1] = np.maximum(picture[..., 1], 1)
    for number, whose in enumerate(faces):
        picture[40:100, 20 + 80 * number : 80 + 80 * number] = (255, 0, whose)
    return {"file": encoded(Pillow.fromarray(picture), "PNG")}


@pytest.fixture
def faces(run_app, tmp_path):
    """An application with two persons."""
    with run_app(tmp_path, descriptors=SQUARES) as client:
        for person, whose in (("P1", 10), ("P2", 200)):
            client.post(
                "/images", files=photo(whose, whose), data={"person_id": person, "external_id": f"{person}.png"}
            )
        yield client


def test_a_picture_is_laid_against_a_persons_faces(faces, document):
    """The same person or not, by how much, and by which of its images."""
    told = faces.post("/persons/P1/verify", files=photo(3, 12)).json()
    assert document.departures(told, "POST", "/persons/{person_id}/verify", 200) == []
    assert (told["same_person"], told["metric"], told["threshold"]) == (True, "cosine", 0.01)
    assert told["nearest"]["external_id"] == "P1.png"
    assert 0 <= told["distance"] < 0.01
    other = faces.post("/persons/P2/verify", files=photo(3, 12)).json()
    assert (other["same_person"], other["nearest"]["relation"]) == (False, "unrelated")
    assert faces.post("/persons/P2/verify", params={"threshold": 1.5}, files=photo(3, 12)).json()["same_person"] is True


def test_the_nearest_persons_of_each_face_are_told(faces, document):
    """Nothing is stored by asking."""
    told = faces.post("/persons/identify", files=photo(4, 200, 10), params={"top_k": 1}).json()
    assert document.departures(told, "POST", "/persons/identify", 200) == []
    assert sorted(near["person_id"] for face in told["faces"] for near in face["persons"]) == ["P1", "P2"]
    assert all(near["relation"] == "same_person" for face in told["faces"] for near in face["persons"])
    assert faces.get("/stats").json()["images"] == 2


@pytest.mark.parametrize("path", ["/persons/P1/verify", "/persons/identify"])
def test_what_cannot_be_answered_is_a_clear_problem(faces, assert_problem, path):
    """No face, a space that is none of faces, bytes that are no picture."""
    assert_problem(faces.post(path, files=photo(3)), 422, "no-face")
    problem = assert_problem(faces.post(path, files=photo(3, 10), params={"space": "x"}), 422, "invalid-request")
    assert problem["errors"][0]["where"] == "query.space"
    assert "deepface:squares" in problem["detail"]
    assert_problem(faces.post(path, files={"file": b"nothing"}), 415, "unsupported-picture")


def test_an_unknown_person_is_not_found(faces, assert_problem):
    """Rather than not the same."""
    assert_problem(faces.post("/persons/nobody/verify", files=photo(3, 10)), 404, "not-found")


def test_without_a_space_of_faces_the_setting_is_named(client, assert_problem):
    """Whoever runs the service knows what to do."""
    problem = assert_problem(client.post("/persons/identify", files=photo(3, 10)), 409, "no-face-space")
    assert "KEEPONE_DESCRIPTORS" in problem["detail"]


def test_conflicts_have_four_lists(faces, document, assert_problem):
    """Each pair of images is in the one that says what it is; nothing is removed."""
    faces.post("/images", files=photo(50, 12), data={"person_id": "P1"})
    faces.post("/images", files=photo(51, 198), data={"person_id": "P1"})
    faces.post("/images", files=photo(200, 200), data={"person_id": "P3"})
    faces.post("/images", files=photo(200, 200), data={"person_id": "P2"})
    found = {}
    for kind in (
        "same_picture_other_person",
        "same_picture_same_person",
        "same_face_other_person",
        "new_photo_same_person",
    ):
        page = faces.get("/persons/conflicts", params={"kind": kind}).json()
        assert document.departures(page, "GET", "/persons/conflicts", 200) == []
        assert {one["kind"] for one in page["items"]} == {kind}
        found[kind] = [[image["person_id"] for image in one["images"]] for one in page["items"]]
    assert found == {
        "same_picture_other_person": [["P2", "P3"]],
        "same_picture_same_person": [["P2", "P2"]],
        "same_face_other_person": [["P2", "P1"], ["P3", "P1"], ["P1", "P2"]],
        "new_photo_same_person": [["P1", "P1"]],
    }
    assert faces.get("/stats").json()["images"] == 6
    for more in ({"metric": "euclidean"}, {"threshold": 2.5}, {"metric": "euclidean_l2", "threshold": 3}):
        asked = {"kind": "new_photo_same_person", **more}
        problem = assert_problem(faces.get("/persons/conflicts", params=asked), 422, "invalid-request")
        assert problem["errors"][0]["where"] == "query.threshold"


def test_conflicts_of_faces_need_a_space_of_faces(client, assert_problem):
    """Those of pictures do not."""
    asked = {"kind": "same_face_other_person"}
    assert_problem(client.get("/persons/conflicts", params=asked), 409, "no-face-space")
    assert client.get("/persons/conflicts").status_code == 200
