"""`keepone persons`: a tree comes in, is listed, and goes out."""

import json

import pytest


@pytest.fixture
def tree(folder, astronaut, coffee, written):
    """Two persons with a picture each, and something that is none."""
    for name, data in {
        "PERSON-0001/c10/a.jpg": written(astronaut, quality=92),
        "PERSON-0002/b.png": written(coffee, "PNG"),
        "PERSON-0002/notes.txt": b"no picture",
    }.items():
        path = folder / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "tree" / "PERSON-0001" / "metadata.json").write_text('{"camera": "c10"}')
    return folder / "tree"


def test_a_tree_comes_in_once_is_listed_and_goes_out(keepone, tree, folder):
    """The second time nothing is new."""
    first = keepone("persons", "import", tree)
    assert first.code == 0, first.err
    assert "2 stored" in first.out
    again = keepone("persons", "import", tree)
    assert (again.code, "2 there already" in again.out) == (0, True), again.out
    listed = [json.loads(line) for line in keepone("persons", "list", "--json").out.splitlines()]
    assert {one["person_id"]: one["images"] for one in listed} == {"PERSON-0001": 1, "PERSON-0002": 1}
    assert "PERSON-0001: 1 images" in keepone("persons", "list").out
    ran = keepone("persons", "export", folder / "out", "--person", "PERSON-0001")
    assert (ran.code, ran.out) == (0, "1 persons: 1 images written, 0 there already\n")
    assert (folder / "out/PERSON-0001/c10/a.jpg").read_bytes() == (tree / "PERSON-0001/c10/a.jpg").read_bytes()
    said = json.loads((folder / "out/PERSON-0001/metadata.json").read_text(encoding="utf-8"))
    assert (said["camera"], said["image_count"]) == ("c10", 1)
    (folder / "out/PERSON-0001/c10/a.jpg").write_bytes(b"another")
    ran = keepone("persons", "export", folder / "out", "--person", "PERSON-0001")
    assert (ran.code, "another file lies there" in ran.err) == (3, True)


def test_what_holds_no_person_and_what_is_our_own_is_refused(keepone, folder):
    """Nothing is begun."""
    (folder / "empty").mkdir()
    ran = keepone("persons", "import", folder / "empty")
    assert (ran.code, "no folder of a person" in ran.err) == (3, True)
    (folder / "data").mkdir(exist_ok=True)
    for act in ("import", "export"):
        assert keepone("persons", act, folder / "data").code == 3
