"""A removal of images of persons is killed again and again while it is applied, and while it is undone.

In a store of 10,000 images a thousand go for the sake of others. A process that applies the plan is killed (SIGKILL) at
every fail point it passes and at random moments, and started again until it is done; then one that undoes it, and so on
until there were as many kills as were asked for. After every kill the rows are read by sqlite3 alone: each item is
removed exactly when its image is, and every keeper is there. In the end all of it is undone, and the images are what
they were, row for row; `fsck` finds nothing.

    python -m benchmarks.faults.removals [--kills 100] [--images 10000]
"""

from __future__ import annotations

import hashlib
import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.faults.killing import BEGUN, Run, Trial, command, findings
from index_store.group_records import GroupItem
from index_store.records import Committed
from index_store.removal_records import NewRemoval, PlannedItem
from index_store.testing.samples import a_content, a_hand_in, a_hash
from service import wiring
from service.settings import Settings
from service.workflows import image_removal
from service.workflows.findings import silent
from service.workflows.person_plan import PERSONS

RESULTS = Path(__file__).parents[1] / "results" / "removals.json"
FAIL_POINTS = {
    "removal.state-set": 2,
    "catalogue.locked": 16,
    "catalogue.removed": 1000,
    "catalogue.returned": 1000,
    "catalogue.also-written": 1000,
    "catalogue.committed": 16,
    "removal.recorded": 16,
}
"""With how often a process passes each that applies or undoes a thousand items."""
SEED = 20261122
GROUP = 500
LONGEST = 1.5
"""Seconds: what a process needs for all of it, about."""
SHARE = 10
"""Every tenth image goes, for the sake of its neighbour."""


def filled(folder: Path, count: int) -> list[str]:
    """A store of that many images of twenty persons, without pictures in them; their ids in order."""
    images: list[str] = []
    with wiring.open_store(Settings(_env_file=None, data=folder)) as store:
        for first in range(0, count, GROUP):
            group = [GroupItem(_entry(number, store), first, _earlier(first, number)) for number in _from(first, count)]
            for answer in store.catalogue.append_many(group):
                if not isinstance(answer, Committed):
                    raise TypeError(answer)
                images.append(answer.image.image_id)
    return images


def _from(first: int, count: int) -> range:
    return range(first, min(first + GROUP, count))


def _earlier(first: int, number: int) -> frozenset[str]:
    return frozenset(hashlib.sha256(_bytes(one)).hexdigest() for one in range(first, number))


def _bytes(number: int) -> bytes:
    return f"picture {number}".encode()


def _entry(number: int, store: Any) -> Any:
    data = _bytes(number)
    sha256 = hashlib.sha256(data).hexdigest()
    store.blobs.put(sha256, data)
    content = a_content(sha256, sha256=sha256, bytes=len(data), too_little_detail=True)
    return a_hand_in(sha256, content_id=sha256, content=content, person_id=f"P{number % 20}")


def killed(folder: Path, images: list[str], kills: int) -> Run:
    """Apply and undo one plan after another, until so many processes were killed at it."""
    before = image_rows(folder)

    def contradicted(removal_id: str, act: str, is_done: bool) -> list[str]:
        wrong = contradictions(folder, removal_id)
        if is_done and act == "undo" and image_rows(folder) != before:
            wrong.append("after the undoing the images are not what they were")
        return wrong

    trial = Trial(
        module="benchmarks.faults.removals",
        folder=str(folder),
        fail_points={name: min(times, len(images) // SHARE) for name, times in FAIL_POINTS.items()},
        longest=LONGEST,
        planned=lambda: planned(folder, images),
        contradictions=contradicted,
    )
    run = trial.run(kills, random.Random(SEED))  # noqa: S311 - when to kill, no secret
    run.wrong += findings(Settings(_env_file=None, data=folder))
    return run


def planned(folder: Path, images: list[str]) -> str:
    items = tuple(
        PlannedItem({"image_id": images[number + 1]}, {"image_id": images[number]}, 1)
        for number in range(0, len(images) - 1, SHARE)
    )
    plan = NewRemoval(PERSONS, {"person_ids": []}, a_hash("plan"), items)
    with wiring.open_store(Settings(_env_file=None, data=folder)) as store:
        store.catalogue.removals.plan(plan)
    return plan.removal_id


def image_rows(folder: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as connection:
        return connection.execute("SELECT * FROM image ORDER BY image_id").fetchall()


def contradictions(folder: Path, removal_id: str) -> list[str]:
    """Items that say one thing while their image is another, and keepers that are not there."""
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as connection:
        states = dict(connection.execute("SELECT image_id, state FROM image").fetchall())
        items = connection.execute(
            "SELECT ordinal, state, loser, keeper FROM removal_item WHERE removal_id = ?", (removal_id,)
        ).fetchall()
    wrong = []
    for ordinal, state, loser, keeper in items:
        is_gone = states[json.loads(loser)["image_id"]] == "removed"
        if is_gone is not (state == "removed"):
            wrong.append(f"item {ordinal} is {state}, its image {'removed' if is_gone else 'active'}")
        if states[json.loads(keeper)["image_id"]] != "active":
            wrong.append(f"the keeper of item {ordinal} is gone")
    return wrong


def act(folder: Path, removal_id: str, what: str) -> None:
    """What the killed process does."""
    with wiring.open_store(Settings(_env_file=None, data=folder)) as store:
        print(BEGUN, flush=True)
        if what == "undo":
            if store.catalogue.removals.get(removal_id).state != "planned":  # killed before it was begun
                image_removal.undo(removal_id, store.catalogue, silent)
        else:
            image_removal.apply(removal_id, a_hash("plan"), store.catalogue, silent)


if __name__ == "__main__":
    command("images", filled, killed, act, share=SHARE, result=RESULTS, about=__doc__)
