"""Processes that prepare a large batch's pictures: what they find, and what becomes of them."""

import pickle
import subprocess
import sys
from multiprocessing import get_context

import pytest

from index_store import errors as store_errors
from index_store.job_records import NewJob
from index_store.records import ImageFilter
from service import wiring
from service.domain import errors
from service.jobs import preparing
from service.jobs.preparing import InProcesses
from service.settings import Settings
from service.workflows.arrival import OnDuplicate, Wish
from service.workflows.batch import Batch
from service.workflows.preparing import Entry, InThreads

PATIENCE = 40.0


class Watching:
    def finished(self, outcomes):
        """Nobody asks."""

    def wants_to_stop(self):
        return False


class ReadyAtOnce(InProcesses):
    """Takes nothing in threads."""

    def __init__(self, parts):
        super().__init__(parts)
        self._start()
        assert self._ready.wait(PATIENCE)
        self._threads.close()


@pytest.fixture
def told(tmp_path):
    """What a batch told of each file."""

    def run(files, on_duplicate, how):
        parts = wiring.build(Settings(_env_file=None, data=tmp_path / how.__name__, decode_children=2))
        try:
            job_id = parts.jobs.create(NewJob("ingest")).job_id
            wish = lambda name: Wish(on_duplicate, external_id=name, top_k=3)  # noqa: E731 - one line is enough
            Batch(job_id, parts, wish, Watching(), how).run(
                Entry(number, f"{number}", data) for number, data in enumerate(files)
            )
            items = parts.jobs.items(job_id, 1000).items
            images = {image.image_id: image for image in parts.catalogue.images(ImageFilter(), 500).items}
            return [(item.state, item.outcome, item.problem, _found(images.get(item.image_id))) for item in items]
        finally:
            parts.close()

    return run


def _found(image):
    if image is None:
        return None
    best = image.verdict_block["matches"][0] if image.verdict != "unique" else {}
    return image.verdict, image.relation, best.get("external_id"), best.get("probability")


@pytest.mark.parametrize("on_duplicate", [OnDuplicate.STORE, OnDuplicate.REJECT])
def test_they_find_what_threads_find(told, photographs, written, resized, on_duplicate):
    """Copies among pictures that are prepared at once, damaged files, and what is no picture at all."""
    shown = [resized(photographs[name], 0.4) for name in ("astronaut", "coffee", "rocket", "chelsea")]
    files = [written(picture, quality=92) for picture in shown]
    files += [files[0], files[1][:3000], b"no picture", written(shown[2][:, ::-1], quality=80)]
    files += [written(picture, quality=50) for picture in shown] + [files[0]]
    in_threads = told(files, on_duplicate, InThreads)
    assert told(files, on_duplicate, ReadyAtOnce) == in_threads
    assert len({(state, outcome) for state, outcome, *_ in in_threads}) > 3  # or the files prove little


def test_every_error_of_a_picture_comes_back_from_a_process():
    """One that cannot be unpickled would end all the processes."""
    for family in (errors.KeeponeError, store_errors.StoreError):
        for kind in _below(family) - {errors.ConfirmationNeededError}:  # which no picture meets
            error = kind("as it is told")
            back = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own, from a line above
            assert type(back) is kind
            assert "as it is told" in str(error)
            assert str(error) in str(back)


def _below(family):
    """Of its own module: others have errors that stay where they are."""
    found = {family}
    for kind in family.__subclasses__():
        if kind.__module__ in {errors.__name__, store_errors.__name__}:
            found |= _below(kind)
    return found


def test_a_small_batch_starts_no_process(told, astronaut, written, monkeypatch):
    """They would take longer to start than it takes."""
    monkeypatch.setattr(InProcesses, "_start", lambda _: pytest.fail("a process was started"))
    files = [written(astronaut)] * preparing.WORTH_IT
    assert {state for state, *_ in told(files, OnDuplicate.STORE, InProcesses)} == {"succeeded"}
    monkeypatch.setattr(preparing, "WORTH_IT", 0)
    with pytest.raises(pytest.fail.Exception):
        told(files, OnDuplicate.STORE, InProcesses)


def test_processes_that_cannot_be_started_are_done_without(told, written, astronaut, monkeypatch):
    """The batch goes on in threads."""

    def no_room(*_):
        raise OSError("no more processes")

    monkeypatch.setattr(preparing, "WORTH_IT", 2)
    context = get_context("forkserver")
    monkeypatch.setattr(type(context), "Pipe", no_room)
    files = [written(astronaut)] * 10
    assert {state for state, *_ in told(files, OnDuplicate.STORE, InProcesses)} == {"succeeded"}


SCRIPT = """
import sys
from pathlib import Path
from service import wiring
from service.jobs.preparing import InProcesses
from service.settings import Settings

if __name__ == "__main__":
    parts = wiring.build(Settings(_env_file=None, data=Path(sys.argv[1]), decode_children=2))
    processes = InProcesses(parts)
    processes._start()
    assert processes._ready.wait(40)
    processes.close()
    parts.close()
"""


def test_nothing_is_imported_from_the_folder_it_is_started_in(tmp_path):
    """That may be a folder of strangers' files, which somebody wants to take in."""
    (tmp_path / "script.py").write_text(SCRIPT)
    planted = tmp_path / "strangers"
    planted.mkdir()
    for name in ("selectors", "numpy", "multiprocessing"):
        (planted / f"{name}.py").write_text("import pathlib; pathlib.Path('imported').write_text('')")
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "data")]
    done = subprocess.run(command, cwd=planted, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (planted / "imported").exists()
