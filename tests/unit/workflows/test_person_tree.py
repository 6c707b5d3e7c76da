"""A tree of persons goes out as it came in, and nothing that lies there is written over."""

import errno
import json
import os

import pytest

from index_store.errors import NotFoundError
from index_store.records import ImageFilter
from service.domain.errors import AlreadyThereError, PathNotAllowedError
from service.workflows import person_file
from service.workflows.arrival import OnDuplicate, Wish
from service.workflows.findings import silent
from service.workflows.ingest import ingest
from service.workflows.person_export import export
from service.workflows.person_import import persons_of, take_over_metadata, unless_there
from service.workflows.person_plan import PersonQuestion
from service.workflows.person_removal import remove
from service.workflows.preparing import Entry


@pytest.fixture
def tree(tmp_path, astronaut, coffee, written, resized):
    """A folder of each of two persons, one with a `metadata.json` of its own keys."""
    files = {
        "PERSON-0001/c10/large.jpg": written(astronaut, quality=92),
        "PERSON-0001/small.jpg": written(resized(astronaut, 0.5), quality=80),
        "PERSON-0002/ä b.png": written(coffee, "PNG"),
    }
    for name, data in files.items():
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (tmp_path / "tree" / "PERSON-0001" / "metadata.json").write_text('{"camera": ["c10"], "image_count": 9}')
    return tmp_path / "tree"


@pytest.fixture
def taken(parts, tree):
    """The tree, taken in; image ids by name."""
    found = {}
    for path in sorted(tree.rglob("*.*")):
        if path.suffix != ".json":
            person, _, name = path.relative_to(tree).as_posix().partition("/")
            wish = Wish(OnDuplicate.STORE, external_id=name, person_id=person)
            found[f"{person}/{name}"] = ingest(path.read_bytes(), wish, parts).image.image_id
    take_over_metadata(tree, parts)
    return found


@pytest.fixture
def write_out(parts, tmp_path):
    def run(*persons, place="out"):
        named = persons or [one.person_id for one in parts.catalogue.persons.list(100).items]
        outputs = parts.settings.effective_outputs
        return export(tmp_path / place, named, parts.catalogue, parts.blobs, outputs, silent)

    return run


def held(place):
    """Bytes by name, without `metadata.json`."""
    files = (path for path in place.rglob("*") if path.is_file() and path.name != "metadata.json")
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}


@pytest.mark.usefixtures("taken")
def test_a_tree_goes_out_as_it_came_in(tree, tmp_path, write_out):
    """To the byte, by its names, with keys of others untouched; and again it writes nothing."""
    told = write_out()
    assert (told.written, told.there, told.failed) == (3, 0, [])
    assert held(tmp_path / "out") == held(tree)
    said = json.loads((tmp_path / "out" / "PERSON-0001" / "metadata.json").read_text(encoding="utf-8"))
    expected = {"person_id": "PERSON-0001", "image_count": 2, "removed": [], "last_removal": None}
    assert said == {"camera": ["c10"], **expected}
    again = write_out()
    assert (again.written, again.there) == (0, 3)


@pytest.mark.usefixtures("taken")
def test_what_was_removed_is_not_written_and_told(parts, tree, tmp_path, write_out):
    """`metadata.json` names it."""
    remove(PersonQuestion(("PERSON-0001",)), parts, backup=False, confirm="")
    write_out()
    assert held(tmp_path / "out").keys() == held(tree).keys() - {"PERSON-0001/small.jpg"}
    said = json.loads((tmp_path / "out" / "PERSON-0001" / "metadata.json").read_text(encoding="utf-8"))
    assert ([one["name"] for one in said["removed"]], said["image_count"]) == (["small.jpg"], 1)


@pytest.mark.usefixtures("taken")
def test_nothing_that_lies_there_is_written_over(tmp_path, write_out):
    """A file, a link; and of `metadata.json` only our keys."""
    folder = tmp_path / "out" / "PERSON-0001"
    folder.mkdir(parents=True)
    (folder / "small.jpg").write_bytes(b"another")
    (folder / "metadata.json").write_text('{"mine": 1, "image_count": 77}')
    (tmp_path / "elsewhere").mkdir()
    (folder / "c10").symlink_to(tmp_path / "elsewhere")
    told = write_out()
    assert len(told.failed) == 2
    assert (folder / "small.jpg").read_bytes() == b"another"
    assert list((tmp_path / "elsewhere").iterdir()) == []
    said = json.loads((folder / "metadata.json").read_text(encoding="utf-8"))
    assert (said["mine"], said["image_count"], said["camera"]) == (1, 2, ["c10"])
    (folder / "metadata.json").write_bytes(b"{")
    assert "metadata.json" in write_out().failed[-1]
    assert (folder / "metadata.json").read_bytes() == b"{"


@pytest.mark.parametrize(
    "name",
    [
        *("../out.jpg", "/etc/x.jpg", "a//b.jpg", ".hidden", "x" * 300, None),
        *("metadata.json", "METADATA.JSON", "metadata.json.new", "metadata.json/x.jpg"),
    ],
)
def test_a_name_that_cannot_be_one_becomes_the_images_id(parts, tmp_path, write_out, astronaut, written, name):
    """Nothing is written outside its person's folder."""
    image = ingest(written(astronaut), Wish(external_id=name, person_id="P1"), parts).image
    assert write_out("P1").failed == []
    assert held(tmp_path / "out").keys() == {f"P1/{image.image_id}.jpeg"}
    assert {path.name for path in tmp_path.iterdir()} == {"data", "out"}


