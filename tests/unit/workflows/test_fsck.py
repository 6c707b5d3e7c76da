"""`fsck` finds nothing in a sound store, names what the log and the rows contradict, and repairs what is derived."""

import hashlib
import io
import os
import shutil
import sqlite3
import time
from contextlib import closing
from functools import partial

import pytest

from index_store.blobs.local import LocalBlobs
from index_store.errors import StoreInUseError
from index_store.in_use import share
from index_store.job_records import IdempotentAnswer, NewJob
from index_store.records import Removal, Return
from index_store.testing import a_content, a_hand_in
from service import wiring
from service.descriptors.builtin import Builtin
from service.descriptors.registry import BUILTIN
from service.settings import Settings
from service.workflows.arrival import OnDuplicate, Wish
from service.workflows.findings import silent
from service.workflows.fsck import fsck
from service.workflows.fsck_repair import repair
from service.workflows.ingest import ingest


@pytest.fixture(scope="module")
def whole(tmp_path_factory, pool, astronaut, coffee, written):
    """A sound data folder: two pictures, one of them handed in twice, both ways of going and coming back."""
    folder = tmp_path_factory.mktemp("whole") / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wiring, "DecodePool", lambda *_, **__: pool)
        parts = wiring.build(Settings(_env_file=None, data=folder, index_url="exact://"))
    first = ingest(written(astronaut, quality=92), Wish(OnDuplicate.STORE), parts)
    ingest(written(astronaut, quality=60), Wish(OnDuplicate.REFERENCE), parts)
    second = ingest(written(coffee), Wish(OnDuplicate.STORE), parts)
    for one in (first, second):
        parts.catalogue.append(Removal(one.image.image_id), searched_to=0)
    ingest(written(coffee), Wish(OnDuplicate.STORE), parts)
    parts.catalogue.close()
    parts.held.close()
    return folder


@pytest.fixture
def settings(tmp_path, whole):
    shutil.copytree(whole, tmp_path / "data")
    return Settings(_env_file=None, data=tmp_path / "data")


@pytest.fixture
def store(settings):
    with wiring.open_store(settings) as opened:
        yield opened


@pytest.fixture
def behind(settings):
    """A statement run behind the store's back."""

    def run(statement):
        with closing(sqlite3.connect(settings.data / "catalogue.sqlite")) as connection, connection:
            return connection.execute(statement).fetchall()

    return run


@pytest.fixture
def mended(store, pool, settings):
    """Repairs what was found, and looks again."""

    def run():
        report = fsck(store, deep=True)
        space = wiring.space_of(store.catalogue)
        forget = partial(wiring.forget_indexes, settings)
        repair(store, report, pool=pool, embedder=Builtin(BUILTIN), space=space, forget_indexes=forget, progress=silent)
        return fsck(store, deep=True)

    return run


def found(report):
    return [(finding.kind, finding.name) for finding in report.findings]


def test_nothing_is_found_in_a_sound_store(store):
    """Whatever pictures went through: stored, referenced, removed, withdrawn, restored."""
    report = fsck(store, deep=True)
    assert (found(report), report.counts()) == ([], {})
    assert report.checked == {"changes": 6, "contents": 2, "images": 4, "vectors": 2, "originals": 2}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE image SET state = 'active' WHERE sequence = 1", "wrong-state"),
        ("UPDATE image SET state = 'removed' WHERE sequence = 6", "wrong-state"),
        ("DELETE FROM change WHERE sequence = 3", "missing-change"),
        ("DELETE FROM change WHERE sequence = 6", "untold-image"),
        ("UPDATE change SET kind = 'stored' WHERE sequence = 2", "wrong-change"),
        ("UPDATE change SET kind = 'removed' WHERE sequence = 5", "wrong-change"),
        ("UPDATE change SET kind = X'FF' WHERE sequence = 5", "wrong-change"),
        ("UPDATE change SET image_id = 'img_nobody' WHERE sequence = 3", "wrong-change"),
        (
            "DELETE FROM content WHERE sha256 = (SELECT content_id FROM image WHERE sequence = 6)",
            "image-without-content",
        ),
        ("DELETE FROM image", "content-without-image"),
        ("UPDATE image SET person_id = 'nobody' WHERE sequence = 6", "image-without-person"),
        ('UPDATE vector SET "values" = zeroblob(512) WHERE id = 1', "bad-vector"),
        ("INSERT INTO job_item (job_id, ordinal, name, state) VALUES ('job_x', 0, '', 'pending')", "loose-outcome"),
    ],
)
def test_what_rows_and_log_contradict_is_found(store, behind, statement, expected):
    """Each is one statement that no version of ours ever runs."""
    behind(statement)
    assert expected in {kind for kind, _ in found(fsck(store))}


