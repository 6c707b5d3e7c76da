"""Setting a file aside and bringing it back, whatever happens in between."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from index_store.failpoints import FailPointError
from index_store.trees import moving
from index_store.trees.moving import ChangedFileError, SetAsideError, bring_back, set_aside
from index_store.trees.opening import Placed

LOSER, KEEPER, OTHER = b"the one that goes", b"the one that stays", b"saved over it"
STEPS = ("tree.checked", "tree.set-aside", "tree.hidden", "tree.removed")


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "pictures"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "loser.jpg").write_bytes(LOSER)
    (folder / "keeper.jpg").write_bytes(KEEPER)
    return folder


@pytest.fixture
def to(tmp_path):
    return tmp_path / "aside" / "removal" / "0001-loser.jpg"


@pytest.fixture
def loser(root):
    return placed(root, "deep/er/loser.jpg", LOSER)


@pytest.fixture
def keeper(root):
    return placed(root, "keeper.jpg", KEEPER)


@pytest.fixture
def another_disk(monkeypatch):
    """No link leads from one disk to another."""
    real = os.link

    def link(source, target, **folders):
        if folders.get("src_dir_fd") != folders.get("dst_dir_fd"):
            raise OSError(18, "Invalid cross-device link")
        return real(source, target, **folders)

    monkeypatch.setattr(os, "link", link)


def placed(root, name, data):
    return Placed(root, name, hashlib.sha256(data).hexdigest())


def files(*folders):
    """Everything there is, by path."""
    return {path: path.read_bytes() for folder in folders for path in Path(folder).rglob("*") if path.is_file()}


def failing_at(monkeypatch, wanted):
    def reached(point):
        if point == wanted:
            raise FailPointError(point)

    monkeypatch.setattr(moving, "reached", reached)


def meanwhile(monkeypatch, wanted, act):
    """Somebody else's doing between two steps."""
    monkeypatch.setattr(moving, "reached", lambda point: act() if point == wanted else None)


def test_it_lies_aside_and_is_gone_from_its_folder(root, loser, keeper, to):
    set_aside(loser, keeper, to, "a")
    assert files(root) == {root / "keeper.jpg": KEEPER}
    assert to.read_bytes() == LOSER


def test_times_mode_and_bytes_come_back(loser, keeper, to):
    os.utime(loser.path, ns=(1_500_000_000_000_000_000, 1_400_000_000_123_456_789))
    loser.path.chmod(0o640)
    before = loser.path.stat()
    set_aside(loser, keeper, to, "a")
    assert bring_back(to, loser) == loser.name
    after = loser.path.stat()
    assert loser.path.read_bytes() == LOSER
    assert (after.st_mtime_ns, after.st_mode) == (before.st_mtime_ns, before.st_mode)
    assert not to.exists()


@pytest.mark.usefixtures("another_disk")
def test_on_another_disk_it_is_copied_and_comes_back_the_same(root, loser, keeper, to):
    os.utime(loser.path, ns=(1_500_000_000_000_000_000, 1_400_000_000_123_456_789))
    loser.path.chmod(0o604)
    before = loser.path.stat()
    set_aside(loser, keeper, to, "a")
    assert files(root) == {root / "keeper.jpg": KEEPER}
    assert to.stat().st_mtime_ns == before.st_mtime_ns
    bring_back(to, loser)
    after = loser.path.stat()
    assert loser.path.read_bytes() == LOSER
    assert (after.st_mtime_ns, after.st_mode) == (before.st_mtime_ns, before.st_mode)
    assert files(to.parent) == {}


