"""Setting a file aside and bringing it back, whatever happens in between."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from index_store.failpoints import FailPointError
from index_store.trees import moving, placing
from index_store.trees.moving import (
    ChangedFileError,
    HiddenFileError,
    SetAsideError,
    bring_back,
    is_under_way,
    set_aside,
)
from index_store.trees.opening import Placed
from index_store.trees.placing import HIDDEN

LOSER, KEEPER, OTHER = b"the one that goes", b"the one that stays", b"saved over it"
STEPS = ("tree.checked", "tree.set-aside", "tree.hidden", "tree.removed")
DISKS = ["same", "other", "linkless"]


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


@pytest.fixture(params=DISKS)
def disk(request, monkeypatch):
    """Where it is set aside: on the same disk, on another one, and where no file can have two names."""
    real = os.link

    def link(source, target, **folders):
        between = folders.get("src_dir_fd") != folders.get("dst_dir_fd")
        if request.param == "linkless" and not between:
            raise OSError(1, "Operation not permitted")
        if request.param != "same" and between:
            raise OSError(18, "Invalid cross-device link")
        return real(source, target, **folders)

    monkeypatch.setattr(os, "link", link)
    return request.param


def placed(root, name, data):
    return Placed(root, name, hashlib.sha256(data).hexdigest())


def files(*folders):
    """Everything there is, by path."""
    return {path: path.read_bytes() for folder in folders for path in Path(folder).rglob("*") if path.is_file()}


def failing_at(monkeypatch, wanted):
    def reached(point):
        if point == wanted:
            raise FailPointError(point)

    for module in (moving, placing):
        monkeypatch.setattr(module, "reached", reached)


def meanwhile(monkeypatch, wanted, act):
    """Somebody else's doing between two steps."""
    monkeypatch.setattr(moving, "reached", lambda point: act() if point == wanted else None)


@pytest.mark.usefixtures("disk")
def test_it_lies_aside_and_is_gone_from_its_folder(root, loser, keeper, to):
    set_aside(loser, keeper, to, "a")
    assert files(root) == {root / "keeper.jpg": KEEPER}
    assert files(to.parent) == {to: LOSER}


@pytest.mark.usefixtures("disk")
def test_times_mode_and_bytes_come_back(loser, keeper, to):
    os.utime(loser.path, ns=(1_500_000_000_000_000_000, 1_400_000_000_123_456_789))
    loser.path.chmod(0o640)
    before = loser.path.stat()
    set_aside(loser, keeper, to, "a")
    assert to.stat().st_mtime_ns == before.st_mtime_ns
    assert bring_back(to, loser, "a") == loser.name
    after = loser.path.stat()
    assert loser.path.read_bytes() == LOSER
    assert (after.st_mtime_ns, after.st_mode) == (before.st_mtime_ns, before.st_mode)
    assert files(to.parent) == {}


def killed_at(monkeypatch, step, act):
    """Whether that step was come to. What a kill leaves is what an exception leaves that nobody handles."""
    with monkeypatch.context() as patch:
        failing_at(patch, step)
        try:
            act()
        except FailPointError:
            return True
    return False


@pytest.mark.parametrize("back", [False, True], ids=["gone on with", "brought back"])
@pytest.mark.parametrize("step", [*STEPS, "tree.copied"])
def test_killed_at_any_step_nothing_is_lost_and_either_way_is_open(
    monkeypatch, root, loser, keeper, to, disk, step, back
):
    assert killed_at(monkeypatch, step, lambda: set_aside(loser, keeper, to, "a")) == (
        step != "tree.copied" or disk != "same"
    )
    there = {**files(root), **(files(to.parent) if to.parent.exists() else {})}
    assert there[keeper.path] == KEEPER
    assert LOSER in there.values()
    if back and is_under_way(to, loser, "a"):
        assert bring_back(to, loser, "a") == loser.name
    if back:
        assert files(root) == {keeper.path: KEEPER, loser.path: LOSER}
        assert to not in files(to.parent.parent)
        return
    for _ in range(2):
        set_aside(loser, keeper, to, "a")
        assert files(root) == {keeper.path: KEEPER}
        assert files(to.parent) == {to: LOSER}


