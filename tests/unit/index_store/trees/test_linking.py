"""A link to the keeper where a file was set aside: there afterwards, never in the way, and gone when the file is back."""

import hashlib
import os

import pytest

from index_store.failpoints import FailPointError
from index_store.trees import moving, placing
from index_store.trees.moving import ChangedFileError, Placed, SetAsideError, bring_back, set_aside

STEPS = ["tree.checked", "tree.copied", "tree.set-aside", "tree.hidden", "tree.removed"]
KINDS = ["hard", "symbolic"]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(params=[b"keeper", b"loser"], ids=["other bytes", "the same bytes"])
def kept(request):
    return request.param


@pytest.fixture
def root(tmp_path, kept):
    folder = tmp_path / "pictures"
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "loser.jpg").write_bytes(b"loser")
    (folder / "kept").mkdir()
    (folder / "kept" / "keeper.jpg").write_bytes(kept)
    return folder


@pytest.fixture
def loser(root):
    return Placed(root, "deep/er/loser.jpg", hashlib.sha256(b"loser").hexdigest())


@pytest.fixture
def keeper(root, kept):
    return Placed(root, "kept/keeper.jpg", hashlib.sha256(kept).hexdigest())


@pytest.fixture
def to(tmp_path):
    return tmp_path / "aside" / "1.jpg"


@pytest.fixture
def names(root):
    """All files and links of the folder, hidden ones too."""
    return lambda: sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


BOTH = ["deep/er/loser.jpg", "kept/keeper.jpg"]


def test_it_leads_to_the_keeper_and_makes_way(loser, keeper, to, kind, kept, names):
    set_aside(loser, keeper, to, "a", kind)
    assert loser.path.is_symlink() is (kind == "symbolic")
    assert loser.path.samefile(keeper.path)
    assert loser.path.read_bytes() == kept
    assert bring_back(to, loser, "a", keeper) == loser.name
    assert (loser.path.read_bytes(), keeper.path.read_bytes()) == (b"loser", kept)
    assert not loser.path.samefile(keeper.path)
    assert names() == BOTH


def test_a_symbolic_one_holds_wherever_the_tree_is_moved(root, loser, keeper, to, kept):
    set_aside(loser, keeper, to, "a", "symbolic")
    moved = root.rename(root.with_name("moved"))
    assert (moved / loser.name).read_bytes() == kept


@pytest.mark.parametrize("goes_on", [True, False])
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_any_step_it_is_finished_or_undone(monkeypatch, loser, keeper, to, kind, kept, names, step, goes_on):
    def reached(point):
        if point == step:
            raise FailPointError(point)

    with monkeypatch.context() as killed:
        for module in (moving, placing):
            killed.setattr(module, "reached", reached)
        try:
            set_aside(loser, keeper, to, "a", kind)
        except FailPointError:
            pass
        else:
            assert step == "tree.copied"
    if goes_on:
        set_aside(loser, keeper, to, "a", kind)
        assert loser.path.samefile(keeper.path)
    elif not to.exists():
        return
    bring_back(to, loser, "a", keeper)
    assert names() == BOTH
    assert (loser.path.read_bytes(), keeper.path.read_bytes()) == (b"loser", kept)
    assert not to.exists()


def test_killed_while_it_makes_way_the_file_comes_back_all_the_same(monkeypatch, loser, keeper, to, kind, kept, names):
    set_aside(loser, keeper, to, "a", kind)

    def reached(point):
        if point == "tree.link-taken-away":
            raise FailPointError(point)

    with monkeypatch.context() as killed:
        killed.setattr(moving, "reached", reached)
        with pytest.raises(FailPointError):
            bring_back(to, loser, "a", keeper)
    assert bring_back(to, loser, "a", keeper) == loser.name
    assert names() == BOTH
    assert (loser.path.read_bytes(), keeper.path.read_bytes()) == (b"loser", kept)


def test_where_none_can_be_made_nothing_goes(monkeypatch, loser, keeper, to, kind, names):
    """A disk that knows no links, or a keeper on another one."""

    def refuse(*_, **__):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr(os, "symlink", refuse)
    with pytest.raises(SetAsideError, match=f"no {kind} link"):
        set_aside(loser, keeper, to, "a", kind)
    assert names() == BOTH
    assert loser.path.read_bytes() == b"loser"
    assert not to.exists()


def test_a_name_that_somebody_took_meanwhile_is_left_to_them(monkeypatch, loser, keeper, to, kind, names):
    def reached(point):
        if point == "tree.removed":
            loser.path.write_bytes(b"new")

    monkeypatch.setattr(moving, "reached", reached)
    set_aside(loser, keeper, to, "a", kind)
    assert loser.path.read_bytes() == b"new"
    assert names() == BOTH
    assert bring_back(to, loser, "a", keeper) == "deep/er/loser (restored 1).jpg"


def test_the_last_name_of_the_keepers_file_is_no_link_to_it(loser, keeper, to, kept):
    """Its own name is gone since: what is left of it must not make way."""
    set_aside(loser, keeper, to, "a", "hard")
    keeper.path.unlink()
    bring_back(to, loser, "a", keeper)
    assert loser.path.read_bytes() == kept
    if kept != b"loser":
        assert loser.path.with_name("loser (restored 1).jpg").read_bytes() == b"loser"


def test_with_nothing_aside_the_link_stays(loser, keeper, to, kind, kept):
    set_aside(loser, keeper, to, "a", kind)
    to.unlink()
    try:
        bring_back(to, loser, "a", keeper)
    except ChangedFileError:
        pass
    else:
        assert (kind, kept) == ("hard", b"loser")  # the very bytes lie there
    assert loser.path.samefile(keeper.path)
