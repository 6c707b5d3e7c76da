"""A backup counts once it was restored and found sound; and nothing else is ever restored."""

import hashlib
import json
import shutil
import sqlite3
from contextlib import closing
from functools import partial

import pytest

from index_store import ids
from index_store.backups import CATALOGUE, MANIFEST, Backups
from index_store.blobs.local import LocalBlobs
from index_store.errors import (
    BadBackupError,
    BadEntryError,
    CorruptBlobError,
    MissingBlobError,
    StoreInUseError,
    StoreNotEmptyError,
)
from index_store.in_use import share
from index_store.testing import a_content, a_hand_in
from service import wiring
from service.settings import Settings
from service.workflows.backup import back_up
from service.workflows.findings import silent
from service.workflows.fsck import fsck
from service.workflows.restore_backup import restore_backup


def hand_in(store, settings, *words):
    """Store files that are no pictures; nothing here looks at pixels."""
    space = wiring.space_of(settings, store.catalogue)
    for word in words:
        data = word.encode() * 100
        sha256 = hashlib.sha256(data).hexdigest()
        store.blobs.put(sha256, data)
        content = a_content(word, sha256=sha256, bytes=len(data), facts={"said": [word, None, 0.5]})
        entry = a_hand_in(word, space, content_id=sha256, content=content, image_id=f"img_{word}")
        store.catalogue.append(entry, searched_to=store.catalogue.head())


@pytest.fixture
def settings(tmp_path):
    return Settings(_env_file=None, data=tmp_path / "data")


@pytest.fixture
def store(settings):
    with wiring.open_store(settings) as opened:
        hand_in(opened, settings, "one", "two")
        yield opened


@pytest.fixture
def backups(tmp_path):
    return Backups(tmp_path / "backups")


@pytest.fixture
def made(store, settings, backups):
    """Makes a backup."""

    def run(keep=None):
        open_at = partial(wiring.open_store_at, settings)
        return back_up(store, backups.root, open_at=open_at, keep=keep, progress=silent)

    return run


@pytest.fixture
def restored(settings, backups, tmp_path):
    """Restores a backup, into a new folder unless told."""

    def run(name, data=tmp_path / "restored", load=None):
        open_at = partial(wiring.open_store_at, settings)
        restore_backup(backups, name, data, open_at=open_at, progress=silent, load=load)
        return Settings(_env_file=None, data=data)

    return run


def file_of(root, sha256):
    return root / sha256[:2] / sha256[2:4] / sha256


