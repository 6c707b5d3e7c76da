"""A removal of files applied, undone, purged, and killed on the way."""

import hashlib
import threading
from datetime import UTC, datetime, timedelta

import pytest

from index_store.errors import BadTransitionError, NotFoundError
from index_store.failpoints import FailPointError
from index_store.removal_records import NewRemoval, PlannedItem
from index_store.testing import MemoryRemovals
from index_store.trees import moving
from service.workflows import file_removal
from service.workflows.file_removal import (
    AsideGoneError,
    LeftAsideError,
    RemovalBusyError,
    StalePlanError,
    TooEarlyToPurgeError,
    apply,
    purge,
    undo,
)
from service.workflows.folder_scan import ASIDE_MARK

HASH = "a" * 64
COUNT = 70
"""More than are recorded at once."""


def silent(*_):
    pass


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "pictures"
    (folder / "deep").mkdir(parents=True)
    return folder


@pytest.fixture
def aside(tmp_path):
    return tmp_path / "trash"


@pytest.fixture
def removals():
    moments = (f"2026-01-01T00:00:{second:02d}.000000Z" for second in range(60))
    return MemoryRemovals(lambda: next(moments, "2026-01-01T00:01:00.000000Z"))


def told(root, name, data):
    (root / name).write_bytes(data)
    return {"name": name, "at": name, "sha256": hashlib.sha256(data).hexdigest()}


def plan_of(root, removals, count=COUNT):
    """So many losers with one keeper."""
    keeper = told(root, "keeper.jpg", b"keeper")
    losers = [told(root, f"deep/{number}.jpg", f"loser {number}".encode()) for number in range(count)]
    items = tuple(PlannedItem(loser, keeper, 10) for loser in losers)
    new = NewRemoval("folder", {"root": str(root), "aside": str(root.parent / "trash")}, HASH, items)
    removals.plan(new)
    return new.removal_id


