"""`keepone fsck`, `backup` and `restore`: what they say, and their exit codes."""

import json
import sqlite3
from contextlib import closing

import pytest

from index_store.in_use import share


@pytest.fixture
def filled(folder, pictures, keepone):
    assert keepone("ingest", pictures / "astronaut.jpg").code == 0
    return folder


@pytest.fixture
def spoiled(filled):
    with closing(sqlite3.connect(filled / "data" / "catalogue.sqlite")) as connection, connection:
        connection.execute("UPDATE content SET width = width + 1")
        connection.execute("DELETE FROM vector")
    return filled


@pytest.mark.usefixtures("filled")
def test_a_sound_store_has_exit_code_0(keepone):
    """For people in words."""
    ran = keepone("fsck", "--deep")
    assert (ran.code, ran.err) == (0, "")
    assert "1 contents" in ran.out
    assert ran.out.endswith("nothing found\n")


@pytest.mark.usefixtures("spoiled")
def test_findings_have_exit_code_1_and_are_counted_and_named(keepone):
    """A table by kind, then each by its id."""
    ran = keepone("fsck")
    assert ran.code == 1
    assert "missing-vector" in ran.out
    assert "changed-row  content " in ran.out


@pytest.mark.usefixtures("spoiled")
def test_findings_as_json_and_what_a_repair_leaves(keepone):
    """The vector is made again; nobody can say what the row was."""
    ran = keepone("fsck", "--repair", "--json")
    said = json.loads(ran.out)
    assert (ran.code, said["clean"], said["repaired"]) == (1, False, 1)
    assert said["counts"] == {"changed-row": 1}
    assert said["findings"][0]["repairable"] is False


def test_a_repair_beside_a_service_has_exit_code_3(filled, keepone):
    """Looking is allowed, repairing is not."""
    with share(filled / "data"):
        assert keepone("fsck").code == 0
        ran = keepone("fsck", "--repair")
    assert ran.code == 3
    assert "stop the service" in ran.err


def test_a_backup_is_made_told_and_restored(filled, keepone):
    """The newest of a folder, or one by its name; and a picture's copy is found in what was restored."""
    ran = keepone("backup", "copies", "--keep", 1)
    assert ran.code == 0
    assert "verified" in ran.out
    assert "1 originals" in ran.out
    [backup] = [path for path in (filled / "copies").iterdir() if (path / "manifest.json").exists()]
    assert keepone("restore", "copies", "--data", "newest").code == 0
    assert keepone("restore", backup, "--data", "named").code == 0
    assert keepone("check", "pictures/copy.jpg", "--data", "newest").code == 1
    assert keepone("restore", backup, "--data", "named").code == 3


def test_a_backup_with_known_losses_counts_and_has_exit_code_1(filled, keepone):
    """Whoever watches the exit code is told, and what is left can be restored."""
    [file] = (filled / "data" / "blobs").glob("[0-9a-f][0-9a-f]/*/*")
    file.unlink()
    ran = keepone("backup", "copies")
    assert ran.code == 1
    assert "verified, with known losses" in ran.out
    assert "LOST: no good copy is left of 1 originals" in ran.err
    assert f"missing-blob  {file.name}" in ran.err
    ran = keepone("restore", "copies", "--data", "newest")
    assert ran.code == 0
    assert "1 of the originals were lost" in ran.err


def test_a_backup_into_the_data_folder_is_refused(filled, keepone):
    """It would be lost with what it is a backup of."""
    assert keepone("backup", filled / "data" / "copies").code == 2


@pytest.mark.usefixtures("filled")
def test_what_is_no_backup_is_refused(keepone):
    """Any other folder, the data folder too."""
    ran = keepone("restore", "data", "--data", "elsewhere")
    assert ran.code == 3
    assert "no backup" in ran.err