def spoil(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def test_a_restored_store_is_the_store(store, made, restored):
    """Every table to the letter, every original, and fsck finds nothing."""
    key = store.catalogue.keys.create("mine", "write")
    after = restored(made().name)
    with wiring.open_store(after) as again:
        assert fsck(again, deep=True).is_clean
        assert again.catalogue.head() == store.catalogue.head()
        for name in ("img_one", "img_two"):
            assert again.catalogue.image(name) == store.catalogue.image(name)
        assert [row.values for row in again.inspection.vectors(0, 9)] == [
            row.values for row in store.inspection.vectors(0, 9)
        ]
        assert again.catalogue.keys.find(key.key.key_id) == key.key


def test_a_second_backup_copies_what_is_new(store, settings, made):
    """The originals of a folder of backups are shared by all of them."""
    first = made()
    hand_in(store, settings, "three")
    second = made()
    assert (first.copied, second.copied) == (2, 1)
    assert (second.manifest.count, second.manifest.sequence) == (3, 3)
    assert first.manifest.verified
    assert second.manifest.verified


def test_no_file_of_a_backup_is_a_second_name_of_the_stores(made, backups):
    """What rots in the one must not rot in the other."""
    made()
    assert {path.stat().st_nlink for path in backups.root.rglob("*") if path.is_file()} == {1}


def test_a_copy_that_has_rotted_is_copied_again(made, backups):
    """Else every later backup would rest on it."""
    name = made().name
    [(sha256, _), _] = backups.originals(name)
    spoil(file_of(backups.root / "blobs", sha256))
    again = made()
    assert (again.copied, again.findings) == (1, ())
    backups.blobs().get(sha256, verify=True)


@pytest.mark.usefixtures("store")
def test_a_backup_of_a_broken_store_does_not_count_and_is_not_restored(settings, made, restored):
    """It is told at once, not on the day it is needed."""
    with closing(sqlite3.connect(settings.data / CATALOGUE)) as connection, connection:
        connection.execute("UPDATE content SET width = width + 1")
    broken = made(keep=1)
    assert broken.manifest.verified is None
    assert {one.kind for one in broken.findings} == {"changed-row"}
    with pytest.raises(BadBackupError, match="never verified"):
        restored(broken.name)


@pytest.mark.parametrize("how", ["rotten", "missing"])
def test_an_original_that_is_lost_does_not_cost_the_others_their_backup(store, settings, made, restored, how):
    """The manifest names it; the backup counts, older ones go, and everything else is restored."""
    sha256 = store.inspection.contents("", 1)[0].sha256
    file = file_of(settings.data / "blobs", sha256)
    spoil(file) if how == "rotten" else file.unlink()
    first, second = made(), made(keep=1)
    assert (second.findings, second.manifest.lacking) == ((), (sha256,))
    assert [one.name for one in second.losses] == [sha256]
    assert second.removed == (first.name,)
    with wiring.open_store(restored(second.name)) as again:
        assert [(one.kind, one.name) for one in fsck(again, deep=True).findings] == [("missing-blob", sha256)]


def test_an_original_that_has_rotted_everywhere_is_lost_too(store, settings, made, backups, restored):
    """In the store and in the folder of backups; the earlier backup, which promised it, is refused."""
    early = made()
    sha256 = store.inspection.contents("", 1)[0].sha256
    for folder in (settings.data / "blobs", backups.root / "blobs"):
        spoil(file_of(folder, sha256))
    late = made()
    assert late.manifest.verified
    assert [(one.kind, one.name) for one in late.losses] == [("rotten-blob", sha256)]
    with pytest.raises(CorruptBlobError):
        restored(early.name)
    with wiring.open_store(restored(late.name)) as again:
        assert [(one.kind, one.name) for one in fsck(again, deep=True).findings] == [("missing-blob", sha256)]


def test_an_original_that_was_found_again_is_restored_after_all(store, settings, made, restored):
    """A later backup copied it, and the folder's originals belong to all."""
    sha256 = store.inspection.contents("", 1)[0].sha256
    file = file_of(settings.data / "blobs", sha256)
    data = file.read_bytes()
    file.unlink()
    early = made()
    file.write_bytes(data)
    assert made().losses == ()
    with wiring.open_store(restored(early.name)) as again:
        assert fsck(again, deep=True).is_clean


def test_only_what_a_manifest_says_is_lacking_may_be(store, settings, made, backups, restored):
    """One more original that has gone since is refused."""
    known, other = (row.sha256 for row in store.inspection.contents("", 2))
    file_of(settings.data / "blobs", known).unlink()
    name = made().name
    file_of(backups.root / "blobs", other).unlink()
    with pytest.raises(MissingBlobError):
        restored(name)


@pytest.mark.parametrize("file", [CATALOGUE, "originals.txt", "blob"])
def test_a_damaged_backup_is_not_restored_and_leaves_nothing(made, backups, restored, tmp_path, file):
    """Neither the folder nor what was made beside it."""
    name = made().name
    if file == "blob":
        spoil(file_of(backups.root / "blobs", backups.originals(name)[0][0]))
    else:
        spoil(backups.root / name / file)
    with pytest.raises(Exception, match=r"damaged|rotted"):
        restored(name)
    assert not list(tmp_path.glob("restored*"))


def test_a_backup_of_a_newer_version_is_refused(made, backups, restored):
    """By its schema and by its own format."""
    name = made().name
    manifest = backups.root / name / MANIFEST
    said = json.loads(manifest.read_text())
    for change in ({"schema": "9999"}, {"format": 99}):
        manifest.write_text(json.dumps(said | change))
        with pytest.raises(BadBackupError, match="newer"):
            restored(name)


def test_nothing_is_restored_over_something(made, restored, tmp_path):
    """Not even over one stray file; an empty folder is fine."""
    name = made().name
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("keep me")
    with pytest.raises(StoreNotEmptyError, match=r"mine\.txt"):
        restored(name, tmp_path / "full")
    assert [path.name for path in (tmp_path / "full").iterdir() if path.suffix == ".txt"] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    assert (restored(name, tmp_path / "empty").data / CATALOGUE).exists()


def test_nothing_is_restored_under_a_running_service(made, restored, settings, tmp_path):
    """Neither over its data, nor into a folder it has just opened."""
    name = made().name
    with pytest.raises(StoreInUseError):
        restored(name, settings.data)
    with share(tmp_path / "fresh"), pytest.raises(StoreInUseError):
        restored(name, tmp_path / "fresh")


def test_old_backups_go_with_the_originals_that_only_they_name(store, settings, made, backups, restored):
    """What stays can still be restored."""
    alone = made()
    hand_in(store, settings, "three")
    made()
    last = made(keep=2)
    assert last.removed == (alone.name,)
    assert len(backups.names()) == 2
    shutil.rmtree(backups.root / backups.names()[0])
    (backups.root / last.name / MANIFEST).touch()
    backups.keep(1, made=last.name)
    assert len(list(backups.blobs().originals())) == 3
    restored(last.name)


def test_the_newest_backup_is_the_last_one_made_whatever_the_clock_said(store, settings, made, backups, monkeypatch):
    """A clock that ran ahead and was put right would else have `--keep` remove the backup just made."""
    with monkeypatch.context() as ahead:
        ahead.setattr(ids, "now", lambda: "2099-01-01T00:00:00.000000Z")
        early = made()
    hand_in(store, settings, "three")
    late = made(keep=1)
    assert late.removed == (early.name,)
    assert backups.verified() == [late.name]
    assert len(list(backups.blobs().originals())) == 3


def test_the_backup_just_made_stays_whatever_the_others_say(store, settings, made, backups):
    """A manifest with a number from nowhere must not cost the newest backup its place."""
    early = made()
    hand_in(store, settings, "three")
    late = made()
    manifest = backups.root / early.name / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"number": 99}))
    assert backups.keep(1, made=late.name) == []
    assert len(list(backups.blobs().originals())) == 3


