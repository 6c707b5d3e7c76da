"""`keepone ingest`: files and folders, counted."""

import json
import resource
import sqlite3

import pytest

from service.cli import ingest as command
from service.settings import Settings


@pytest.fixture
def kept(folder):
    """External id and verdict of every image, read behind the store's back."""

    def run():
        connection = sqlite3.connect(folder / "data" / "catalogue.sqlite")
        rows = connection.execute("SELECT external_id, verdict FROM image ORDER BY sequence").fetchall()
        connection.close()
        return rows

    return run


def test_a_folder_is_taken_in_and_its_broken_file_told(keepone, pictures, kept):
    """The others are stored under their paths; the exit code says that something failed."""
    ran = keepone("ingest", pictures)
    assert ran.code == 3
    assert ran.out == "1 failed, 1 stored as duplicate, 2 stored as unique\n"
    assert "deep/broken.jpg: " in ran.err
    assert sorted(name for name, _ in kept()) == ["astronaut.jpg", "copy.jpg", "deep/coffee.png"]


def test_without_failures_it_exits_0(keepone, pictures):
    """Duplicates are no failure when they are stored."""
    assert keepone("ingest", pictures / "astronaut.jpg", pictures / "copy.jpg").code == 0


def test_what_is_too_large_is_not_read(keepone, pictures):
    """A film is no picture; a picture over the limit fails; neither is taken into memory to find that out."""
    for name, head in (("film.mkv", b"\x1a\x45\xdf\xa3"), ("huge.jpg", b"\xff\xd8\xff\xe0")):
        with (pictures / name).open("wb") as file:
            file.write(head)
            file.truncate(3 * 2**30)
    (pictures / "deep" / "broken.jpg").unlink()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ran = keepone("ingest", pictures)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024
    assert (ran.code, ran.out) == (3, "1 failed, 1 not pictures, 1 stored as duplicate, 2 stored as unique\n")
    assert "huge.jpg: The file has 3,221,225,472 bytes" in ran.err
    assert "film" not in ran.err


def test_duplicates_can_be_left_out(keepone, pictures, kept):
    """Counted, and not stored."""
    keepone("ingest", pictures / "astronaut.jpg")
    ran = keepone("ingest", "--on-duplicate", "reject", pictures / "copy.jpg", pictures / "deep" / "coffee.png")
    assert (ran.code, ran.out) == (0, "1 left out, 1 stored as unique\n")
    assert [name for name, _ in kept()] == ["astronaut.jpg", "coffee.png"]


def test_duplicates_can_be_kept_as_references(keepone, pictures):
    """Counted under that word."""
    keepone("ingest", pictures / "astronaut.jpg")
    ran = keepone("ingest", "--on-duplicate", "reference", pictures / "copy.jpg")
    assert ran.out == "1 referenced as duplicate\n"


@pytest.mark.parametrize(("options", "quick"), [((), None), (("--quick",), True)])
def test_a_folder_may_be_taken_in_quickly(keepone, pictures, folder, options, quick):
    """The job says so. One that is not says nothing: what was begun before there was a choice is still the same job."""
    (pictures / "deep" / "broken.jpg").unlink()
    ran = keepone("ingest", *options, pictures)
    assert (ran.code, ran.out) == (0, "1 stored as duplicate, 2 stored as unique\n")
    connection = sqlite3.connect(folder / "data" / "catalogue.sqlite")
    asked = json.loads(connection.execute("SELECT request FROM job").fetchone()[0])
    blocks = [json.loads(block) for (block,) in connection.execute("SELECT verdict_block FROM image")]
    connection.close()
    assert asked.get("quick") is quick
    assert {block["quick"] for block in blocks} == {bool(quick)}


def test_taken_in_again_everything_is_known(keepone, pictures):
    """Nothing is stored twice."""
    keepone("ingest", pictures / "deep" / "coffee.png")
    assert keepone("ingest", pictures / "deep" / "coffee.png").out == "1 referenced as duplicate\n"


def test_an_empty_folder_is_no_failure(keepone, folder):
    """And is said."""
    (folder / "empty").mkdir()
    ran = keepone("ingest", folder / "empty")
    assert (ran.code, ran.out) == (0, "no files\n")


def test_links_below_a_folder_are_not_followed(keepone, pictures, folder):
    """A picture elsewhere is not below this folder."""
    place = folder / "links"
    place.mkdir()
    (place / "link.jpg").symlink_to(pictures / "astronaut.jpg")
    (place / "loop").symlink_to(place)
    assert keepone("ingest", place).out == "no files\n"


def test_what_keepone_keeps_is_not_taken_in(keepone, pictures, kept, folder):
    """Each run would find the pictures of the one before, and so on for ever; it is said, and where it is meant refused."""
    keepone("ingest", pictures)
    (folder / "pictures" / "deep" / "broken.jpg").unlink()
    ran = keepone("ingest", "--on-duplicate", "reference", folder)
    assert (ran.code, ran.out) == (0, "3 referenced as duplicate\n")
    assert ran.err.count(f"{folder / 'data'} is Keepone's own and is passed over") == 1
    assert "blobs" not in ran.err
    for place in (folder / "data", folder / "data" / "blobs"):
        refused = keepone("ingest", place)
        assert (refused.code, "lies in Keepone's own" in refused.err) == (3, True)
    assert len(kept()) == 6


def test_another_way_to_its_folders_is_no_way_around(keepone, pictures, monkeypatch):
    """A mount of the same folder elsewhere has another name and the same inode."""
    monkeypatch.setattr(Settings, "own_folders", (pictures / "deep",))
    monkeypatch.setattr(command, "refuse_own", lambda *_: None)
    assert keepone("ingest", pictures).out == "1 stored as duplicate, 1 stored as unique\n"
