"""`fsck` knows what further spaces should hold, and a repair leaves what has gone to whoever fills them."""

import sqlite3
from contextlib import closing

import pytest

from service import wiring
from service.descriptors.testing import SquareTwin
from service.settings import Settings
from service.workflows.arrival import Wish
from service.workflows.filling import fill
from service.workflows.findings import silent
from service.workflows.fsck import fsck
from service.workflows.fsck_repair import repair
from service.workflows.ingest import ingest


@pytest.fixture
def settings(tmp_path):
    return Settings(
        _env_file=None, data=tmp_path / "data", descriptors="builtin,deepface:squares", index_url="exact://"
    )


@pytest.fixture
def opened(settings, pool, monkeypatch, request):
    request.getfixturevalue("twins")
    monkeypatch.setattr(wiring, "DecodePool", lambda *_, **__: pool)
    made = []

    def run():
        made.append(wiring.build(settings))
        return made[-1]

    yield run
    for parts in made:
        parts.catalogue.close()


@pytest.fixture
def filled(opened, face_file):
    """Two pictures, one with two faces and one without, both described; and the space is in use."""
    parts = opened()
    for faces in ((10, 200), ()):
        ingest(face_file(len(faces), *faces), Wish(), parts)
    fill(parts.spaces[0], parts)
    parts.held.close()
    return parts


@pytest.fixture
def looked(settings):
    def run():
        with wiring.open_store(settings) as store:
            return {(one.kind, one.name) for one in fsck(store).findings}

    return run


@pytest.fixture
def behind(settings):
    """Writes behind the store's back."""

    def run(statement, *values):
        with closing(sqlite3.connect(settings.data / "catalogue.sqlite")) as connection, connection:
            connection.execute(statement, values)

    return run


@pytest.fixture
def mended(settings, pool):
    def run():
        with wiring.open_store(settings, alone=True) as store:
            repair(
                store,
                fsck(store),
                pool=pool,
                embedder=wiring.embedder(),
                space=wiring.space_of(store.catalogue),
                forget_indexes=lambda: wiring.forget_indexes(settings),
                progress=silent,
            )

    return run


@pytest.mark.usefixtures("filled")
def test_a_space_that_holds_what_the_log_says_is_clean(looked):
    """A picture without a face is described, and has no vector."""
    assert looked() == set()


def test_a_vector_that_has_gone_is_told_and_its_picture_is_described_anew(filled, looked, behind, mended):
    """A repair asks no model; until the space is filled again the picture is missing from it."""
    space = filled.spaces[0].space
    behind("DELETE FROM vector WHERE space_id = ? AND ordinal = 1", space.space_id)
    assert {kind for kind, _ in looked()} == {"spoilt-description"}
    mended()
    assert looked() == {("undescribed", "deepface:squares")}
    fill(filled.spaces[0], filled)
    assert looked() == set()
    assert filled.catalogue.descriptions.coverage(space.space_id).missing == 0


def test_a_vector_that_has_changed_is_forgotten_with_its_description(filled, looked, behind, mended):
    """Never is it made by the model of another space."""
    space_id = filled.spaces[0].space.space_id
    behind('UPDATE vector SET "values" = zeroblob(8) WHERE space_id = ? AND ordinal = 0', space_id)
    assert {kind for kind, _ in looked()} == {"changed-row", "bad-vector"}
    mended()
    assert looked() == {("undescribed", "deepface:squares")}
    fill(filled.spaces[0], filled)
    assert looked() == set()


def test_a_vector_that_nobody_told_of_is_one_too_many(filled, looked, behind, mended):
    """The log says how many there are of a picture."""
    space_id = filled.spaces[0].space.space_id
    behind("UPDATE change SET vectors = 1 WHERE vectors = 2 AND space_id = ?", space_id)
    assert {kind for kind, _ in looked()} == {"extra-vector"}
    mended()
    assert looked() == set()


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE change SET space_id = 99 WHERE vectors = 0", "wrong-change"),
        ("UPDATE change SET vectors = NULL WHERE vectors = 0", "wrong-change"),
        (
            "UPDATE change SET content_id = (SELECT content_id FROM change WHERE vectors = 2) WHERE vectors = 0",
            "wrong-change",
        ),
    ],
)
@pytest.mark.usefixtures("filled")
def test_a_change_that_tells_of_a_description_can_be_wrong(looked, behind, statement, kind):
    """Of no space, of no number, or a second time."""
    behind(statement)
    assert kind in {found for found, _ in looked()}


def test_a_generation_that_was_left_is_kept_and_is_no_finding(filled, opened, looked, face_file, monkeypatch):
    """Somebody may go back to it. While the newer one is filled it lacks what it says it lacks, and the older what came."""
    monkeypatch.setattr("service.descriptors.testing.opened", lambda name, _: SquareTwin(name, weights="2"))
    newer = opened()
    assert newer.spaces[0].space.state == "building"
    ingest(face_file(7, 90), Wish(), newer)
    assert looked() == set()
    fill(newer.spaces[0], newer)
    assert looked() == set()
    assert len(filled.catalogue.inspection.vectors(0, 99)) == 8