def files(folder):
    """All but the marks of folders with what was set aside."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ASIDE_MARK
    }


def test_all_that_was_planned_is_set_aside_and_comes_back(root, aside, removals):
    removal_id = plan_of(root, removals)
    before = files(root)
    assert apply(removal_id, HASH, removals, silent).state == "applied"
    assert files(root) == {"keeper.jpg": b"keeper"}
    assert sorted(files(aside).values()) == sorted(data for name, data in before.items() if name != "keeper.jpg")
    assert removals.counts(removal_id) == {"removed": COUNT}
    assert undo(removal_id, removals, silent).state == "undone"
    assert files(root) == before
    assert files(aside) == {}
    assert removals.counts(removal_id) == {"returned": COUNT}


def test_a_plan_is_applied_by_its_hash_and_once(root, removals):
    removal_id = plan_of(root, removals, 1)
    with pytest.raises(StalePlanError):
        apply(removal_id, "b" * 64, removals, silent)
    assert "deep/0.jpg" in files(root)
    apply(removal_id, HASH, removals, silent)
    undo(removal_id, removals, silent)
    with pytest.raises(BadTransitionError):
        apply(removal_id, HASH, removals, silent)
    with pytest.raises(NotFoundError):
        apply("rem_unknown", HASH, removals, silent)


def test_what_has_changed_stays_and_the_others_go(root, removals):
    removal_id = plan_of(root, removals, 4)
    (root / "deep" / "1.jpg").write_bytes(b"saved anew")
    (root / "deep" / "2.jpg").unlink()
    apply(removal_id, HASH, removals, silent)
    assert files(root) == {"keeper.jpg": b"keeper", "deep/1.jpg": b"saved anew"}
    items = removals.items(removal_id, 10).items
    assert [item.state for item in items] == ["removed", "skipped", "skipped", "removed"]
    assert "other bytes" in items[1].problem["title"]
    undo(removal_id, removals, silent)
    assert removals.counts(removal_id) == {"returned": 2, "skipped": 2}


def test_without_its_keeper_nothing_goes(root, removals):
    removal_id = plan_of(root, removals, 3)
    (root / "keeper.jpg").write_bytes(b"another picture")
    apply(removal_id, HASH, removals, silent)
    assert len(files(root)) == 4
    assert removals.counts(removal_id) == {"skipped": 3}


def failing_at(patch, wanted, after):
    count = 0

    def reached(point):
        nonlocal count
        count += point == wanted
        if point == wanted and count > after:
            raise FailPointError(point)

    patch.setattr(moving, "reached", reached)


@pytest.mark.parametrize("after", [0, 1, 40])
@pytest.mark.parametrize("point", ["tree.checked", "tree.set-aside", "tree.hidden", "tree.removed"])
def test_killed_while_it_is_applied_it_is_finished_or_undone(monkeypatch, root, aside, removals, point, after):
    """Wherever it was: no picture is lost, whichever way it then goes."""
    for finish in (True, False):
        removal_id = plan_of(root, removals)
        before = files(root)
        with monkeypatch.context() as patch:
            failing_at(patch, point, after)
            with pytest.raises(FailPointError):
                apply(removal_id, HASH, removals, silent)
        assert removals.get(removal_id).state == "applying"
        there = [*files(root).values(), *files(aside).values()] if aside.exists() else list(files(root).values())
        assert set(there) == set(before.values())
        if finish:
            assert apply(removal_id, HASH, removals, silent).state == "applied"
            assert removals.counts(removal_id) == {"removed": COUNT}
        assert undo(removal_id, removals, silent).state == "undone"
        assert files(root) == before
        assert files(aside) == {}


@pytest.mark.parametrize("after", [0, 40])
def test_killed_while_it_is_undone_it_is_undone_once(monkeypatch, root, aside, removals, after):
    removal_id = plan_of(root, removals)
    before = files(root)
    apply(removal_id, HASH, removals, silent)
    with monkeypatch.context() as patch:
        failing_at(patch, "tree.brought-back", after)
        with pytest.raises(FailPointError):
            undo(removal_id, removals, silent)
    assert removals.get(removal_id).state == "undoing"
    assert undo(removal_id, removals, silent).state == "undone"
    assert files(root) == before
    assert files(aside) == {}


def test_what_cannot_come_back_is_told_and_may_be_tried_again(root, aside, removals):
    removal_id = plan_of(root, removals, 3)
    before = files(root)
    apply(removal_id, HASH, removals, silent)
    [second] = aside.rglob("000002.jpg")
    kept = second.read_bytes()
    second.write_bytes(b"rotten")
    with pytest.raises(LeftAsideError, match=r"1 files .*deep/1\.jpg"):
        undo(removal_id, removals, silent)
    assert len(files(root)) == 3
    second.write_bytes(kept)
    undo(removal_id, removals, silent)
    assert files(root) == before


def test_purging_waits_for_the_retention_and_is_for_good(root, aside, removals):
    removal_id = plan_of(root, removals, 3)
    apply(removal_id, HASH, removals, silent)
    applied = datetime.fromisoformat(removals.get(removal_id).changed)
    with pytest.raises(TooEarlyToPurgeError):
        purge(removal_id, removals, silent, now=applied + timedelta(days=29, hours=23))
    assert len(files(aside)) == 3
    assert purge(removal_id, removals, silent, now=applied + timedelta(days=30, hours=1)).state == "purged"
    assert files(aside) == {}
    assert removals.counts(removal_id) == {"purged": 3}
    with pytest.raises(BadTransitionError):
        undo(removal_id, removals, silent)


def test_what_lost_its_keeper_since_is_not_purged(root, aside, removals):
    """It may be the last copy by now. It can still be brought back."""
    removal_id = plan_of(root, removals, 2)
    before = files(root)
    apply(removal_id, HASH, removals, silent)
    (root / "keeper.jpg").unlink()
    late = datetime.now(UTC) + timedelta(days=400)
    with pytest.raises(LeftAsideError, match=r"2 files .*keeper\.jpg"):
        purge(removal_id, removals, silent, now=late)
    assert len(files(aside)) == 2
    undo(removal_id, removals, silent)
    assert files(root).keys() == before.keys() - {"keeper.jpg"}


def test_nothing_is_called_purged_while_its_disk_is_away(root, aside, removals):
    removal_id = plan_of(root, removals, 2)
    apply(removal_id, HASH, removals, silent)
    aside.rename(aside.with_name("unplugged"))
    late = datetime.now(UTC) + timedelta(days=400)
    for act in (lambda: purge(removal_id, removals, silent, now=late), lambda: undo(removal_id, removals, silent)):
        with pytest.raises(AsideGoneError):
            act()
    assert removals.counts(removal_id) == {"removed": 2}
    aside.with_name("unplugged").rename(aside)
    assert undo(removal_id, removals, silent).state == "undone"


def test_nobody_undoes_what_is_being_applied(root, removals):
    removal_id = plan_of(root, removals, 3)
    refused = []

    def interrupted(*_):
        if not refused:
            with pytest.raises(RemovalBusyError) as error:
                undo(removal_id, removals, silent)
            refused.append(error)

    assert apply(removal_id, HASH, removals, interrupted).state == "applied"
    assert refused
    assert removals.counts(removal_id) == {"removed": 3}


def test_a_purge_that_was_cut_short_is_taken_up_again(monkeypatch, root, aside, removals):
    removal_id = plan_of(root, removals)
    apply(removal_id, HASH, removals, silent)
    late = datetime.now(UTC) + timedelta(days=400)
    real, count = file_removal.items_of, []

    def items_of(*given):
        for item in real(*given):
            if given[2] == "purged" and len(count) == 40:
                raise FailPointError("killed")
            count.append(given[2] == "purged") if given[2] == "purged" else None
            yield item

    monkeypatch.setattr(file_removal, "items_of", items_of)
    with pytest.raises(FailPointError):
        purge(removal_id, removals, silent, now=late)
    assert len(files(aside)) == COUNT - 40
    monkeypatch.setattr(file_removal, "items_of", real)
    assert purge(removal_id, removals, silent, now=late).state == "purged"
    assert files(aside) == {}
    assert removals.counts(removal_id) == {"purged": COUNT}


def test_a_removal_that_is_not_applied_is_not_purged(root, removals):
    removal_id = plan_of(root, removals, 1)
    with pytest.raises(BadTransitionError):
        purge(removal_id, removals, silent, now=datetime.now(UTC) + timedelta(days=400))


def test_two_plans_that_keep_what_the_other_removes_leave_one(root, aside, removals, counted):
    """Both look at their keeper again once their loser is hidden, so not both can go."""
    for round_ in range(counted(400)):
        one, other = told(root, f"{round_}-a.jpg", b"a copy"), told(root, f"{round_}-b.jpg", b"b copy")
        ids = []
        for loser, keeper in ((one, other), (other, one)):
            new = NewRemoval("folder", {"root": str(root), "aside": str(aside)}, HASH, (PlannedItem(loser, keeper, 1),))
            removals.plan(new)
            ids.append(new.removal_id)
        gate = threading.Barrier(2)

        def run(removal_id, gate=gate):
            gate.wait()
            apply(removal_id, HASH, removals, silent)

        threads = [threading.Thread(target=run, args=(removal_id,)) for removal_id in ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        left = [name for name in files(root) if name.startswith(f"{round_}-")]
        removed = [removals.counts(removal_id).get("removed", 0) for removal_id in ids]
        assert len(left) == 2 - sum(removed)
        assert left


def test_items_of_any_number_are_walked(root, removals, monkeypatch):
    monkeypatch.setattr(file_removal, "_PAGE", 3)
    removal_id = plan_of(root, removals, 10)
    assert [item.ordinal for item in file_removal.items_of(removal_id, removals)] == list(range(1, 11))
    apply(removal_id, HASH, removals, silent)
    assert removals.counts(removal_id) == {"removed": 10}
