"""`keepone reindex`: the index anew, from the catalogue alone."""

import shutil

import pytest

from service.settings import load_settings
from service.wiring import open_snapshots
from service.workflows import reindex


def test_an_empty_store_has_nothing_to_index(keepone):
    """That is no error."""
    ran = keepone("reindex")
    assert (ran.code, ran.out) == (0, "no vectors to index\n")


def test_a_lost_index_is_made_again_without_the_pictures(keepone, folder, pictures):
    """Neither the files nor their blobs are needed, and the copies are found as before."""
    keepone("ingest", pictures)
    shutil.rmtree(folder / "data" / "blobs")
    shutil.rmtree(folder / "data" / "index", ignore_errors=True)
    ran = keepone("reindex")
    assert ran.code == 0
    assert ran.out.startswith("3 vectors up to change 3 (flat), ")
    assert "reindex: " not in ran.err
    assert list((folder / "data" / "index").glob("builtin-*/manifest-*"))


def test_an_index_that_keeps_nothing_on_disk_cannot_be_made_anew(keepone, monkeypatch):
    """The setting is named."""
    monkeypatch.setenv("KEEPONE_INDEX_URL", "exact://")
    ran = keepone("reindex")
    assert ran.code == 2
    assert "KEEPONE_INDEX_URL" in ran.err


def test_two_do_not_build_at_once(keepone, folder, pictures):
    """The second is told so, and leaves the first alone."""
    keepone("ingest", pictures / "astronaut.jpg")
    with open_snapshots(load_settings()) as (_, _, snapshots), snapshots.lease() as mine:
        assert mine
        ran = keepone("reindex")
    assert ran.code == 3
    assert "another process is building" in ran.err
    assert not list((folder / "data" / "index").glob("builtin-*/manifest-*"))


def test_progress_is_told_step_by_step(keepone, pictures):
    """Read, train, write, verify, each with how many vectors."""
    keepone("ingest", pictures)
    told = []
    with open_snapshots(load_settings()) as (catalogue, space, snapshots):
        made = reindex.reindex(catalogue, space, snapshots, lambda step, done: told.append((step, done)))
    assert told == [("read", 3), ("train", 3), ("write", 3), ("verify", 3)]
    assert (made.vectors, made.kind) == (3, "flat")


@pytest.mark.usefixtures("twins")
def test_a_further_space_is_filled_from_the_originals(keepone, pictures, monkeypatch):
    """However long after they were taken in; and again there is nothing to do."""
    keepone("ingest", pictures)
    monkeypatch.setenv("KEEPONE_DESCRIPTORS", "builtin,clip:colours")
    for _ in range(2):
        ran = keepone("reindex", "--space", "clip:colours")
        assert (ran.code, ran.out) == (0, "clip:colours: 3 pictures described, 0 could not be\n")
    ran = keepone("check", pictures / "astronaut.jpg")
    assert "similar: " in ran.out
    assert "cosine 0.000, within 0.1 (clip:colours)" in ran.out


def test_a_space_that_is_not_set_is_not_filled(keepone):
    """Nor is its model opened."""
    ran = keepone("reindex", "--space", "deepface:Dlib")
    assert ran.code != 0
    assert "There is no descriptor space 'deepface:Dlib'" in ran.err


@pytest.mark.usefixtures("twins")
def test_the_indexes_of_further_spaces_are_made_anew_too(keepone, folder, pictures, monkeypatch):
    """Of those that are set; no model is opened for it."""
    keepone("ingest", pictures)
    monkeypatch.setenv("KEEPONE_DESCRIPTORS", "builtin,clip:colours")
    keepone("reindex", "--space", "clip:colours")
    monkeypatch.setattr("service.descriptors.testing.opened", None)
    ran = keepone("reindex")
    assert ran.code == 0, ran.err
    [_, further] = ran.out.splitlines()
    assert further.startswith("clip:colours: 3 vectors up to change 6 (flat), ")
    assert list((folder / "data" / "index").glob("clip_colours-*/manifest-*"))
    monkeypatch.delenv("KEEPONE_DESCRIPTORS")
    assert len(keepone("reindex").out.splitlines()) == 1
