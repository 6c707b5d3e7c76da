"""Whose face it is: by the nearest of a person's faces, by the model's own threshold, and clear where it cannot be told."""

import numpy as np
import pytest

from index_store.errors import NotFoundError
from index_store.records import Removal
from service import wiring
from service.descriptors import testing
from service.descriptors.protocol import Described
from service.domain.errors import NoFaceError, NoFaceSpaceError, UnknownFaceSpaceError
from service.domain.likeness import Distance
from service.domain.values import Relation
from service.settings import Settings
from service.workflows import likeness, person_faces
from service.workflows.arrival import Wish
from service.workflows.check import check
from service.workflows.face_blocks import NO_FACE_KNOWN, identification_block, verification_block
from service.workflows.ingest import ingest
from service.workflows.person_faces import identify, verify, yardstick

pytestmark = pytest.mark.usefixtures("twins")

SQUARES = "deepface:squares"


@pytest.fixture
def opened(tmp_path, pool, monkeypatch):
    """Opens this test's store with the spaces that are named."""
    monkeypatch.setattr(wiring, "DecodePool", lambda *_, **__: pool)
    made = []

    def run(*names):
        settings = Settings(
            _env_file=None, data=tmp_path / "data", descriptors=",".join(("builtin", *names)), index_url="exact://"
        )
        made.append(wiring.build(settings))
        return made[-1]

    yield run
    for parts in made:
        parts.catalogue.close()


@pytest.fixture
def parts(opened):
    return opened(SQUARES)


@pytest.fixture
def put(parts):
    def run(data, person):
        return ingest(data, Wish(person_id=person), parts).image

    return run


def by(parts, **given):
    return yardstick(parts, **{"space": None, "metric": None, "threshold": None, **given})


def test_the_nearest_of_a_persons_faces_decides(parts, put, face_file):
    """With the image that it is in, and both boxes."""
    put(face_file(1, 200), "one")
    near = put(face_file(2, 12), "one")
    told = verify(face_file(3, 10), "one", by(parts), parts)
    assert told.nearest.image.image_id == near.image_id
    assert told.nearest.relation is Relation.SAME_PERSON
    assert (told.faces, told.compared, told.undescribed) == (1, 2, 0)
    assert told.nearest.query_box == pytest.approx([20 / 320, 40 / 240, 80 / 320, 100 / 240], abs=1e-6)


def test_a_face_beyond_the_threshold_is_another_persons(parts, put, face_file):
    """Or within it, if a wider one is asked for."""
    put(face_file(1, 60), "one")
    told = verify(face_file(2, 10), "one", by(parts), parts)
    assert told.nearest.relation is Relation.UNRELATED
    wide = verify(face_file(2, 10), "one", by(parts, threshold=told.nearest.distance), parts)
    assert wide.nearest.relation is Relation.SAME_PERSON


def test_any_face_of_the_picture_may_be_the_persons(parts, put, face_file):
    """Friends stand beside it."""
    put(face_file(1, 10), "one")
    assert verify(face_file(2, 200, 11, 90), "one", by(parts), parts).nearest.relation is Relation.SAME_PERSON


def test_of_a_stored_picture_only_the_largest_face_is_its_persons(parts, put, face_file):
    """Whoever stands behind somebody is not that one."""
    large, small = 250, 40
    put(face_file(1, large, small, smaller=1), "one")
    assert verify(face_file(2, large), "one", by(parts), parts).nearest.relation is Relation.SAME_PERSON
    assert verify(face_file(2, small), "one", by(parts), parts).nearest.relation is Relation.UNRELATED
    (face,) = identify(face_file(2, small), by(parts), parts, most=5).faces
    assert [near.relation for near in face.persons] == [Relation.UNRELATED]


def test_without_a_threshold_nothing_is_claimed(parts, put, face_file):
    """The makers of the twin name none for this metric; the distance is told, and a threshold may be given."""
    put(face_file(1, 10), "one")
    told = verify(face_file(2, 10), "one", by(parts, metric=Distance.EUCLIDEAN), parts)
    assert told.nearest.distance == pytest.approx(0, abs=0.01)
    block = verification_block("one", told)
    assert (block["same_person"], block["threshold"]) == (None, None)
    assert set(block["unknown"]) == {"same_person", "threshold"}
    given = by(parts, metric=Distance.EUCLIDEAN, threshold=0.5)
    assert verification_block("one", verify(face_file(2, 10), "one", given, parts))["same_person"] is True


def test_of_a_person_without_a_known_face_nothing_is_claimed(opened, face_file):
    """Pictures that came before the space did are counted, not compared."""
    before = opened()
    ingest(face_file(1, 10), Wish(person_id="one"), before)
    before.catalogue.close()
    parts = opened(SQUARES)
    told = verify(face_file(2, 10), "one", by(parts), parts)
    assert (told.nearest, told.compared, told.undescribed) == (None, 0, 1)
    block = verification_block("one", told)
    assert (block["same_person"], block["unknown"]["same_person"]) == (None, NO_FACE_KNOWN)


def test_each_person_is_told_once_and_nearest_first(parts, put, face_file):
    """However many pictures one of them has that lie nearer than all of another's."""
    for seed in range(6):
        put(face_file(seed, 10), "near")
    put(face_file(20, 60), "middle")
    put(face_file(21, 200), "far")
    put(face_file(22, 10), None)
    (face,) = identify(face_file(30, 12), by(parts), parts, most=2).faces
    assert [near.person_id for near in face.persons] == ["near", "middle"]
    assert [near.relation for near in face.persons] == [Relation.SAME_PERSON, Relation.UNRELATED]