@pytest.fixture
def returned(store):
    """Removed images came back: one whose content nobody else holds, and one beside the other image of its content."""
    removed = [image for image in store.inspection.images("", 10) if image.state == "removed"]
    astronaut, coffee = sorted(removed, key=lambda image: image.sequence)
    for image in (coffee, astronaut):
        store.catalogue.append(Return(image.image_id), searched_to=0)
    assert found(fsck(store, deep=True)) == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE change SET kind = 'revived' WHERE sequence = 7",
        "UPDATE change SET kind = 'restored' WHERE sequence = 7",
        "UPDATE change SET image_id = (SELECT image_id FROM change WHERE sequence = 6) WHERE sequence = 7",
        "UPDATE image SET state = 'removed' WHERE sequence = 3",
        "UPDATE change SET kind = 'removed' WHERE sequence = 8",
        "DELETE FROM change WHERE sequence = 8",
    ],
)
@pytest.mark.usefixtures("returned")
def test_what_contradicts_a_return_is_found(store, behind, statement):
    """The log vouches for what came back as for what went."""
    behind(statement)
    assert {kind for kind, _ in found(fsck(store))} & {"wrong-change", "wrong-state"}


def test_what_is_gone_at_a_second_look_was_no_finding(store, behind):
    """Beside a working service rows are read a moment apart; what passes is not told."""
    behind("UPDATE image SET state = 'active' WHERE sequence = 1")
    steps = []

    def mend(step, _done, _total):
        steps.append(step)
        if step == "originals":
            behind("UPDATE image SET state = 'removed' WHERE sequence = 1")

    assert found(fsck(store, progress=mend)) == []
    assert steps.count("changes") == 2


def test_a_picture_that_comes_while_it_looks_is_no_finding(store):
    """Its rows are read, and the change that tells of them is not yet."""
    before, space = store.catalogue.head(), wiring.space_of(store.catalogue)

    def commit(step, _done, _total):
        if step == "changes":
            head = store.catalogue.head()
            data = f"new {head}".encode()
            sha256 = hashlib.sha256(data).hexdigest()
            store.blobs.put(sha256, data)
            content = a_content("new", sha256=sha256, bytes=len(data))
            entry = a_hand_in(f"new {head}", space, content_id=sha256, content=content)
            store.catalogue.append(entry, searched_to=head)

    assert found(fsck(store, progress=commit)) == []
    assert store.catalogue.head() > before


def test_vectors_are_made_again_as_they_were(behind, mended):
    """A lost, a changed and a bad one; from the originals."""
    before = behind('SELECT content_id, "values" FROM vector ORDER BY content_id')
    behind("DELETE FROM vector WHERE id = 1")
    behind('UPDATE vector SET "values" = zeroblob(512) WHERE id = 2')
    assert found(mended()) == []
    assert behind('SELECT content_id, "values" FROM vector ORDER BY content_id') == before


def test_a_changed_vector_stays_where_its_original_is_lost(behind, mended, originals, settings):
    """A bad vector is more than none: without one the service would not even start."""
    behind("UPDATE vector SET checksum = 'x'")
    for name in originals():
        (settings.data / "blobs" / name[:2] / name[2:4] / name).unlink()
    left = {kind for kind, _ in found(mended())}
    assert left == {"changed-row", "missing-blob"}
    assert len(behind("SELECT id FROM vector")) == 2


def test_indexes_on_disk_are_forgotten_with_the_vectors(behind, mended, settings):
    """No change of the log tells of a repair, so they would never hear of it."""
    settings.index_folder.mkdir(exist_ok=True)
    behind("DELETE FROM vector WHERE id = 1")
    mended()
    assert not settings.index_folder.exists()


def test_a_broken_thumbnail_is_made_again(store, mended, settings):
    """Only a deep look reads them."""
    [first, *_] = sorted((settings.data / "blobs" / "derived").rglob("*.jpg"))
    first.write_bytes(b"no picture")
    assert found(fsck(store)) == []
    assert found(fsck(store, deep=True)) == [("bad-thumbnail", first.stem)]
    assert found(mended()) == []


def test_rotten_and_missing_originals_are_never_touched_by_a_repair(mended, originals, settings):
    """There is nothing to make them again from."""
    [rotten, missing] = originals()
    place = settings.data / "blobs"
    file = place / rotten[:2] / rotten[2:4] / rotten
    spoiled = file.read_bytes()[:-1] + b"?"
    file.write_bytes(spoiled)
    (place / missing[:2] / missing[2:4] / missing).unlink()
    report = mended()
    assert found(report) == [("missing-blob", missing), ("rotten-blob", rotten)]
    assert all("images img_" in finding.what for finding in report.findings)
    assert file.read_bytes() == spoiled


