"""The real worker: a process of its own on a data folder, stopped, killed and put to sleep in the middle of a job."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from index_store.catalogue import open_catalogue
from index_store.job_records import NewJob
from index_store.records import ImageFilter
from service.domain.values import OperatingPoint
from service.settings import Settings
from service.workflows.arrival import OnDuplicate
from service.workflows.ingest_job import IngestRequest

PATIENCE = 40.0
LAUNCHER = """
import time
from datetime import timedelta
from service.jobs import preparing, worker
from service.workflows import batch, job_life
preparing.WORTH_IT = 4
job_life.LIFE_SECONDS = 0.1
job_life.LEFT_BEHIND = worker.LEFT_BEHIND = timedelta(seconds={lease})
batch.GROUP = 4
worker.LOOK_SECONDS = 0.1
real = batch.Batch._commit_group
def slowly(self):
    time.sleep({pause})
    real(self)
batch.Batch._commit_group = slowly
worker.main()
"""
"""The worker with short times: a lease of a second and not of a minute, and groups that come slowly enough to be hit."""


@dataclass
class Store:
    """A data folder behind the worker's back."""

    folder: object
    catalogue: object
    running: list

    def job(self, pictures, name="pictures"):
        """A queued job over so many pictures in a folder."""
        place = self.folder / name
        place.mkdir(exist_ok=True)
        for number, data in enumerate(pictures):
            (place / f"{number:03}.png").write_bytes(data)
        asked = IngestRequest(
            "paths", OnDuplicate.STORE, OperatingPoint.BALANCED, paths=(str(place),), roots=(str(place),)
        )
        return self.catalogue.jobs.create(NewJob("ingest", asked.as_json())).job_id

    def done(self, job_id):
        counts = self.catalogue.jobs.counts(job_id)
        return sum(number for word, number in counts.items() if word != "pending")

    def wait(self, holds):
        """Until it does; an hour would be too long."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline
            assert all(process.poll() is None for process in self.running), (self.folder / "log").read_text()[-2000:]
            time.sleep(0.05)

    def put_to_sleep(self, process):
        """SIGSTOP, at a moment when it holds no lock: asleep with SQLite's lock it would stop everybody."""

        def sleeps():
            process.send_signal(signal.SIGSTOP)
            # A thread that is in the kernel stops when it comes out of it, and may have come by a lock there.
            self.wait(lambda: all(_state(task) == "T" for task in Path(f"/proc/{process.pid}/task").iterdir()))
            if all(map(_can_be_written, (self.folder / "data").glob("*.sqlite"))):
                return True
            process.send_signal(signal.SIGCONT)
            return False

        self.wait(sleeps)

    def next_owner(self, job_id, owner):
        self.wait(lambda: self.catalogue.jobs.get(job_id).owner != owner)
        return self.catalogue.jobs.get(job_id).owner

    def ended(self, job_id):
        self.wait(lambda: self.catalogue.jobs.get(job_id).state not in {"queued", "running"})
        return self.catalogue.jobs.get(job_id).state

    def one_image_each(self, *job_ids, count):
        made = Counter(image.image_id for image in self.catalogue.images(ImageFilter(), 5000).items)
        named = Counter()
        for job_id in job_ids:
            items = self.catalogue.jobs.items(job_id, 1000).items
            assert [item.outcome for item in items] == ["stored"] * count
            named.update(item.image_id for item in items)
        assert made == named
        assert set(made.values()) == {1}


def _state(process):
    """Of a process or a thread, by its folder in /proc: a letter."""
    return (process / "stat").read_text().rpartition(")")[2].split()[0]


def _can_be_written(database):
    connection = sqlite3.connect(database, timeout=0.2, isolation_level=None)
    try:
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("ROLLBACK")
    except sqlite3.OperationalError:
        return False
    finally:
        connection.close()
    return True


@pytest.fixture
def store(tmp_path):
    settings = Settings(_env_file=None, data=tmp_path / "data")
    settings.data.mkdir()
    catalogue = open_catalogue(settings.effective_catalogue_url)
    yield Store(tmp_path, catalogue, [])
    catalogue.close()


