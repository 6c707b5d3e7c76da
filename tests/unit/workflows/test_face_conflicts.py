"""Faces against names: one face under two persons, new photos of one; copies of a picture are neither."""

import pytest

from index_store.records import Removal
from service import wiring
from service.settings import Settings
from service.workflows import face_conflicts as asking
from service.workflows.arrival import Wish
from service.workflows.face_conflicts import FaceConflictKind, face_conflicts
from service.workflows.ingest import ingest
from service.workflows.person_faces import yardstick

pytestmark = pytest.mark.usefixtures("twins")

OTHER, NEW = FaceConflictKind


@pytest.fixture
def parts(tmp_path, pool, monkeypatch):
    monkeypatch.setattr(wiring, "DecodePool", lambda *_, **__: pool)
    descriptors = "builtin,deepface:squares"
    made = wiring.build(Settings(_env_file=None, data=tmp_path / "data", descriptors=descriptors, index_url="exact://"))
    yield made
    made.catalogue.close()


@pytest.fixture
def put(parts):
    def run(data, person):
        return ingest(data, Wish(person_id=person), parts).image

    return run


def told(parts, kind, limit=50, cursor=None):
    by = yardstick(parts, None, None, None)
    return face_conflicts(kind, by, by.threshold, parts, limit, cursor)


def pairs(parts, kind):
    return [(one.image.image_id, *(other.image_id for other in one.others)) for one in told(parts, kind).items]


def test_one_face_under_two_persons_is_told_once(parts, put, face_file):
    """From the newer image's side, nearest first; a stranger and nobody's picture are in no conflict."""
    first = put(face_file(1, 10), "one")
    second = put(face_file(2, 18), "two")
    put(face_file(3, 200), "three")
    put(face_file(4, 10), None)
    third = put(face_file(5, 17), "three")
    assert pairs(parts, OTHER) == [(third.image_id, second.image_id, first.image_id), (second.image_id, first.image_id)]
    assert pairs(parts, NEW) == []


def test_a_new_photo_of_a_person_is_told_with_the_older_ones(parts, put, face_file):
    """Another face that the person has is not among them."""
    first = put(face_file(1, 10), "one")
    put(face_file(2, 200), "one")
    new = put(face_file(3, 12), "one")
    assert pairs(parts, NEW) == [(new.image_id, first.image_id)]
    assert pairs(parts, OTHER) == []


def test_copies_of_a_picture_are_no_new_photos(parts, put, face_file):
    """Nor is it by the face that one picture belongs to two persons: that is told by the picture."""
    for _ in range(2):
        put(face_file(1, 10), "one")
    put(face_file(1, 10), "two")
    assert pairs(parts, NEW) == pairs(parts, OTHER) == []


def test_only_the_largest_face_of_a_picture_counts(parts, put, face_file):
    """Friends may stand in each other's pictures."""
    put(face_file(1, 250, 10, smaller=1), "one")
    put(face_file(2, 100, 10, smaller=1), "two")
    assert pairs(parts, OTHER) == []


def test_what_was_removed_is_in_no_conflict(parts, put, face_file):
    """On either side."""
    images = [put(face_file(seed, 10), person) for seed, person in ((1, "one"), (2, "two"))]
    assert len(pairs(parts, OTHER)) == 1
    parts.catalogue.append(Removal(images[0].image_id), searched_to=0)
    assert pairs(parts, OTHER) == []


def test_pages_tell_each_once(parts, put, face_file, monkeypatch):
    """Also where an answer goes through few images: it may be empty, and goes on."""
    monkeypatch.setattr(asking, "_MOST_LOOKED_AT", 2)
    for seed in range(3):
        put(face_file(seed, 10), f"person {seed}")
    for seed in range(3, 8):
        put(face_file(seed, 200 + seed), "many")
    seen, cursor, pages = [], None, 0
    while True:
        page = told(parts, OTHER, 1, cursor)
        assert len(page.items) <= 1
        seen += [one.image.person_id for one in page.items]
        cursor, pages = page.next_cursor, pages + 1
        if cursor is None:
            break
    assert seen == ["person 2", "person 1"]
    assert pages > 3


def test_a_group_picture_among_the_neighbours_hides_nobody(parts, put, face_file, monkeypatch):
    """Though others in it lie far."""
    monkeypatch.setattr(asking, "_FIRST", 1)
    old = put(face_file(1, 20), "old")
    put(face_file(2, 10, 250), None)
    new = put(face_file(3, 10), "new")
    assert (new.image_id, old.image_id) in pairs(parts, OTHER)


def test_a_person_with_many_photos_hides_nobody(parts, put, face_file, monkeypatch):
    """However many neighbours are its own."""
    monkeypatch.setattr(asking, "_FIRST", 1)
    old = put(face_file(1, 20), "old")
    for seed in range(2, 8):
        put(face_file(seed, 10), "many")
    assert all(old.image_id in one for one in pairs(parts, OTHER))
    assert len(pairs(parts, OTHER)) == 6
