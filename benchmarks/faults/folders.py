"""Removals of files under every misfortune: steps that are cut short, calls that fail, disks that are away, files swapped.

DURABILITY's T44 to T48, as far as they are about folders. After every act the tree is read by itself, without Keepone: of
each group of copies one lies in its place, and every file's bytes lie somewhere.

    python -m benchmarks.faults.folders
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from benchmarks.faults.layouts import LAYOUTS, laid_out
from benchmarks.faults.misfortunes import Run, another_disk, cut_short, failing, files, told, without_syncs
from index_store.errors import StoreError
from index_store.failpoints import FailPointError
from index_store.removal_records import NewRemoval, PlannedItem
from index_store.testing import MemoryRemovals
from index_store.trees import moving
from index_store.trees.marking import MARK
from index_store.trees.moving import ChangedFileError, Placed, SetAsideError, bring_back, set_aside
from service.domain.errors import KeeponeError
from service.workflows import file_removal
from service.workflows.findings import silent
from service.workflows.folder_root import FOLDER, WrongFolderError, bound, check_still, found

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = Path(__file__).parents[1] / "results" / "folders.json"
SEED = 20261129
HISTORIES, ABSENCES, RACES, MOVES, KILLS = 10_000, 100, 1_000, 10_000, 200
STEPS = ("tree.checked", "tree.copied", "tree.set-aside", "tree.hidden", "tree.removed", "tree.brought-back")
CALLS = ("link", "rename", "unlink")
GROUPS, COPIES, ACTS = 2, 3, 6
HASH = "a" * 64


# T44


def histories(place: Path, count: int, run: Run) -> None:
    """Random plans applied, taken up again and undone, cut short and made to fail at any step."""
    with without_syncs():
        for number in range(count):
            _history(place / "history", random.Random(SEED + number), run)  # noqa: S311 - dice, no secret


def _history(place: Path, dice: random.Random, run: Run) -> None:
    shutil.rmtree(place, ignore_errors=True)
    root, aside = place / "pictures", place / "trash"
    root.mkdir(parents=True)
    groups = [[f"{group}-{copy}.jpg" for copy in range(COPIES)] for group in range(GROUPS)]
    for name in chain.from_iterable(groups):
        (root / name).write_bytes(name.encode())
    before = files(root)
    removals = MemoryRemovals(lambda: "2020-01-01T00:00:00.000000Z")
    plans = [_plan(root, aside, groups, dice, removals) for _ in range(2)]
    for _ in range(ACTS):
        removal_id, undoes = dice.choice(plans), dice.random() < 0.4
        with ExitStack() as misfortune:
            _strike(misfortune, dice)
            try:
                _act(removal_id, removals, undoes=undoes)
                run.count("acts that came to their end")
            except (FailPointError, KeeponeError, StoreError, OSError):
                run.count("acts that did not")
        run.wrong += lost(before, groups, root, aside)
    for removal_id in plans:  # all of it back, with nothing in the way
        with suppress(KeeponeError, StoreError):
            file_removal.undo(removal_id, removals, silent)
    after = files(root)
    if not before.items() <= after.items():
        run.wrong.append("undone, the folder is not what it was")
    if len(after) > len(before):
        # A disk that refused to drop a hidden name, and a second plan that moved the file's other name meanwhile.
        run.count("histories with a file that came back twice")
    run.count("histories")


def _plan(root: Path, aside: Path, groups: list[list[str]], dice: random.Random, removals: MemoryRemovals) -> str:
    """One of each group stays, by chance, so two plans may each keep what the other removes."""
    items = []
    for names in groups:
        keeper = dice.choice(names)
        items += [PlannedItem(told(root, name), told(root, keeper), 1) for name in names if name != keeper]
    plan = NewRemoval(FOLDER, {"root": str(root), "aside": str(aside)}, HASH, tuple(items))
    removals.plan(plan)
    return plan.removal_id


def _strike(misfortune: ExitStack, dice: random.Random) -> None:
    what = dice.random()
    if what < 0.5:
        misfortune.enter_context(cut_short(dice.choice(STEPS), dice.randint(1, 4)))
    elif what < 0.75:
        misfortune.enter_context(failing(dice.choice(CALLS), dice.randint(1, 6)))
    if dice.random() < 0.3:
        misfortune.enter_context(another_disk())


def _act(removal_id: str, removals: MemoryRemovals, *, undoes: bool) -> None:
    if undoes:
        file_removal.undo(removal_id, removals, silent)
    else:
        file_removal.apply(removal_id, HASH, removals, silent)


def lost(before: dict[str, bytes], groups: list[list[str]], root: Path, aside: Path) -> list[str]:
    """Groups without a file in its place, and files whose bytes lie nowhere."""
    there, anywhere = files(root), set(files(root, aside).values()) if aside.exists() else set(files(root).values())
    wrong = [f"{data!r} lies nowhere" for data in before.values() if data not in anywhere]
    return wrong + [
        f"none of {names} lies in its place"
        for names in groups
        if not any(there.get(str(root / name)) == before[str(root / name)] for name in names)
    ]


# T45


def absences(place: Path, count: int, run: Run) -> None:
    """The folder is gone, empty, another one, or swapped while it is looked at; nothing is done, and no row changes."""
    acts = (_plan_bound, _resumed, _undone, _purged, _scanned)
    ways = (_missing, _unmounted, _another, _marked_otherwise)
    for number in range(count):
        base = place / f"absence-{number}"
        root = base / "pictures"
        root.mkdir(parents=True)
        for name in ("keeper.jpg", "loser.jpg"):
            (root / name).write_bytes(name.encode())
        removals = MemoryRemovals(lambda: "2020-01-01T00:00:00.000000Z")
        lies = found(root)
        item = PlannedItem(told(root, "loser.jpg"), told(root, "keeper.jpg"), 1)
        asked = NewRemoval(FOLDER, {"root": str(root), "aside": str(base / "trash")}, HASH, (item,))
        plan = bound(asked, lies, removals)
        removals.plan(plan)
        act, way = acts[number % len(acts)], ways[number // len(acts) % len(ways)]
        if act in {_plan_bound, _undone, _purged}:
            file_removal.apply(plan.removal_id, HASH, removals, silent)
        way(root)
        rows, lying = removals.items(plan.removal_id, 9), files(base)
        state = removals.get(plan.removal_id).state
        try:
            act(plan, removals, lies)
            run.wrong.append(f"{act.__name__} of a folder that is {way.__name__} did something")
        except WrongFolderError:
            run.count("refused")
        if (removals.items(plan.removal_id, 9), files(base)) != (rows, lying):
            run.wrong.append(f"{act.__name__} of a folder that is {way.__name__} changed something")
        if removals.get(plan.removal_id).state != state:
            run.wrong.append(f"{act.__name__} of a folder that is {way.__name__} changed its state")


def _plan_bound(plan: NewRemoval, removals: MemoryRemovals, lies: tuple[int, int]) -> None:
    bound(plan, lies, removals)


def _resumed(plan: NewRemoval, removals: MemoryRemovals, _: tuple[int, int]) -> None:
    file_removal.apply(plan.removal_id, HASH, removals, silent)


def _undone(plan: NewRemoval, removals: MemoryRemovals, _: tuple[int, int]) -> None:
    file_removal.undo(plan.removal_id, removals, silent)


def _purged(plan: NewRemoval, removals: MemoryRemovals, _: tuple[int, int]) -> None:
    file_removal.purge(plan.removal_id, removals, silent)


def _scanned(plan: NewRemoval, _: MemoryRemovals, lies: tuple[int, int]) -> None:
    check_still(Path(plan.request["root"]), lies)


def _missing(root: Path) -> None:
    root.rename(root.with_name("elsewhere"))


def _unmounted(root: Path) -> None:
    _missing(root)
    root.mkdir()


def _another(root: Path) -> None:
    """Another disk in its place, with files of the same names and bytes."""
    _missing(root)
    shutil.copytree(root.with_name("elsewhere"), root)
    (root / MARK).unlink()


def _marked_otherwise(root: Path) -> None:
    _another(root)
    (root / MARK).write_text("0" * 32)


# T46


def races(place: Path, count: int, run: Run) -> None:
    """The keeper is swapped between the plan and the move, or between two steps of it; the loser stays."""
    dice = random.Random(SEED)  # noqa: S311 - dice, no secret
    ways = (Path.unlink, _other_bytes, _other_file, _link_elsewhere, _folder_instead)
    with without_syncs():
        for number in range(count):
            base = place / "race"
            shutil.rmtree(base, ignore_errors=True)
            root = base / "pictures"
            root.mkdir(parents=True)
            (root / "loser.jpg").write_bytes(b"loser")
            (root / "keeper.jpg").write_bytes(b"keeper")
            step, way = dice.choice((None, *STEPS[:1], *STEPS[2:4])), ways[number % len(ways)]
            _race(root, base / "trash" / "1.jpg", step, way, run)


def _race(root: Path, to: Path, step: str | None, way: Callable[[Path], None], run: Run) -> None:
    loser = Placed(root, "loser.jpg", hashlib.sha256(b"loser").hexdigest())
    keeper = Placed(root, "keeper.jpg", hashlib.sha256(b"keeper").hexdigest())

    def meanwhile(point: str | None) -> None:
        if point == step:
            way(keeper.path)

    meanwhile(None)
    try:
        with mock.patch.object(moving, "reached", meanwhile):
            set_aside(loser, keeper, to, "1")
        run.wrong.append(f"the loser went while its keeper was {way.__name__} at {step}")
    except ChangedFileError as error:
        run.count("skipped with a reason" if str(error) else "skipped without")
    if not loser.path.is_file() or loser.path.read_bytes() != b"loser":
        run.wrong.append(f"the loser does not lie in its place: {way.__name__} at {step}")


def _other_bytes(path: Path) -> None:
    path.write_bytes(b"other!")


def _other_file(path: Path) -> None:
    beside = path.with_name("beside")
    beside.write_bytes(b"other")
    beside.rename(path)


def _link_elsewhere(path: Path) -> None:
    real = path.rename(path.with_name("real"))
    path.symlink_to(real)


def _folder_instead(path: Path) -> None:
    path.unlink()
    path.mkdir()


# T48


def across_disks(place: Path, count: int, kills: int, run: Run) -> None:
    """Files copied aside and back, cut short now and then, some places taken meanwhile; each comes back as it was."""
    dice = random.Random(SEED)  # noqa: S311 - dice, no secret
    root, aside = place / "here", place / "there"
    root.mkdir()
    (root / "keeper.jpg").write_bytes(b"keeper")
    keeper = Placed(root, "keeper.jpg", hashlib.sha256(b"keeper").hexdigest())
    killed_at = set(dice.sample(range(count), min(kills, count)))
    with without_syncs(), another_disk():
        for number in range(count):
            data = dice.randbytes(dice.randint(1, 5000))
            loser = Placed(root, f"{number}.jpg", hashlib.sha256(data).hexdigest())
            loser.path.write_bytes(data)
            loser.path.chmod(dice.choice((0o600, 0o644, 0o664)))
            os.utime(loser.path, ns=(10**18 + number, 10**18 + number))
            was = loser.path.stat()
            to, token = aside / f"{number}.jpg", str(number)
            _till_done(partial(set_aside, loser, keeper, to, token), dice, STEPS[:5], number in killed_at, run)
            is_taken = dice.random() < 0.1
            if is_taken:
                loser.path.write_bytes(b"somebody else's")
            name = _till_done(partial(bring_back, to, loser, token), dice, STEPS[5:], number in killed_at, run)
            back = (root / name).stat()
            same = (back.st_mode, back.st_mtime_ns) == (was.st_mode, was.st_mtime_ns)
            if (root / name).read_bytes() != data or not same or to.exists():
                run.wrong.append(f"{name} did not come back as it was")
            if is_taken and loser.path.read_bytes() != b"somebody else's":
                run.wrong.append(f"{name} was written over")
            run.count("came back beside another" if is_taken else "came back")
    _read_only_stays(root, keeper, aside, run)


def _till_done(act: Callable[[], Any], dice: random.Random, steps: tuple[str, ...], killed: bool, run: Run) -> Any:
    if killed:
        try:
            with cut_short(dice.choice(steps), 1):
                return act()
        except FailPointError:
            run.count("cut short")
    return act()


def _read_only_stays(root: Path, keeper: Placed, aside: Path, run: Run) -> None:
    (root / "mine.jpg").write_bytes(b"mine")
    (root / "mine.jpg").chmod(0o444)
    try:
        set_aside(Placed(root, "mine.jpg", hashlib.sha256(b"mine").hexdigest()), keeper, aside / "mine.jpg", "mine")
        run.wrong.append("a read-only file went")
    except SetAsideError:
        run.count("read-only files that stayed")


def layouts(place: Path, run: Run) -> None:
    """T47: links, twins of case and of Unicode, nested folders; none is lost, and all is as it was when undone."""
    for build in LAYOUTS:
        run.wrong += laid_out(place / build.__name__, build)
        run.count("layouts")


def main() -> None:
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="keepone-folders-") as made:
        place = Path(made)
        parts: dict[str, Callable[[Run], None]] = {
            "T44 histories": lambda run: histories(place, HISTORIES, run),
            "T45 absences": lambda run: absences(place, ABSENCES, run),
            "T46 races": lambda run: races(place, RACES, run),
            "T47 layouts": lambda run: layouts(place, run),
            "T48 across disks": lambda run: across_disks(place, MOVES, KILLS, run),
        }
        for name, part in parts.items():
            run, began = Run(), time.monotonic()
            part(run)
            result[name] = {**run.counts, "seconds": round(time.monotonic() - began, 1), "wrong": run.wrong[:5]}
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))
    sys.exit(1 if any(part["wrong"] for part in result.values()) else 0)


if __name__ == "__main__":
    main()
