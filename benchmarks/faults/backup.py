"""Is a backup that was made while pictures come in whole, and does it hold all that was acknowledged before it began?

Writers hand in files as fast as they are let, each over connections of its own. Meanwhile one backup after another is
made, restored into a new folder, and looked at by `fsck --deep`. Every image that a writer had its answer for when the
backup began must be in it.

    python -m benchmarks.faults.backup [--rounds 100] [--writers 4]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Self

from index_store.backups import Backups
from index_store.group_records import GroupItem
from index_store.records import Committed, HandIn, NewVector
from index_store.testing import a_content, a_vector
from service import wiring
from service.settings import Settings
from service.workflows.backup import back_up
from service.workflows.findings import silent
from service.workflows.fsck import fsck
from service.workflows.restore_backup import restore_backup

if TYPE_CHECKING:
    from index_store.inspection import ImageRow
    from index_store.records import Space
    from service.workflows.findings import Store

RESULTS = Path(__file__).parent.parent / "results" / "backup.json"
ROUNDS_OF_A_STORE = 10
"""Then a new one is begun, for every round reads all that is there four times over."""
PAUSE = 0.1
"""Seconds between two pictures of one writer, so that a hundred rounds fit on a disk."""


@dataclass(frozen=True)
class Story:
    rounds: int
    verified: int
    restored_clean: int
    lost: int
    """Acknowledged before the backup began, and not in it."""
    pictures: int
    """In the stores at the end."""
    longest_wait_ms: float
    """Of a writer for its commit."""
    slowest_backup_s: float


class Writers:
    """Threads that hand in, and remember what was acknowledged."""

    def __init__(self, settings: Settings, count: int) -> None:
        self.acknowledged: list[str] = []
        self.longest = 0.0
        self.failed: list[Exception] = []
        self._done = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(settings, number)) for number in range(count)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        for thread in self._threads:
            thread.join()

    def _write(self, settings: Settings, number: int) -> None:
        try:
            with wiring.open_store(settings) as store:
                space = wiring.space_of(store.catalogue)
                one = 0
                while not self._done.is_set():
                    one += 1
                    self._hand_in(store, space, f"{number}/{one}")
                    time.sleep(PAUSE)
        except Exception as error:  # noqa: BLE001 - told by whoever waits for the threads
            self.failed.append(error)

    def _hand_in(self, store: Store, space: Space, name: str) -> None:
        data = hashlib.shake_256(name.encode()).digest(2000)
        sha256 = hashlib.sha256(data).hexdigest()
        store.blobs.put(sha256, data)
        content = a_content(name, sha256=sha256, bytes=len(data))
        vectors = (NewVector(space.space_id, a_vector(name, space.dimension)),)
        entry = HandIn(sha256, len(data), "unique", 0.0, {}, content=content, vectors=vectors)
        began = time.monotonic()
        while True:
            [answer] = store.catalogue.append_many([GroupItem(entry, store.catalogue.head())])
            if isinstance(answer, Committed):
                break
        self.longest = max(self.longest, time.monotonic() - began)
        self.acknowledged.append(answer.image.image_id)


def back_up_under_load(folder: Path, *, rounds: int, writers: int) -> Story:
    settings = Settings(_env_file=None, data=folder / "data")
    open_at = partial(wiring.open_store_at, settings)
    verified = clean = lost = 0
    slowest = 0.0
    with wiring.open_store(settings) as store:
        wiring.space_of(store.catalogue)
        with Writers(settings, writers) as at_work:
            for number in range(rounds):
                while len(at_work.acknowledged) <= number and not at_work.failed:
                    time.sleep(0.01)
                before = list(at_work.acknowledged)
                made = back_up(store, folder / "backups", open_at=open_at, keep=2, progress=silent)
                slowest = max(slowest, made.seconds)
                verified += made.manifest.verified is not None
                restored = folder / f"restored-{number}"
                restore_backup(Backups(folder / "backups"), made.name, restored, open_at=open_at, progress=silent)
                with open_at(restored) as again:
                    clean += fsck(again, deep=True).is_clean
                    held = {row.image_id for row in _all_images(again)}
                lost += len(set(before) - held)
                shutil.rmtree(restored)
        if at_work.failed:
            raise at_work.failed[0]
        pictures = store.catalogue.stats().images
    longest = round(at_work.longest * 1000, 1)
    return Story(rounds, verified, clean, lost, pictures, longest, round(slowest, 2))


def together(stories: list[Story]) -> Story:
    return Story(
        rounds=sum(one.rounds for one in stories),
        verified=sum(one.verified for one in stories),
        restored_clean=sum(one.restored_clean for one in stories),
        lost=sum(one.lost for one in stories),
        pictures=sum(one.pictures for one in stories),
        longest_wait_ms=max(one.longest_wait_ms for one in stories),
        slowest_backup_s=max(one.slowest_backup_s for one in stories),
    )


def _all_images(store: Store) -> list[ImageRow]:
    found: list[ImageRow] = []
    after = ""
    while page := store.inspection.images(after, 1000):
        found += page
        after = page[-1].image_id
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--writers", type=int, default=4)
    asked = parser.parse_args()
    stories = []
    for first in range(0, asked.rounds, ROUNDS_OF_A_STORE):
        rounds = min(ROUNDS_OF_A_STORE, asked.rounds - first)
        with tempfile.TemporaryDirectory(prefix="keepone-backup-") as folder:
            stories.append(back_up_under_load(Path(folder), rounds=rounds, writers=asked.writers))
        print(stories[-1])
    story = together(stories)
    result = asdict(story)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    if story.verified < story.rounds or story.restored_clean < story.rounds or story.lost:
        raise SystemExit("a backup was not whole")


if __name__ == "__main__":
    main()