@pytest.fixture
def worker(tmp_path, store):
    """Start a worker on the data folder; it is gone when the block ends."""

    @contextmanager
    def start(*, lease=60.0, pause=0.2, decoders=1):
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KEEPONE_")}
        environment = inherited | {"KEEPONE_DATA": str(tmp_path / "data"), "KEEPONE_DECODE_CHILDREN": str(decoders)}
        command = [sys.executable, "-c", LAUNCHER.format(lease=lease, pause=pause)]
        with (tmp_path / "log").open("ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment)
        store.running.append(process)
        try:
            yield process
        finally:
            store.running.remove(process)
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.stdin.close()
            process.wait()

    return start


@pytest.fixture(scope="module")
def drawings(pictures):
    """No two alike."""
    return [pictures.png(1000 + number) for number in range(16)]


def test_told_to_stop_or_killed_the_next_worker_goes_on(store, worker, drawings):
    """SIGTERM ends it after the present group, SIGKILL anywhere; DBOS gives the job to the worker of the same name."""
    job_id = store.job(drawings)
    with worker() as first:
        store.wait(lambda: store.done(job_id) > 0)
        first.terminate()
        assert first.wait(PATIENCE) == 0
    done = store.done(job_id)
    assert (store.catalogue.jobs.get(job_id).state, done < len(drawings)) == ("running", True)
    with worker() as second:
        store.wait(lambda: store.done(job_id) > done)
        second.kill()
    assert store.done(job_id) < len(drawings)
    with worker(pause=0):
        assert store.ended(job_id) == "succeeded"
    store.one_image_each(job_id, count=len(drawings))


def test_asleep_past_its_lease_it_loses_the_job_and_does_nothing_twice(store, worker, pictures, counted):
    """Another worker takes the job over; the first wakes up in the middle of a group, and its writes change nothing."""
    job_ids, workers = [], {}
    with worker(lease=1.0) as first, ExitStack() as started:
        for number in range(counted(100)):
            drawn = [pictures.png(2000 + 16 * number + place) for place in range(16)]
            job_ids.append(job_id := store.job(drawn, f"round-{number}"))
            store.wait(lambda: store.done(job_id) > 0)
            owner = store.catalogue.jobs.get(job_id).owner
            sleeper = workers.setdefault(owner, first)
            store.put_to_sleep(sleeper)
            if number == 0:
                second = started.enter_context(worker(lease=1.0, pause=0.5))
            workers.setdefault(store.next_owner(job_id, owner), second)
            sleeper.send_signal(signal.SIGCONT)
            assert store.ended(job_id) == "succeeded"
            assert store.catalogue.jobs.get(job_id).owner != owner
    store.one_image_each(*job_ids, count=16)


def children(pid):
    """Of a process, by their numbers."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and _state(process) != "Z":
                found.append(int(process.name))
    return found


def below(pid):
    """Every process that it or one of its own started."""
    return [process for child in children(pid) for process in (child, *below(child))]


def preparing(worker):
    """The worker's processes that prepare pictures: one that it started forked them, and each has a decoder."""
    return [process for fork in children(worker.pid) for process in children(fork) if children(process)]


def is_there(pid):
    """Not so if it is dead and nobody has asked what of."""
    try:
        return _state(Path(f"/proc/{pid}")) != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("victim", ["a process that prepares", "the worker"])
def test_who_prepares_and_the_worker_die_together_and_the_next_one_goes_on(store, worker, pictures, victim):
    """As after any crash: nothing is lost, and nothing is left running."""
    job_id = store.job([pictures.png(5000 + number) for number in range(160)])
    with worker(decoders=2, pause=0.3) as first:
        store.wait(lambda: len(preparing(first)) == 2)
        others = below(first.pid)
        done = store.done(job_id)
        store.wait(lambda: store.done(job_id) > done)
        os.kill(first.pid if victim == "the worker" else preparing(first)[0], signal.SIGKILL)
        assert first.wait(PATIENCE) == (-signal.SIGKILL if victim == "the worker" else 1)
        deadline = time.monotonic() + PATIENCE
        while any(map(is_there, others)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert store.done(job_id) < 160
    with worker(decoders=2, pause=0):
        assert store.ended(job_id) == "succeeded"
    store.one_image_each(job_id, count=160)
