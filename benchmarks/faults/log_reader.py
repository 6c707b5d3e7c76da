"""Does a reader of the log ever step past a writer that is still at work?

Writers commit changes at random moments: each holds its transaction open for a while after it has its number.
One reader asks again and again for what came after the last number it saw. In our log it must see each change once, in
order, none left out. The control is what most people write first, a `bigserial` column: its numbers are given out
before the commit, so the reader must lose changes there. A control that loses nothing would mean that the harness
cannot see loss.

    python -m benchmarks.faults.log_reader [--changes 10000] [--writers 32]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import threading
import time
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from index_store import ids
from index_store.catalogue import open_catalogue
from index_store.group_records import GroupItem
from index_store.records import Committed
from index_store.testing import a_hand_in, a_hash
from index_store.testing.postgres import postgres_server
from index_store.testing.samples import DIMENSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

RESULTS = Path(__file__).parent.parent / "results" / "log_reader.json"
CHANGES_AT_ONCE = 500
MOST_MS = 10.0
"""The longest that a writer waits before its commit."""


@dataclass(frozen=True)
class Story:
    """What one reader saw of what was written."""

    written: int
    missed: int
    twice: int
    out_of_order: int
    seconds: float


def our_log(url: str, *, writers: int, changes: int, most_ms: float, pool: Executor) -> Story:
    """Our own catalogue, read as an index reads it."""
    catalogue = open_catalogue(url)
    space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
    seen: list[tuple[int, str]] = []

    def read() -> None:
        delta = catalogue.changes_since(seen[-1][0] if seen else 0, space.space_id, CHANGES_AT_ONCE)
        seen.extend((vector.sequence, vector.content_id) for vector in delta.vectors)

    each = changes // writers
    started = time.perf_counter()
    work = [pool.submit(write_to_our_log, url, number, writers, each, most_ms) for number in range(writers)]
    _read_until_done(read, work)
    catalogue.close()
    names = {a_hash(f"{writer}/{one}") for writer in range(writers) for one in range(each)}
    return _story(seen, names, time.perf_counter() - started)


def write_to_our_log(url: str, writer: int, writers: int, changes: int, most_ms: float) -> None:
    """The clock is read inside the transaction: that is where this writer is slow."""
    chance = random.Random(writer)  # noqa: S311 - delays, not secrets

    def slow_clock() -> str:
        time.sleep(chance.uniform(0, most_ms) / 1000)
        return ids.now()

    catalogue = open_catalogue(url, clock=slow_clock)
    space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
    # Every picture is declared compared with every other, so that no commit is refused: it is the order that matters.
    everybody = frozenset(a_hash(f"{other}/{one}") for other in range(writers) for one in range(changes))
    for one in range(changes):
        item = GroupItem(a_hand_in(f"{writer}/{one}", space), catalogue.head(), everybody, frozenset())
        [answer] = catalogue.append_many([item])
        if not isinstance(answer, Committed):
            raise TypeError(answer)
    catalogue.close()


def bare_bigserial(url: str, *, writers: int, changes: int, most_ms: float, pool: Executor) -> Story:
    """The control: a number from a sequence, and nothing else."""
    seen: list[tuple[int, str]] = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE bare (sequence bigserial PRIMARY KEY, name text)")

        def read() -> None:
            last = seen[-1][0] if seen else 0
            seen.extend(
                connection.execute("SELECT sequence, name FROM bare WHERE sequence > %s ORDER BY 1", [last]).fetchall()
            )

        each = changes // writers
        started = time.perf_counter()
        work = [pool.submit(write_bare, url, number, each, most_ms) for number in range(writers)]
        _read_until_done(read, work)
        names = {f"{writer}/{one}" for writer in range(writers) for one in range(each)}
        story = _story(seen, names, time.perf_counter() - started)
        connection.execute("DROP TABLE bare")
    return story


def write_bare(url: str, writer: int, changes: int, most_ms: float) -> None:
    chance = random.Random(writer)  # noqa: S311 - delays, not secrets
    with psycopg.connect(url) as connection:
        for one in range(changes):
            connection.execute("INSERT INTO bare (name) VALUES (%s)", [f"{writer}/{one}"])
            time.sleep(chance.uniform(0, most_ms) / 1000)
            connection.commit()


def _read_until_done(read: Callable[[], None], work: Iterable[Future[None]]) -> None:
    """Read beside the writers all the while, and once more when they are through."""
    done, failed = threading.Event(), []

    def reader() -> None:
        try:
            while not done.is_set():
                read()
            read()
        except Exception as error:  # noqa: BLE001 - told below, in the caller's thread
            failed.append(error)

    thread = threading.Thread(target=reader)
    thread.start()
    try:
        for one in work:
            one.result()
    finally:
        done.set()
        thread.join()
    if failed:
        raise failed[0]


def _story(seen: list[tuple[int, str]], names: set[str], seconds: float) -> Story:
    numbers, told = [number for number, _ in seen], [name for _, name in seen]
    return Story(
        written=len(names),
        missed=len(names - set(told)),
        twice=len(told) - len(set(told)),
        out_of_order=sum(later <= earlier for earlier, later in pairwise(numbers)),
        seconds=round(seconds, 2),
    )


def threads(writers: int) -> Executor:
    """Each with connections of its own: to the server that is as good as processes."""
    return ThreadPoolExecutor(writers)


def processes(writers: int) -> Executor:
    return ProcessPoolExecutor(writers, mp_context=multiprocessing.get_context("spawn"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changes", type=int, default=10_000)
    parser.add_argument("--writers", type=int, default=32)
    asked = parser.parse_args()
    with postgres_server() as server, server.catalogue() as url, processes(asked.writers) as pool:
        ours = our_log(url, writers=asked.writers, changes=asked.changes, most_ms=MOST_MS, pool=pool)
        bare = server.new_database()
        control = bare_bigserial(bare, writers=asked.writers, changes=asked.changes, most_ms=MOST_MS, pool=pool)
    result = {"our_log": asdict(ours), "bare_bigserial": asdict(control)}
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    if ours.missed or ours.twice or ours.out_of_order or not control.missed:
        raise SystemExit("our log lost changes, or the control lost none")


if __name__ == "__main__":
    main()
