"""Nothing but a sound backup is restored, over nothing, and again if the first attempt was cut short."""

import errno
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from index_store.backups import CATALOGUE, MANIFEST
from index_store.errors import (
    BadBackupError,
    BadEntryError,
    HalfRestoredError,
    MissingBlobError,
    StoreInUseError,
    StoreNotEmptyError,
    StoreUnavailableError,
)
from index_store.failpoints import POINTS
from index_store.in_use import LOCK, share
from service import wiring
from service.workflows.backup import back_up
from service.workflows.findings import silent
from service.workflows.fsck import fsck
from service.workflows.restore_backup import restore_backup


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


def test_only_what_a_manifest_says_is_lacking_may_be(store, settings, made, backups, restored, file_of):
    """One more original that has gone since is refused."""
    known, other = (row.sha256 for row in store.inspection.contents("", 2))
    file_of(settings.data / "blobs", known).unlink()
    name = made().name
    file_of(backups.root / "blobs", other).unlink()
    with pytest.raises(MissingBlobError):
        restored(name)


@pytest.mark.parametrize("file", [CATALOGUE, "originals.txt", "blob"])
def test_a_damaged_backup_is_not_restored_and_leaves_nothing(made, backups, restored, tmp_path, file, file_of, spoil):
    """Neither the folder nor what was made beside it."""
    name = made().name
    if file == "blob":
        spoil(file_of(backups.root / "blobs", next(backups.originals(name))[0]))
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


def killed(restore_point, backups, data, **environment):
    """A restore by the command line, in a process of its own that dies at that point."""
    command = [sys.executable, "-m", "service.cli", "restore", backups.root, "--data", data]
    environment = os.environ | environment | {"KEEPONE_FAILPOINTS": f"{restore_point}=kill"}
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == -9


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
@pytest.mark.parametrize("point", [point for point in POINTS if point.startswith("restore.")])
def test_a_restore_killed_at_any_step_can_be_started_again(request, settings, made, backups, tmp_path, point, kind):
    """Until then nobody opens what it left. Rows in a database are not in the way if they are just those."""
    made()
    url = request.getfixturevalue("postgres_url") if kind == "postgres" else ""
    after = settings.model_copy(update={"data": tmp_path / "restored", "catalogue_url": url})
    assert killed(point, backups, after.data, **({"KEEPONE_CATALOGUE_URL": url} if url else {}))
    for alone in (False, True):
        with pytest.raises(HalfRestoredError), wiring.open_store(after, alone=alone):
            pass
    restore_backup(
        backups,
        backups.names()[-1],
        after.data,
        open_at=partial(wiring.open_store_at, settings),
        progress=silent,
        load=partial(wiring.load_catalogue, after) if url else None,
    )
    with wiring.open_store(after) as again:
        assert fsck(again, deep=True).is_clean
        assert again.catalogue.head() == 2
    assert {path.name for path in after.data.iterdir()} == {LOCK, "blobs", *([] if url else [CATALOGUE])}


def test_what_came_into_a_half_restored_folder_is_not_removed(made, backups, restored, tmp_path):
    """Only what a restore makes is."""
    name = made().name
    assert killed("restore.built", backups, tmp_path / "restored")
    (tmp_path / "restored" / "mine.txt").write_text("keep me")
    with pytest.raises(StoreNotEmptyError, match=r"mine\.txt"):
        restored(name)
    (tmp_path / "restored" / "mine.txt").unlink()
    restored(name)


def test_a_mount_point_is_restored_into(made, restored, tmp_path, monkeypatch):
    """It can neither be renamed nor replaced, and beside it there may be nothing to write to."""
    name, data = made().name, tmp_path / "volume"
    (data / "lost+found").mkdir(parents=True)
    mkdir, rename = os.mkdir, os.rename

    def refused(call, error, is_refused):
        def run(path, *rest, **more):
            if is_refused(Path(path)):
                raise OSError(error, os.strerror(error))
            return call(path, *rest, **more)

        return run

    monkeypatch.setattr(os, "rename", refused(rename, errno.EBUSY, lambda path: path.parent == tmp_path))
    read_only = refused(mkdir, errno.EROFS, lambda path: path.parent == tmp_path and not path.exists())
    monkeypatch.setattr(os, "mkdir", read_only)
    with wiring.open_store(restored(name, data)) as again:
        assert fsck(again, deep=True).is_clean


def test_rows_in_a_database_wait_until_the_originals_have_their_place(
    postgres_url, settings, made, restored, tmp_path, monkeypatch
):
    """Else they would name files that are not there, and a second attempt would find the database full."""
    name = made().name
    there = settings.model_copy(update={"data": tmp_path / "restored", "catalogue_url": postgres_url})
    load = partial(wiring.load_catalogue, there)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *_: (tmp_path / "nothing").stat())
        with pytest.raises(StoreUnavailableError):
            restored(name, load=load)
    with wiring.open_store(there.model_copy(update={"data": tmp_path / "other"})) as store:
        assert store.catalogue.head() == 0
    restored(name, load=load)
    with wiring.open_store(there) as store:
        assert fsck(store, deep=True).is_clean


def test_a_database_that_holds_something_else_is_not_restored_into(postgres_url, settings, made, restored, tmp_path):
    """One more key is enough. The folder is left as it was."""
    name = made().name
    there = settings.model_copy(update={"data": tmp_path / "restored", "catalogue_url": postgres_url})
    load = partial(wiring.load_catalogue, there)
    restored(name, load=load)
    restored(name, tmp_path / "again", load=load)
    with wiring.open_store(there) as store:
        store.catalogue.keys.create("mine", "write")
    with pytest.raises(BadEntryError, match="not empty"):
        restored(name, tmp_path / "third", load=load)
    assert not (tmp_path / "third").exists()


def test_a_restored_database_goes_on_numbering_where_the_other_stopped(
    postgres_url, settings, made, restored, tmp_path, hand_in
):
    """A number given twice would make the next model's space, or the next vector, impossible."""
    name = made().name
    there = settings.model_copy(update={"data": tmp_path / "restored", "catalogue_url": postgres_url})
    restored(name, load=partial(wiring.load_catalogue, there))
    with wiring.open_store(there) as store:
        held = {space.space_id for space in store.inspection.spaces()}
        assert store.catalogue.ensure_space("another", "1", 8, "cosine").space_id == max(held) + 1
        hand_in(store, "three")


def test_a_catalogue_on_postgres_is_backed_up_and_moves_both_ways(
    postgres_url, settings, made, backups, restored, tmp_path, hand_in
):
    """A backup is the same whatever it was made from, so it is also the way from one database to the other."""
    there = settings.model_copy(update={"catalogue_url": postgres_url})
    name = made().name
    load = partial(wiring.load_catalogue, there)
    restored(name, tmp_path / "with-postgres", load=load)
    there = there.model_copy(update={"data": tmp_path / "with-postgres"})
    with wiring.open_store(there) as store:
        assert fsck(store, deep=True).is_clean
        hand_in(store, "three")
        assert fsck(store, deep=True).is_clean
        open_at = partial(wiring.open_store_at, there)
        back = back_up(store, backups.root, open_at=open_at, keep=None, progress=silent)
    assert back.findings == ()
    with wiring.open_store(restored(back.name)) as again:
        assert again.catalogue.image("img_three").sequence == 3
    with pytest.raises(BadEntryError, match="not empty"):
        restored(name, tmp_path / "third", load=load)