@pytest.mark.parametrize("disk", ["same", "other"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_nothing_is_lost_and_it_is_done_again(
    request, monkeypatch, root, loser, keeper, to, disk, step
):
    """What a kill leaves is what an exception that nobody handles leaves."""
    if disk == "other":
        request.getfixturevalue("another_disk")
    with monkeypatch.context() as patch:
        failing_at(patch, step)
        with pytest.raises(FailPointError):
            set_aside(loser, keeper, to, "a")
    there = files(root, to.parent) if to.parent.exists() else files(root)
    assert there[keeper.path] == KEEPER
    assert LOSER in there.values()
    set_aside(loser, keeper, to, "a")
    assert files(root) == {keeper.path: KEEPER}
    assert to.read_bytes() == LOSER
    set_aside(loser, keeper, to, "a")
    assert bring_back(to, loser) == loser.name
    assert loser.path.read_bytes() == LOSER


@pytest.mark.parametrize("disk", ["same", "other"])
def test_killed_while_it_comes_back_it_comes_back_once(request, monkeypatch, root, loser, keeper, to, disk):
    if disk == "other":
        request.getfixturevalue("another_disk")
    set_aside(loser, keeper, to, "a")
    with monkeypatch.context() as patch:
        failing_at(patch, "tree.brought-back")
        with pytest.raises(FailPointError):
            bring_back(to, loser)
    bring_back(to, loser)
    assert sorted(files(root).values()) == sorted([KEEPER, LOSER])
    assert bring_back(to, loser) == loser.name


def change_bytes(path):
    path.write_bytes(OTHER)


def save_over(path):
    """As editors do: written beside, then renamed."""
    beside = path.with_name("beside")
    beside.write_bytes(OTHER)
    beside.rename(path)


def become_link(path):
    aside = path.with_name("real")
    path.rename(aside)
    path.symlink_to(aside)


@pytest.mark.parametrize("change", [Path.unlink, change_bytes, save_over, become_link])
@pytest.mark.parametrize("step", [None, *STEPS[:3]])
def test_without_its_keeper_nothing_goes(monkeypatch, loser, keeper, to, change, step):
    """Missing, other bytes, another file, a link: before it begins, and between any two steps."""
    if step is None:
        change(keeper.path)
    else:
        meanwhile(monkeypatch, step, lambda: change(keeper.path))
    with pytest.raises(ChangedFileError):
        set_aside(loser, keeper, to, "a")
    assert loser.path.read_bytes() == LOSER


@pytest.mark.parametrize("change", [change_bytes, save_over])
@pytest.mark.parametrize("step", [None, *STEPS[:2]])
def test_what_was_saved_anew_stays(monkeypatch, loser, keeper, to, change, step):
    """A plan is about bytes. What somebody saved under the name since is another picture."""
    if step is None:
        change(loser.path)
    else:
        meanwhile(monkeypatch, step, lambda: change(loser.path))
    with pytest.raises((ChangedFileError, SetAsideError)):
        set_aside(loser, keeper, to, "a")
    assert loser.path.read_bytes() == OTHER
    assert keeper.path.read_bytes() == KEEPER


def test_what_came_under_its_name_while_it_was_hidden_stays_too(monkeypatch, root, loser, keeper, to):
    """The loser comes back beside it if the keeper has gone."""

    def act():
        loser.path.write_bytes(OTHER)
        keeper.path.unlink()

    meanwhile(monkeypatch, "tree.hidden", act)
    with pytest.raises(ChangedFileError):
        set_aside(loser, keeper, to, "a")
    assert loser.path.read_bytes() == OTHER
    assert (root / "deep" / "er" / "loser (restored 1).jpg").read_bytes() == LOSER


def test_a_second_name_of_the_same_file_is_no_second_copy(root, keeper, to):
    """A hard link: to remove it frees nothing, and its keeper might be removed for its sake."""
    os.link(keeper.path, root / "twin.jpg")
    with pytest.raises(ChangedFileError, match="same file"):
        set_aside(placed(root, "twin.jpg", KEEPER), keeper, to, "a")
    assert (root / "twin.jpg").exists()


def test_a_file_with_more_names_is_copied(root, loser, keeper, to):
    """Else whoever writes into it under its other name would write into what was set aside."""
    other = root / "other-name.jpg"
    os.link(loser.path, other)
    set_aside(loser, keeper, to, "a")
    other.write_bytes(OTHER)
    assert to.read_bytes() == LOSER


@pytest.mark.parametrize("name", ["../keeper.jpg", "deep/../keeper.jpg", "deep//er/loser.jpg", "./keeper.jpg"])
def test_a_name_that_leads_astray_is_refused(root, keeper, to, name):
    with pytest.raises(ChangedFileError):
        set_aside(placed(root, name, KEEPER), keeper, to, "a")


def test_a_link_on_the_way_is_not_followed(tmp_path, root, keeper, to):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "loser.jpg").write_bytes(LOSER)
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ChangedFileError):
        set_aside(placed(root, "linked/loser.jpg", LOSER), keeper, to, "a")
    assert (tmp_path / "elsewhere" / "loser.jpg").exists()


def test_what_cannot_be_moved_stays_and_is_told(monkeypatch, loser, keeper, to):
    """A disk that is full, or read-only."""

    def full(*_args, **_folders):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(SetAsideError, match="No space left"):
        set_aside(loser, keeper, to, "a")
    assert loser.path.read_bytes() == LOSER


def test_another_files_place_is_not_taken(loser, keeper, to):
    to.parent.mkdir(parents=True)
    to.write_bytes(OTHER)
    with pytest.raises(SetAsideError):
        set_aside(loser, keeper, to, "a")
    assert loser.path.read_bytes() == LOSER
    assert to.read_bytes() == OTHER


def test_where_its_name_is_taken_it_comes_back_beside_it(root, loser, keeper, to):
    set_aside(loser, keeper, to, "a")
    loser.path.write_bytes(OTHER)
    assert bring_back(to, loser) == "deep/er/loser (restored 1).jpg"
    assert loser.path.read_bytes() == OTHER
    assert (root / "deep/er/loser (restored 1).jpg").read_bytes() == LOSER


def test_folders_that_are_gone_are_made_again(root, loser, keeper, to):
    set_aside(loser, keeper, to, "a")
    shutil.rmtree(root / "deep")
    assert bring_back(to, loser) == loser.name
    assert loser.path.read_bytes() == LOSER


def test_what_rotted_while_it_lay_aside_does_not_come_back(loser, keeper, to):
    """It still lies there, for whoever can mend it."""
    set_aside(loser, keeper, to, "a")
    to.write_bytes(OTHER)
    with pytest.raises(ChangedFileError):
        bring_back(to, loser)
    assert not loser.path.exists()
    assert to.exists()


def test_what_was_never_set_aside_cannot_come_back(root, to):
    with pytest.raises(ChangedFileError):
        bring_back(to, placed(root, "never.jpg", LOSER))


def test_a_name_that_is_no_utf8_moves_like_any_other(root, keeper, to):
    name = os.fsdecode(b"caf\xe9.jpg")
    (root / name).write_bytes(LOSER)
    loser = placed(root, name, LOSER)
    set_aside(loser, keeper, to, "a")
    assert bring_back(to, loser) == name
    assert (root / name).read_bytes() == LOSER
