"""A follower that starts from snapshots, and sees to it that there are new ones.

A fresh process loads the newest sound snapshot and reads the log from there. Where there is none, and the log is long,
one is built first. All that may take minutes, so it can go on in the background; until it is done `catch_up` raises,
because a search in half an index would call a stored picture unique.

Later, whenever the tail has grown long, one process of the machine builds the next snapshot (a lock on a file decides
which), and each process that sees a newer manifest loads it beside the index in use, reads the log up to now, and then
puts the one in the other's place in one assignment.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from index_store.catalogue.protocol import ChangeLog
from index_store.errors import IndexBuildingError, StoreError
from index_store.records import Space
from index_store.vectors.build_child import BuildChild, stop
from index_store.vectors.builder import load_newest
from index_store.vectors.faiss_index import FaissIndex
from index_store.vectors.follower import Follower
from index_store.vectors.snapshot import SnapshotFolder

if TYPE_CHECKING:
    import subprocess

LONG_TAIL = 10_000
"""Changes after the snapshot from which the next one is built: the exact tail then takes some 2 ms of a search."""
LONG_SHARE = 0.1
"""The same as a share of a large snapshot, but never more than `LONGEST_TAIL`, which takes some 6 ms of a search."""
LONGEST_TAIL = 25_000
READ_AT_START = 20_000
"""Changes that a starting process reads while its caller waits: below a second."""
LOOK_SECONDS = 1.0
RETRY_SECONDS = 5.0
PAUSE_SECONDS = 60.0
"""After a build that failed, or that left the tail long, the next is not tried before."""

_log = logging.getLogger(__name__)


class SnapshotFollower(Follower):
    """See `Follower`. `child` is None where nothing may be built (a command that looks once and ends)."""

    index: FaissIndex

    def __init__(self, log: ChangeLog, space: Space, folder: SnapshotFolder, child: BuildChild | None) -> None:
        super().__init__(log, FaissIndex(space.dimension), space)
        self._space = space
        self._folder = folder
        self._child = child
        self._ready = threading.Event()
        self._closing = threading.Event()
        self._looking = threading.Lock()  # around the fields below, and never waited for
        self._look_again = 0.0
        self._build_again = 0.0
        self._number = 0
        self._builder: subprocess.Popen[bytes] | None = None
        self._background: threading.Thread | None = None

    def prepare(self, *, wait: bool = True) -> None:
        behind = self._log.head()
        if behind <= READ_AT_START or wait:
            self._start()
        else:
            self._in_background(self._start_in_the_end)

    def catch_up(self) -> int:
        if not self._ready.is_set():
            raise IndexBuildingError
        sequence = super().catch_up()
        self.look_after()
        return sequence

    def look_after(self) -> None:
        """Change to a newer snapshot, and have one built, if it is time; once a second at the most, and never waits."""
        if time.monotonic() < self._look_again or not self._looking.acquire(blocking=False):
            return
        try:
            self._look_again = time.monotonic() + LOOK_SECONDS
            self._mind_the_builder()
            if self._background is not None and self._background.is_alive():
                return
            if self._folder.newest_number() > self._number:
                self._in_background(self.change_snapshot)
            elif self._is_tail_long() and self._builder is None and time.monotonic() >= self._build_again:
                self._start_builder()
        except (StoreError, OSError) as error:  # the index in use is as good as it was
            _log.warning("snapshots cannot be looked after: %s", error)
        finally:
            self._looking.release()

    def change_snapshot(self) -> None:
        """Put the newest sound snapshot, read up to now, in the place of the index in use."""
        number = self._folder.newest_number()
        part = load_newest(self._log, self._space, self._folder)
        self._number = number  # a bad one is not tried again
        if part is None or part.sequence < self.index.part_sequence:
            return
        newer = FaissIndex(self._space.dimension, part)
        self._read(newer, self._log.head())
        with self._reading:  # nobody else reads on meanwhile, so the newer one never stands behind the older
            self._read(newer, max(self.index.sequence, self._log.head()))
            self.index = newer
        _log.info("snapshot %d is in use: %d vectors, %s", number, part.count, part.kind)

    def close(self) -> None:
        self._closing.set()
        with self._looking:
            background, builder, self._builder, self._child = self._background, self._builder, None, None
        if background is not None:
            background.join()
        if builder is not None:
            stop(builder)

    def _start(self) -> None:
        self.change_snapshot()
        if not self.index.folded and self._log.head() > READ_AT_START:
            self._build_first()
            self.change_snapshot()
        if self._closing.is_set():
            return
        super().catch_up()
        self._ready.set()

    def _start_in_the_end(self) -> None:
        """Whatever was the matter with catalogue or disk may be mended while the service waits and says so."""
        while not self._ready.is_set():
            try:
                self._start()
            except (StoreError, OSError):
                _log.exception("the index could not be read; trying again")
            if self._closing.wait(0 if self._ready.is_set() else RETRY_SECONDS):
                return

    def _build_first(self) -> None:
        """Build, or wait for the process that does. If that comes to nothing the whole log is read: slow, and right."""
        if self._child is None:
            return
        builder = self._child.start()
        try:
            while builder.poll() is None:
                if self._closing.wait(0.05):
                    return
        finally:
            stop(builder)
        while not self._closing.wait(0.1) and not self._folder.newest_number():
            with self._folder.lease() as nobody_builds:
                if nobody_builds:
                    return

    def _is_tail_long(self) -> bool:
        return self.index.unfolded > min(max(LONG_TAIL, LONG_SHARE * self.index.folded), LONGEST_TAIL)

    def _start_builder(self) -> None:
        if self._child is not None:
            self._builder = self._child.start()

    def _mind_the_builder(self) -> None:
        if self._builder is not None and (status := self._builder.poll()) is not None:
            stop(self._builder)  # it has ended; what is left is our end of its pipe
            self._builder = None
            self._build_again = time.monotonic() + PAUSE_SECONDS
            if status:
                _log.error("building a snapshot ended with %d", status)

    def _in_background(self, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except (StoreError, OSError):  # the index in use is as good as it was
                _log.exception("the index's background work failed")

        self._background = threading.Thread(target=run, name="keepone-index", daemon=True)
        self._background.start()
