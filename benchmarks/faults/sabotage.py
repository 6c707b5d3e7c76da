"""What a harness changes inside a real service, by name. Each process of it starts with `carry_out`; see `inside/`.

Two kinds. Some only make rare things frequent: `hurry` shortens waits, `small-snapshots` has snapshots built of a few
pictures. The others break a promise on purpose, and an oracle that does not notice them proves nothing.
"""

from __future__ import annotations

import itertools
import os
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection


def hurry() -> None:
    """A key whose request was cut off may be used again at once, not after a minute."""
    from service.api import once

    once.LEFT_BEHIND = timedelta(0)


def small_snapshots() -> None:
    """So that a load of seconds has snapshots built, and their fail points are reached."""
    from index_store.vectors import snapshot_follower

    snapshot_follower.LONG_TAIL = snapshot_follower.LONGEST_TAIL = 6
    snapshot_follower.PAUSE_SECONDS = 0.2


def no_log() -> None:
    """No change is written to the log."""
    from index_store.catalogue import bulk, writing

    def forget(*_: object, **__: object) -> None:
        """In place of the insert."""

    written = bulk.write

    def write(connection: Connection, made: bulk.Plan) -> None:
        made.changes.clear()
        written(connection, made)

    setattr(writing, "_log", forget)  # noqa: B010 - a private name, replaced on purpose
    setattr(bulk, "write", write)  # noqa: B010


def commit_dropped() -> None:
    """Every third transaction is rolled back and reported as committed."""
    from index_store.catalogue.engine import Database

    honest = Database.writing
    turns = itertools.count(1)

    @contextmanager
    def writing(database: Database) -> Iterator[Connection]:
        with honest(database) as connection:
            yield connection
            if next(turns) % 3 == 0:
                connection.rollback()

    setattr(Database, "writing", writing)  # noqa: B010


def no_file_sync() -> None:
    """The contents of files are never synced; folders are."""
    _sync_only(folders=True)


def no_folder_sync() -> None:
    """Names are never synced; the contents of files are."""
    _sync_only(folders=False)


def _sync_only(*, folders: bool) -> None:
    import stat

    sync = os.fsync

    def fsync(descriptor: Any) -> None:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        if stat.S_ISDIR(os.fstat(number).st_mode) is folders:
            sync(descriptor)

    setattr(os, "fsync", fsync)  # noqa: B010


def power_journal() -> None:
    """Write down which bytes and which names have been synced; see `power_cut`."""
    from benchmarks.faults import power_cut

    power_cut.keep_journal()


def slow_twins() -> None:
    """A twin stands for any CLIP, and takes its time: a space is described a few pictures at a time."""
    _twins(weights="1", turned=False)


def slow_twins_turned() -> None:
    """The same with other weights, whose vectors run the other way."""
    _twins(weights="2", turned=True)


def slow_twins_mixed() -> None:
    """The other weights' vectors under the state of the first ones."""
    _twins(weights="1", turned=True)


def _twins(*, weights: str, turned: bool) -> None:
    import time
    from dataclasses import replace

    from service.descriptors import opening, testing
    from service.workflows import filling

    class Slow(testing.ColourTwin):
        def describe(self, pictures: Any) -> Any:
            time.sleep(0.1 * len(pictures))
            told = super().describe(pictures)
            return [tuple(replace(one, vector=one.vector[::-1]) for one in each) for each in told] if turned else told

    opening.KINDS["clip"] = "service.descriptors.testing"
    setattr(testing, "opened", lambda name, _: Slow(name, weights))  # noqa: B010
    filling.AT_ONCE = 2


_DEEDS: dict[str, Callable[[], None]] = {
    deed.__name__.replace("_", "-"): deed
    for deed in (
        power_journal,
        hurry,
        small_snapshots,
        no_log,
        commit_dropped,
        no_file_sync,
        no_folder_sync,
        slow_twins,
        slow_twins_turned,
        slow_twins_mixed,
    )
}


def carry_out(names: Iterable[str]) -> None:
    """In the order of the table: what keeps the journal lies below what leaves a sync out."""
    wanted = set(names)
    for name, deed in _DEEDS.items():
        if name in wanted:
            deed()
