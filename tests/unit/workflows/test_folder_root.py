"""That a folder is the one it was: its mark while something of it lies aside, and what is refused without it."""

import hashlib

import pytest

from index_store.removal_records import NewRemoval, PlannedItem
from index_store.testing import MemoryRemovals
from index_store.trees.marking import MARK, marked
from service.workflows import folder_root
from service.workflows.file_removal import apply, undo
from service.workflows.findings import silent
from service.workflows.folder_root import WrongFolderError, bound, check_still, found

HASH = "a" * 64


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("keeper.jpg", "one.jpg", "two.jpg"):
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture
def removals():
    return MemoryRemovals(lambda: "2020-01-01T00:00:00.000000Z")


@pytest.fixture
def applied(root, removals):
    """A removal of one file of the folder, applied."""

    def run(name):
        goes, stays = (
            {"name": one, "at": one, "sha256": hashlib.sha256(one.encode()).hexdigest()} for one in (name, "keeper.jpg")
        )
        asked = {"root": str(root), "aside": str(root.parent / "trash")}
        plan = bound(NewRemoval("folder", asked, HASH, (PlannedItem(goes, stays, 1),)), found(root), removals)
        removals.plan(plan)
        apply(plan.removal_id, HASH, removals, silent)
        return plan.removal_id

    return run


def test_the_mark_stays_for_as_long_as_something_lies_aside(root, applied, removals):
    first, second = applied("one.jpg"), applied("two.jpg")
    undo(first, removals, silent)
    assert marked(root)
    undo(second, removals, silent)
    assert sorted(path.name for path in root.iterdir()) == ["keeper.jpg", "one.jpg", "two.jpg"]


def test_another_folder_in_its_place_is_not_filled(root, applied, removals, tmp_path):
    """The disk is not mounted; what came back into the empty folder would be out of sight once it is."""
    removal_id = applied("one.jpg")
    root.rename(tmp_path / "elsewhere")
    root.mkdir()
    with pytest.raises(WrongFolderError, match="is its disk mounted"):
        undo(removal_id, removals, silent)
    assert list(root.iterdir()) == []
    assert removals.get(removal_id).state == "applied"


def test_who_knows_better_says_so_in_the_folder(root, applied, removals):
    """The word that the refusal names, written into the file that it names."""
    removal_id = applied("one.jpg")
    word = marked(root)
    (root / MARK).unlink()
    with pytest.raises(WrongFolderError, match=word):
        undo(removal_id, removals, silent)
    (root / MARK).write_text(word)
    assert undo(removal_id, removals, silent).state == "undone"


def test_nothing_goes_from_a_folder_that_lost_its_mark(root, applied, monkeypatch):
    """Of however many removals; something of the folder that stood here lies aside."""
    monkeypatch.setattr(folder_root, "_PAGE", 1)
    applied("one.jpg")
    applied("two.jpg")
    (root / MARK).unlink()
    with pytest.raises(WrongFolderError):
        applied("two.jpg")
    assert marked(root) is None


def test_a_folder_that_was_swapped_while_it_was_looked_at_is_refused(root, tmp_path):
    before = found(root)
    check_still(root, before)
    root.rename(tmp_path / "elsewhere")
    with pytest.raises(WrongFolderError):
        check_still(root, before)
    root.mkdir()
    with pytest.raises(WrongFolderError):
        check_still(root, before)


def test_a_folder_with_nothing_at_all_in_it_is_no_folder_without_duplicates(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(WrongFolderError, match="nothing at all"):
        found(tmp_path / "empty")
    with pytest.raises(WrongFolderError, match="not there"):
        found(tmp_path / "gone")