@pytest.mark.parametrize("step", ["tree.copied", "tree.brought-back"])
def test_killed_while_it_comes_back_it_comes_back_once(monkeypatch, root, loser, keeper, to, disk, step):
    set_aside(loser, keeper, to, "a")
    assert killed_at(monkeypatch, step, lambda: bring_back(to, loser, "a")) == (step != "tree.copied" or disk != "same")
    for _ in range(2):
        assert bring_back(to, loser, "a") == loser.name
        assert files(root) == {keeper.path: KEEPER, loser.path: LOSER}
        assert files(to.parent) == {}


@pytest.mark.usefixtures("disk")
def test_a_copy_that_its_owner_put_back_is_left_alone(root, loser, keeper, to):
    """Of the same bytes, but not ours: what was set aside has its own times, and comes back beside it."""
    set_aside(loser, keeper, to, "a")
    loser.path.write_bytes(LOSER)
    os.utime(loser.path, (1, 1))
    assert bring_back(to, loser, "a") == "deep/er/loser (restored 1).jpg"
    assert loser.path.stat().st_mtime == 1
    assert len(files(root)) == 3


@pytest.mark.usefixtures("disk")
def test_killed_then_another_file_comes_under_the_name(monkeypatch, root, loser, keeper, to):
    """Whoever goes on leaves it alone, and what was set aside stays there."""
    assert killed_at(monkeypatch, "tree.removed", lambda: set_aside(loser, keeper, to, "a"))
    loser.path.write_bytes(OTHER)
    set_aside(loser, keeper, to, "a")
    assert files(root) == {keeper.path: KEEPER, loser.path: OTHER}
    assert bring_back(to, loser, "a") == "deep/er/loser (restored 1).jpg"


@pytest.mark.usefixtures("disk")
def test_killed_while_hidden_and_the_keeper_goes(monkeypatch, root, loser, keeper, to):
    """Then it has its name again, and stays."""
    assert killed_at(monkeypatch, "tree.hidden", lambda: set_aside(loser, keeper, to, "a"))
    keeper.path.unlink()
    with pytest.raises(ChangedFileError):
        set_aside(loser, keeper, to, "a")
    assert files(root) == {loser.path: LOSER}


def test_what_cannot_have_its_name_back_is_no_settled_thing(monkeypatch, root, loser, keeper, to):
    """A disk that fails between two steps: the same call, later, gives it back."""

    def fails(*_args, **_folders):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        meanwhile(patch, "tree.hidden", lambda: (keeper.path.unlink(), patch.setattr(os, "link", fails)))
        with pytest.raises(HiddenFileError):
            set_aside(loser, keeper, to, "a")
    assert is_under_way(to, loser, "a")
    with pytest.raises(ChangedFileError):
        set_aside(loser, keeper, to, "a")
    assert files(root) == {loser.path: LOSER}


def test_a_name_that_was_given_back_by_half_is_not_given_twice(monkeypatch, root, loser, keeper, to):
    """Its old name is there again, and the disk fails before the hidden one goes: undone, it has one name."""
    real = os.unlink

    def unlink(name, **folders):
        if str(name).startswith(placing.HIDDEN):
            raise OSError(5, "Input/output error")
        real(name, **folders)

    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(HiddenFileError):
        set_aside(loser, keeper, to, "a")
    monkeypatch.undo()
    assert bring_back(to, loser, "a") == loser.name
    assert files(root) == {loser.path: LOSER, keeper.path: KEEPER}


