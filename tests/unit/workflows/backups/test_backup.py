"""A backup counts once it was restored and found sound, and the newest is the last one made."""

import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from functools import partial

import pytest

from index_store import ids
from index_store.backups import CATALOGUE, MANIFEST
from index_store.blobs.local import LocalBlobs
from index_store.catalogue import copying, engine_sqlite
from index_store.errors import (
    BadBackupError,
    CorruptBlobError,
    UnsupportedStoreError,
)
from service import wiring
from service.workflows.fsck import fsck


def test_a_second_backup_copies_what_is_new(store, made, hand_in):
    """The originals of a folder of backups are shared by all of them."""
    first = made()
    hand_in(store, "three")
    second = made()
    assert (first.copied, second.copied) == (2, 1)
    assert (second.manifest.count, second.manifest.sequence) == (3, 3)
    assert first.manifest.verified
    assert second.manifest.verified


def test_no_file_of_a_backup_is_a_second_name_of_the_stores(made, backups):
    """What rots in the one must not rot in the other."""
    made()
    assert {path.stat().st_nlink for path in backups.root.rglob("*") if path.is_file()} == {1}


def test_a_copy_that_has_rotted_is_copied_again(made, backups, file_of, spoil):
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
def test_an_original_that_is_lost_does_not_cost_the_others_their_backup(
    store, settings, made, restored, how, file_of, spoil
):
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


def test_an_original_that_has_rotted_everywhere_is_lost_too(store, settings, made, backups, restored, file_of, spoil):
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


def test_an_original_that_was_found_again_is_restored_after_all(store, settings, made, restored, file_of):
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


def test_old_backups_go_with_the_originals_that_only_they_name(store, made, backups, restored, hand_in):
    """What stays can still be restored."""
    alone = made()
    hand_in(store, "three")
    made()
    last = made(keep=2)
    assert last.removed == (alone.name,)
    assert len(backups.names()) == 2
    shutil.rmtree(backups.root / backups.names()[0])
    (backups.root / last.name / MANIFEST).touch()
    backups.keep(1, made=last.name)
    assert len(list(backups.blobs().originals())) == 3
    restored(last.name)


def test_the_newest_backup_is_the_last_one_made_whatever_the_clock_said(store, made, backups, monkeypatch, hand_in):
    """A clock that ran ahead and was put right would else have `--keep` remove the backup just made."""
    with monkeypatch.context() as ahead:
        ahead.setattr(ids, "now", lambda: "2099-01-01T00:00:00.000000Z")
        early = made()
    hand_in(store, "three")
    late = made(keep=1)
    assert late.removed == (early.name,)
    assert backups.verified() == [late.name]
    assert len(list(backups.blobs().originals())) == 3


def test_the_backup_just_made_stays_whatever_the_others_say(store, made, backups, hand_in):
    """A manifest with a number from nowhere must not cost the newest backup its place."""
    early = made()
    hand_in(store, "three")
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


@pytest.fixture
def on_a_share(backups, tmp_path, monkeypatch):
    """As if the folder of backups were a network file system, and so all below `share`."""

    def kind(path):
        shared = (backups.root, tmp_path / "share")
        return "nfs4" if any(path.absolute().is_relative_to(folder) for folder in shared) else None

    for module in (engine_sqlite, copying):
        monkeypatch.setattr(module, "network_file_system", kind)


@pytest.mark.usefixtures("on_a_share")
def test_a_folder_on_a_network_share_is_as_good_as_any(settings, made, backups, restored, tmp_path, monkeypatch):
    """SQLite, which refuses to work there, sees none of it; and nothing stays in the temporary folder."""
    (tmp_path / "local").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "local"))
    name = made().name
    assert backups.verified() == [name]
    assert list((tmp_path / "local").iterdir()) == []
    with wiring.open_store(restored(name)) as again:
        assert fsck(again, deep=True).is_clean
    with pytest.raises(UnsupportedStoreError, match="nfs4"):
        restored(name, tmp_path / "share")
    assert settings.data.exists()


@pytest.mark.usefixtures("on_a_share")
def test_originals_on_a_share_and_rows_in_a_database_are_restored(postgres_url, settings, made, restored, tmp_path):
    """The catalogue's file, which lies there for no longer than the restore, is opened elsewhere."""
    there = settings.model_copy(update={"data": tmp_path / "share", "catalogue_url": postgres_url})
    restored(made().name, there.data, load=partial(wiring.load_catalogue, there))
    with wiring.open_store(there) as again:
        assert fsck(again, deep=True).is_clean


def test_a_name_that_has_changed_to_no_name_is_found_and_is_no_crash(settings, made):
    """The trial tells of it, as of every other row that changed."""
    with closing(sqlite3.connect(settings.data / CATALOGUE)) as connection, connection:
        connection.execute("UPDATE content SET sha256 = 'no hash' WHERE rowid = 1")
    assert {"changed-row", "image-without-content"} <= {one.kind for one in made().findings}


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