def test_a_backup_whose_manifest_cannot_be_read_is_in_nobodys_way(made, backups):
    """It is neither removed nor taken for the newest, and the originals it names stay."""
    broken, whole = made(), made()
    (backups.root / broken.name / MANIFEST).write_text("{")
    last = made(keep=1)
    assert last.removed == (whole.name,)
    assert backups.names() == [broken.name, last.name]
    assert backups.verified() == [last.name]


def test_a_backup_that_is_cut_short_is_none_and_is_swept_up_by_the_next(made, backups, monkeypatch):
    """A folder without a manifest is no backup."""
    with monkeypatch.context() as patch:
        patch.setattr(LocalBlobs, "put", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            made()
    assert backups.names() == []
    assert list(backups.root.glob("unfinished-*"))
    made()
    assert not list(backups.root.glob("unfinished-*"))
    assert not list(backups.root.glob("trial-*"))


def test_a_catalogue_on_postgres_is_backed_up_and_moves_both_ways(
    postgres_url, settings, made, backups, restored, tmp_path
):
    """A backup is the same whatever it was made from, so it is also the way from one database to the other."""
    there = settings.model_copy(update={"catalogue_url": postgres_url})
    name = made().name
    load = partial(wiring.load_catalogue, there)
    restored(name, tmp_path / "with-postgres", load=load)
    there = there.model_copy(update={"data": tmp_path / "with-postgres"})
    with wiring.open_store(there) as store:
        assert fsck(store, deep=True).is_clean
        hand_in(store, there, "three")
        assert fsck(store, deep=True).is_clean
        open_at = partial(wiring.open_store_at, there)
        back = back_up(store, backups.root, open_at=open_at, keep=None, progress=silent)
    assert back.findings == ()
    with wiring.open_store(restored(back.name)) as again:
        assert again.catalogue.image("img_three").sequence == 3
    with pytest.raises(BadEntryError, match="not empty"):
        restored(name, tmp_path / "third", load=load)