def test_an_original_that_cannot_be_read_is_named_and_ends_nothing(store, originals, monkeypatch):
    """A bad sector; the others are looked at all the same."""
    first, _ = originals()
    read = LocalBlobs.open

    class Bad(io.BytesIO):
        def read(self, _size=-1):
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(LocalBlobs, "open", lambda self, name: Bad() if name == first else read(self, name))
    assert found(fsck(store, deep=True)) == [("rotten-blob", first)]


def test_an_orphan_has_an_hour_and_is_removed_by_a_repair_only(store, mended, originals, settings):
    """Its row may be on its way; after an hour it is what a crash left behind."""
    data = b"nobody names this"
    name = hashlib.sha256(data).hexdigest()
    store.blobs.put(name, data)
    assert found(fsck(store)) == []
    long_ago = time.time() - 7200
    os.utime(settings.data / "blobs" / name[:2] / name[2:4] / name, (long_ago, long_ago))
    assert found(fsck(store)) == [("orphan-blob", name)]
    assert name in originals()
    assert found(mended()) == []
    assert len(originals()) == 2


def test_an_orphan_that_is_put_anew_before_the_repair_stays(store, pool, originals, settings):
    """Its row may be on its way now."""
    data = b"nobody names this yet"
    name = hashlib.sha256(data).hexdigest()
    store.blobs.put(name, data)
    long_ago = time.time() - 7200
    os.utime(settings.data / "blobs" / name[:2] / name[2:4] / name, (long_ago, long_ago))
    report = fsck(store)
    assert found(report) == [("orphan-blob", name)]
    store.blobs.put(name, data)
    space = wiring.space_of(store.catalogue)
    forget = partial(wiring.forget_indexes, settings)
    repair(store, report, pool=pool, embedder=Builtin(BUILTIN), space=space, forget_indexes=forget, progress=silent)
    assert name in originals()


def test_an_original_whose_images_are_all_purged_is_an_orphan(store, behind, mended, originals, settings):
    """Bytes that were on their way in at the moment of the purge were left; a repair takes them."""
    [name] = {row.content_id for row in store.inspection.images("", 9) if row.sequence == 3}
    behind(f"UPDATE image SET state = 'purged' WHERE content_id = '{name}' AND state = 'removed'")  # noqa: S608 - a hash
    behind(f"UPDATE image SET state = 'removed' WHERE content_id = '{name}' AND state = 'active'")  # noqa: S608 - a hash
    long_ago = time.time() - 7200
    os.utime(settings.data / "blobs" / name[:2] / name[2:4] / name, (long_ago, long_ago))
    assert "orphan-blob" not in {kind for kind, _ in found(fsck(store))}, "an image may come back"
    behind(f"UPDATE image SET state = 'purged' WHERE content_id = '{name}'")  # noqa: S608 - a hash
    assert ("orphan-blob", name) in found(fsck(store))
    mended()
    assert name not in originals()


def test_jobs_without_an_owner_and_answers_past_their_day_are_found(store, behind, mended):
    """The first is gone on with by a worker; the second a repair forgets."""
    job = store.jobs.create(NewJob("ingest", owner="somebody"))
    store.answers.finish(IdempotentAnswer("", "key", "0" * 64, 201))
    assert found(fsck(store)) == []
    behind("UPDATE job SET seen = '2020-01-01T00:00:00.000000Z'")
    behind("UPDATE idempotency SET created = '2020-01-01T00:00:00.000000Z'")
    assert found(fsck(store)) == [("abandoned-job", job.job_id), ("old-answer", "idempotency")]
    assert found(mended()) == [("abandoned-job", job.job_id)]


def test_a_repair_is_refused_while_anybody_else_has_the_store_open(settings):
    """It would forget vectors that the service still holds in memory."""
    with share(settings.data), pytest.raises(StoreInUseError), wiring.open_store(settings, alone=True):
        pass
    with wiring.open_store(settings, alone=True):
        pass


def test_a_catalogue_on_postgres_is_looked_at_alike(postgres, postgres_url, tmp_path):
    """The same rows, the same check sums."""
    settings = Settings(_env_file=None, data=tmp_path / "data", catalogue_url=postgres_url)
    with wiring.open_store(settings) as store:
        space = wiring.space_of(store.catalogue)
        data = b"a file"
        sha256 = hashlib.sha256(data).hexdigest()
        store.blobs.put(sha256, data)
        content = a_content("a", sha256=sha256, bytes=len(data))
        entry = a_hand_in("a", space, content_id=sha256, content=content)
        store.catalogue.append(entry, searched_to=0)
        assert found(fsck(store, deep=True)) == []
        postgres.run("UPDATE content SET width = 1; DELETE FROM vector", postgres_url)
        assert found(fsck(store)) == [("changed-row", f"content {sha256}"), ("missing-vector", sha256)]