def test_more_neighbours_are_asked_for_until_there_are_enough_persons(parts, put, face_file, monkeypatch):
    """The first neighbours may all be of one person."""
    monkeypatch.setattr("service.workflows.person_faces._FIRST", 1)
    for seed in range(6):
        put(face_file(seed, 10), "near")
    put(face_file(21, 200), "far")
    (face,) = identify(face_file(30, 12), by(parts), parts, most=2).faces
    assert [near.person_id for near in face.persons] == ["near", "far"]


def test_a_face_in_a_background_ends_no_search(parts, put, face_file, monkeypatch):
    """The neighbour that it finds is of somebody else, who lies farther than the next neighbour does."""
    monkeypatch.setattr("service.workflows.person_faces._FIRST", 1)
    put(face_file(1, 250, 10, smaller=1), "far")
    put(face_file(2, 30), "near")
    (face,) = identify(face_file(3, 10), by(parts), parts, most=1).faces
    assert [near.person_id for near in face.persons] == ["near"]


def test_a_search_for_persons_has_an_end(parts, put, face_file, monkeypatch):
    """However many photos the nearest has."""
    monkeypatch.setattr("service.workflows.person_faces._FIRST", 1)
    monkeypatch.setattr("service.workflows.widening.MOST_NEAR", 4)
    for seed in range(6):
        put(face_file(seed, 10), "near")
    put(face_file(21, 200), "far")
    (face,) = identify(face_file(30, 12), by(parts), parts, most=2).faces
    assert [near.person_id for near in face.persons] == ["near"]


def test_each_face_of_the_picture_is_identified_by_itself(parts, put, face_file):
    """With its box."""
    put(face_file(1, 10), "one")
    put(face_file(2, 200), "two")
    block = identification_block(identify(face_file(3, 200, 10), by(parts), parts, most=1))
    found = {face["persons"][0]["person_id"]: face["box"] for face in block["faces"]}
    assert found["two"][0] < found["one"][0]


def test_a_removed_image_is_nobodys_face(parts, put, face_file):
    """Neither when it is asked for by person nor by face."""
    image = put(face_file(1, 10), "one")
    parts.catalogue.append(Removal(image.image_id), searched_to=0)
    assert verify(face_file(2, 10), "one", by(parts), parts).nearest is None
    assert identify(face_file(2, 10), by(parts), parts, most=5).faces[0].persons == ()


def test_what_cannot_be_answered_is_refused(opened, face_file, written):
    """No space of faces, another one's name, a picture without a face, an unknown person."""
    with pytest.raises(NoFaceSpaceError, match="KEEPONE_DESCRIPTORS"):
        by(opened("clip:colours"))
    parts = opened(SQUARES, "clip:colours")
    with pytest.raises(UnknownFaceSpaceError, match=SQUARES):
        by(parts, space="clip:colours")
    with pytest.raises(NoFaceError):
        identify(written(np.full((60, 60, 3), 90, np.uint8), "PNG"), by(parts), parts, most=5)
    with pytest.raises(NotFoundError):
        verify(face_file(1, 10), "nobody", by(parts), parts)


@pytest.fixture
def of_lengths(monkeypatch):
    """The twin's vectors of several lengths: a face is sixteen times its direction, and its length less one."""

    def describe(self, pictures):
        self.asked += len(pictures)
        return [tuple(turned(one) for one in testing._faces(picture)) for picture in pictures]

    def turned(one):
        number = round(float(np.arctan2(one.vector[1], one.vector[0])) / (np.pi / 2) * 255)
        angle, length = number // 16 / 20, number % 16 + 1
        return Described(np.array([np.cos(angle), np.sin(angle), 0, 0], np.float32) * length, one.box)

    monkeypatch.setattr(testing.SquareTwin, "describe", describe)


@pytest.mark.usefixtures("of_lengths")
def test_by_the_plain_distance_the_nearest_is_found_behind_others_in_the_index(parts, put, face_file, monkeypatch):
    """The index goes by the angle, and the length of vectors counts."""
    monkeypatch.setattr(person_faces, "_FIRST", 1)
    put(face_file(1, 7), "long")
    put(face_file(2, 16), "turned")
    euclidean = by(parts, metric=Distance.EUCLIDEAN)
    for metric, expected in ((euclidean, "turned"), (by(parts, metric=Distance.COSINE), "long")):
        (face,) = identify(face_file(3, 0), metric, parts, most=1).faces
        assert [near.person_id for near in face.persons] == [expected]


@pytest.mark.usefixtures("of_lengths")
def test_a_model_with_a_threshold_of_the_plain_distance_alone_is_asked_by_that(parts, put, face_file, monkeypatch):
    """In answers beside a verdict, too."""
    monkeypatch.setattr(likeness, "_WIDER", 2)
    monkeypatch.setattr(parts.spaces[0].model, "thresholds", {"euclidean": 0.5})
    for seed in range(4):
        put(face_file(seed, 7 + seed), f"long {seed}")
    put(face_file(5, 16), "turned")
    told = check(face_file(6, 0), parts, top_k=1, point=parts.settings.operating_point).likeness
    assert [(near.person_id, near.metric) for near in told.persons] == [("turned", Distance.EUCLIDEAN)]
