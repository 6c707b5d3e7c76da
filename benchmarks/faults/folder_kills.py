"""A removal of files of a folder is killed again and again while it is applied, and while it is undone.

Of 10,000 files a thousand are set aside for the sake of others. A process that applies the plan is killed (SIGKILL) at
every fail point it passes and at random moments, and started again until it is done; then one that undoes it, and so on
until there were as many kills as were asked for. After every kill the folder is read by itself: every keeper lies in its
place, and every file's bytes lie in its place or aside. Applied, all that were to go lie aside and nowhere else; undone,
the folder is what it was, to the byte and to the second of its times.

    python -m benchmarks.faults.folder_kills [--kills 100] [--files 10000]
"""

from __future__ import annotations

import random
from pathlib import Path

from benchmarks.faults.killing import BEGUN, Run, Trial, command, findings
from benchmarks.faults.misfortunes import told
from index_store.removal_records import NewRemoval, PlannedItem
from index_store.testing.samples import a_hash
from index_store.trees.marking import MARK
from service import wiring
from service.inputs.names import locator_of
from service.settings import Settings
from service.workflows import file_removal
from service.workflows.findings import silent
from service.workflows.folder_root import FOLDER, bound, found
from service.workflows.folder_scan import ASIDE_MARK

RESULTS = Path(__file__).parents[1] / "results" / "folder_kills.json"
FAIL_POINTS = {
    "tree.checked": 1000,
    "tree.set-aside": 1000,
    "tree.brought-back": 1000,
    "tree.hidden": 1000,
    "tree.removed": 1000,
    "removal.state-set": 2,
    "removal.recorded": 32,
}
"""With how often a process passes each that applies or undoes a thousand items."""
SEED = 20261130
LONGEST = 6.0
SHARE = 10
"""Every tenth file goes, for the sake of its neighbour."""
TO_A_FOLDER = 500


def filled(place: Path, count: int) -> list[str]:
    """A folder of that many small files, in pairs of the same bytes; their names in order."""
    names = [f"{number // TO_A_FOLDER:02d}/{number:05d}.jpg" for number in range(count)]
    for number, name in enumerate(names):
        path = pictures(place) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"picture {number // 2}".encode())
    return names


def pictures(place: Path) -> Path:
    return place / "pictures"


def aside(place: Path) -> Path:
    return place / "aside"


def killed(place: Path, names: list[str], kills: int) -> Run:
    """Apply and undo one plan after another, until so many processes were killed at it."""
    before = lying(pictures(place))
    going = dict(zip(names[1::SHARE], names[::SHARE], strict=False))

    def contradicted(removal_id: str, act: str, is_done: bool) -> list[str]:
        there, away = lying(pictures(place)), {data for data, _ in lying(aside(place) / removal_id).values()}
        wrong = [
            f"{name} is not in its place" for name in before if name not in going and there.get(name) != before[name]
        ]
        wrong += [
            f"{name} lies nowhere" for name in going if there.get(name) != before[name] and before[name][0] not in away
        ]
        if is_done and act == "apply":
            wrong += [f"{name} did not go" for name in going if name in there]
        if is_done and act == "undo" and (there != before or away):
            wrong.append("after the undoing the folder is not what it was")
        return wrong

    trial = Trial(
        module="benchmarks.faults.folder_kills",
        folder=str(place),
        fail_points={name: min(times, len(going)) for name, times in FAIL_POINTS.items()},
        longest=LONGEST,
        planned=lambda: planned(place, going),
        contradictions=contradicted,
    )
    run = trial.run(kills, random.Random(SEED))  # noqa: S311 - when to kill, no secret
    run.wrong += findings(settings(place))
    return run


def lying(folder: Path) -> dict[str, tuple[bytes, int]]:
    """The bytes and the time of change of everything there but Keepone's own, by name below the folder."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {ASIDE_MARK, MARK}
    }


def planned(place: Path, going: dict[str, str]) -> str:
    """A plan in which each of `going` goes for the other's sake."""
    root = pictures(place)
    items = tuple(PlannedItem(told(root, loser), told(root, keeper), 1) for loser, keeper in going.items())
    request = {"root": locator_of(root), "aside": locator_of(aside(place))}
    plan = NewRemoval(FOLDER, request, a_hash("plan"), items)
    with wiring.open_store(settings(place)) as store:
        removals = store.catalogue.removals
        removals.plan(bound(plan, found(root), removals))
    return plan.removal_id


def settings(place: Path) -> Settings:
    return Settings(_env_file=None, data=place / "data")


def act(place: Path, removal_id: str, what: str) -> None:
    """What the killed process does."""
    with wiring.open_store(settings(place)) as store:
        print(BEGUN, flush=True)
        if what == "undo":
            if store.catalogue.removals.get(removal_id).state != "planned":  # killed before it was begun
                file_removal.undo(removal_id, store.catalogue.removals, silent)
        else:
            file_removal.apply(removal_id, a_hash("plan"), store.catalogue.removals, silent)


if __name__ == "__main__":
    command("files", filled, killed, act, share=SHARE, result=RESULTS, about=__doc__)
