"""`keepone persons verify` and `identify`, with a twin of a model of faces."""

import json
from contextlib import closing

import numpy as np
import pytest

from service import wiring
from service.settings import load_settings
from service.workflows.arrival import Wish
from service.workflows.ingest import ingest

pytestmark = pytest.mark.usefixtures("twins")


@pytest.fixture
def photo(folder, coffee, written):
    """A photograph with a patch of (255, 0, n), which is the twin's face."""

    def run(name, *faces):
        picture = np.maximum(coffee[:300, :400], (0, 1, 0)).astype(np.uint8)
        for number, whose in enumerate(faces):
            picture[40:100, 20 + 80 * number : 80 + 80 * number] = (255, 0, whose)
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(picture, "PNG"))
        return path

    return run


def test_faces_are_verified_and_identified(keepone, photo, monkeypatch):
    """In words and as JSON; the exit code says whether somebody was known."""
    monkeypatch.setenv("KEEPONE_DESCRIPTORS", "builtin,deepface:squares")
    with closing(wiring.build(load_settings())) as parts:
        ingest(photo("a.png", 10).read_bytes(), Wish(person_id="P1"), parts)
    again, other, none = photo("again.png", 12), photo("other.png", 200), photo("none.png")
    ran = keepone("persons", "verify", "P1", again)
    assert (ran.code, "the same person: cosine distance 0.0" in ran.out) == (1, True), ran
    ran = keepone("persons", "verify", "P1", other)
    assert (ran.code, "another person" in ran.out) == (0, True), ran
    told = json.loads(keepone("persons", "verify", "P1", again, "--json").out)
    assert (told["same_person"], told["compared"]) == (True, 1)
    ran = keepone("persons", "identify", again)
    assert (ran.code, "P1: same_person" in ran.out) == (1, True), ran
    ran = keepone("persons", "identify", other, "--json")
    assert (ran.code, json.loads(ran.out)["faces"][0]["persons"][0]["relation"]) == (0, "unrelated")
    ran = keepone("persons", "identify", none)
    assert (ran.code, "No face was found" in ran.err) == (3, True)
    ran = keepone("persons", "verify", "P9", again)
    assert (ran.code, "P9" in ran.err) == (3, True)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (("--threshold", "3"), 2),
        (("--threshold", "-0.1"), 2),
        (("--threshold", "nan"), 2),
        (("--metric", "euclidean_l2", "--threshold", "2.5"), 2),
        (("--metric", "euclidean", "--threshold", "1e7"), 2),
        (("--metric", "euclidean", "--threshold", "2.5"), 0),
    ],
)
def test_a_threshold_that_nothing_can_exceed_is_a_mistake_of_use(keepone, photo, monkeypatch, given, code):
    """Everybody would be one person, or nobody; of the plain distance only the model's lengths are a bound."""
    monkeypatch.setenv("KEEPONE_DESCRIPTORS", "builtin,deepface:squares")
    ran = keepone("persons", "identify", photo("a.png", 10), *given)
    assert ran.code == code, ran
    assert code == 0 or "--threshold" in ran.err


def test_without_a_space_of_faces_the_setting_is_named(keepone, photo):
    """And nothing is compared."""
    ran = keepone("persons", "identify", photo("a.png", 10))
    assert (ran.code, "KEEPONE_DESCRIPTORS" in ran.err) == (3, True)