def test_a_copy_that_was_left_half_way_does_not_stay(monkeypatch, root, loser, keeper, to):
    """Killed while it was copied back from another disk, which then holds second names after all."""
    set_aside(loser, keeper, to, "a")
    with monkeypatch.context() as disk:
        disk.setattr(moving, "linked", lambda *_: False)
        failing_at(disk, "tree.copied")
        with pytest.raises(FailPointError):
            bring_back(to, loser, "a")
    bring_back(to, loser, "a")
    assert files(root) == {loser.path: LOSER, keeper.path: KEEPER}


@pytest.mark.parametrize("of", ["the file", "its folder"])
def test_what_its_owner_made_read_only_stays(root, loser, keeper, to, of):
    """The superuser could move it, and so could whoever owns the folder of a read-only file."""
    chosen = loser.path if of == "the file" else loser.path.parent
    mode = chosen.stat().st_mode
    chosen.chmod(mode & ~0o222)
    with pytest.raises(SetAsideError, match="read-only"):
        set_aside(loser, keeper, to, "a")
    chosen.chmod(mode)
    assert files(root, to.parent) == {loser.path: LOSER, keeper.path: KEEPER}


def test_a_folder_that_takes_no_changes_keeps_its_file(monkeypatch, loser, keeper, to):
    """A card with its switch on read-only: nothing is left lying aside."""

    def read_only(*_args, **_folders):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "rename", read_only)
    with pytest.raises(SetAsideError, match="Read-only"):
        set_aside(loser, keeper, to, "a")
    assert loser.path.read_bytes() == LOSER
    assert not to.exists()


def test_a_name_that_cannot_be_removed_is_given_back(monkeypatch, root, loser, keeper, to):
    real = os.unlink

    def unlink(name, **folders):
        if str(name).startswith(HIDDEN) and monkeypatch_on[0]:
            monkeypatch_on[0] = False
            raise OSError(13, "Permission denied")
        return real(name, **folders)

    monkeypatch_on = [True]
    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(SetAsideError, match="Permission"):
        set_aside(loser, keeper, to, "a")
    assert files(root) == {keeper.path: KEEPER, loser.path: LOSER}
    assert not to.exists()


@pytest.mark.parametrize("length", [200, 240, 255])
def test_the_longest_names_come_back_too(root, keeper, to, length):
    name = "n" * (length - 4) + ".jpg"
    (root / name).write_bytes(LOSER)
    loser = placed(root, name, LOSER)
    set_aside(loser, keeper, to, "a")
    (root / name).write_bytes(OTHER)
    back = bring_back(to, loser, "a")
    assert back.endswith("n (restored 1).jpg")
    assert (root / back).read_bytes() == LOSER


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
    assert bring_back(to, loser, "a") == "deep/er/loser (restored 1).jpg"
    assert loser.path.read_bytes() == OTHER
    assert (root / "deep/er/loser (restored 1).jpg").read_bytes() == LOSER


def test_folders_that_are_gone_are_made_again(root, loser, keeper, to):
    set_aside(loser, keeper, to, "a")
    shutil.rmtree(root / "deep")
    assert bring_back(to, loser, "a") == loser.name
    assert loser.path.read_bytes() == LOSER


def test_what_rotted_while_it_lay_aside_does_not_come_back(loser, keeper, to):
    """It still lies there, for whoever can mend it."""
    set_aside(loser, keeper, to, "a")
    to.write_bytes(OTHER)
    with pytest.raises(ChangedFileError):
        bring_back(to, loser, "a")
    assert not loser.path.exists()
    assert to.exists()


def test_what_was_never_set_aside_cannot_come_back(root, to):
    with pytest.raises(ChangedFileError):
        bring_back(to, placed(root, "never.jpg", LOSER), "a")


def test_a_name_that_is_no_utf8_moves_like_any_other(root, keeper, to):
    name = os.fsdecode(b"caf\xe9.jpg")
    (root / name).write_bytes(LOSER)
    loser = placed(root, name, LOSER)
    set_aside(loser, keeper, to, "a")
    assert bring_back(to, loser, "a") == name
    assert (root / name).read_bytes() == LOSER