@pytest.mark.usefixtures("taken")
def test_a_persons_folder_that_is_a_link_is_not_followed(tmp_path, write_out):
    """It is told, and the others are written."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "PERSON-0001").symlink_to(tmp_path / "elsewhere")
    told = write_out()
    assert (told.written, len(told.failed)) == (1, 1)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.usefixtures("taken")
def test_a_metadata_json_that_cannot_be_read_ends_nothing(tmp_path, write_out):
    """It is told, and the others are written."""
    (tmp_path / "out" / "PERSON-0001" / "metadata.json").mkdir(parents=True)
    told = write_out()
    assert (told.written, len(told.failed)) == (3, 1)
    assert (tmp_path / "out" / "PERSON-0002" / "metadata.json").is_file()


@pytest.mark.usefixtures("taken")
def test_a_full_disk_ends_the_export(monkeypatch, write_out):
    """At `metadata.json` too: what follows would not fit either."""

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(person_file, "write_at", full)
    with pytest.raises(OSError, match="No space left"):
        write_out()


def test_two_images_of_one_name_are_both_written(parts, tmp_path, write_out, astronaut, coffee, written):
    """The later one by its name."""
    for picture in (astronaut, coffee):
        ingest(written(picture), Wish(external_id="a/x.jpg", person_id="P1"), parts)
    assert write_out("P1").written == 2
    names = held(tmp_path / "out").keys()
    assert "P1/a/x.jpg" in names
    assert len(names) == 2


def test_a_lost_original_is_named_and_costs_the_others_nothing(parts, taken, tmp_path, write_out):
    """It cannot be written."""
    name = parts.catalogue.image(taken["PERSON-0001/small.jpg"]).content_id
    (parts.settings.data / "blobs" / name[:2] / name[2:4] / name).unlink()
    told = write_out()
    assert (told.written, len(told.failed)) == (2, 1)
    assert "PERSON-0001/small.jpg" not in held(tmp_path / "out")


def test_an_unknown_person_is_not_written(write_out):
    """Named."""
    with pytest.raises(NotFoundError, match="nobody"):
        write_out("nobody")


def test_a_folder_is_the_person_it_is_called_after_or_the_one_its_file_names(tree):
    """Where that person's folder would be called so."""
    odd = tree / person_file.folder_name("a/b")
    odd.mkdir()
    (odd / "metadata.json").write_text('{"person_id": "a/b"}')
    (tree / "PERSON-0002" / "metadata.json").write_text('{"person_id": "somebody else"}')
    (tree / ".hidden").mkdir()
    (tree / "file.jpg").write_bytes(b"")
    assert persons_of(tree) == {"PERSON-0001": "PERSON-0001", "PERSON-0002": "PERSON-0002", odd.name: "a/b"}


def test_a_folder_whose_name_is_no_text_is_refused(tree):
    """Nobody could find the person again."""
    os.mkdir(os.fsencode(tree) + b"/\xff")  # noqa: PTH102 - a name that is no text
    with pytest.raises(PathNotAllowedError):
        persons_of(tree)


def test_a_file_of_ours_is_not_written_over_by_one_that_comes(parts, tree, taken):
    """It tells of removals."""
    assert taken
    (tree / "PERSON-0001" / "metadata.json").write_text('{"camera": "other"}')
    take_over_metadata(tree, parts)
    path = parts.settings.effective_outputs / "persons" / "PERSON-0001" / "metadata.json"
    assert json.loads(path.read_text(encoding="utf-8"))["camera"] == ["c10"]


@pytest.mark.parametrize("deep", [900, 950, 975, 1_000_000])
def test_a_file_that_is_nested_too_deeply_is_understood_by_nobody(parts, tree, taken, deep):
    """It is kept as it came, and the person's images are removed all the same."""
    assert taken
    path = parts.settings.effective_outputs / "persons" / "PERSON-0001" / "metadata.json"
    data = b'{"a": ' + b"[" * deep + b"]" * deep + b"}"
    path.write_bytes(data)
    (tree / "PERSON-0001" / "metadata.json").write_bytes(data)
    assert persons_of(tree)["PERSON-0001"] == "PERSON-0001"
    take_over_metadata(tree, parts)
    remove(PersonQuestion(("PERSON-0001",)), parts, backup=False, confirm="")
    assert parts.catalogue.persons.get("PERSON-0001").images == 1
    assert path.read_bytes() == data or json.loads(path.read_bytes())["image_count"] == 1


def test_what_a_person_has_already_is_passed_over(parts, tree, taken):
    """The same bytes by the same name; other bytes, another name or another person are not the same."""
    assert taken
    data = (tree / "PERSON-0001" / "small.jpg").read_bytes()

    def wish_for(name):
        person, _, below = name.partition("/")
        return Wish(person_id=person, external_id=below)

    names = ["PERSON-0001/small.jpg", "PERSON-0001/other.jpg", "PERSON-0002/small.jpg"]
    entries = [*(Entry(number, name, data) for number, name in enumerate(names)), Entry(3, names[0], data + b"!")]
    told = list(unless_there(entries, wish_for, parts.catalogue))
    assert [isinstance(entry.error, AlreadyThereError) for entry in told] == [True, False, False, False]
    assert len(parts.catalogue.images(ImageFilter(), 100).items) == 3
