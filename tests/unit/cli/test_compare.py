"""`keepone compare`: stages for people, JSON for scripts, and the map as a file."""

import json

import pytest


@pytest.fixture
def stored(keepone, pictures):
    """The astronaut is in the store; its id."""
    assert keepone("ingest", pictures / "astronaut.jpg").code == 0
    return json.loads(keepone("check", "--json", pictures / "astronaut.jpg").out)["matches"][0]["image_id"]


def test_a_copy_exits_1_and_says_what_was_looked_at(keepone, pictures, tmp_path):
    """The map of changes lies where it was wanted."""
    ran = keepone("compare", pictures / "copy.jpg", pictures / "astronaut.jpg", "--changes", tmp_path / "map.png")
    assert ran.code == 1
    assert ran.out.startswith("duplicate (99.")
    assert "no  bytes: the bytes differ" in ran.out
    assert "yes  frames: " in ran.out
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_strangers_exit_0(keepone, pictures, tmp_path):
    """There is no map of them."""
    ran = keepone("compare", pictures / "copy.jpg", pictures / "deep" / "coffee.png", "--changes", tmp_path / "map.png")
    assert ran.code == 0
    assert "unrelated" in ran.out
    assert not (tmp_path / "map.png").exists()


def test_a_stored_picture_is_named_by_its_id(keepone, pictures, stored):
    """As JSON it is the API's answer."""
    ran = keepone("compare", "--json", pictures / "copy.jpg", stored)
    assert ran.code == 1
    assert json.loads(ran.out)["relation"] == "reencoded"


def test_what_is_neither_file_nor_image_is_a_usage_error(keepone, pictures):
    """Exit 2, and nothing on standard output."""
    ran = keepone("compare", pictures / "copy.jpg", "img_none")
    assert (ran.code, ran.out) == (2, "")
    assert "img_none is neither a file" in ran.err


def test_a_broken_file_exits_3(keepone, pictures):
    """Nothing was compared."""
    assert keepone("compare", pictures / "copy.jpg", pictures / "deep" / "broken.jpg").code == 3


def test_a_map_of_changes_is_written_over_nothing(keepone, pictures):
    """Least of all over one of the two."""
    query = pictures / "copy.jpg"
    before = query.read_bytes()
    ran = keepone("compare", query, pictures / "astronaut.jpg", "--changes", query)
    assert ran.code == 2
    assert query.read_bytes() == before
