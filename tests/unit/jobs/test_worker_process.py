"""The worker as a process: its name, its end, and what does not end it."""

from types import SimpleNamespace

import pytest

from index_store.catalogue import open_catalogue
from index_store.job_records import NewJob
from service.jobs import worker as module
from service.jobs.identity import executor_id
from service.jobs.worker import Worker
from service.settings import Settings


def test_no_two_workers_have_one_name(tmp_path):
    """Neither on one data folder nor on machines that are called alike; one that starts again has the name it had."""
    (tmp_path / "other").mkdir()
    with executor_id(tmp_path) as first, executor_id(tmp_path) as second, executor_id(tmp_path / "other") as third:
        assert len({first, second, third}) == 3
    with executor_id(tmp_path) as again:
        assert again == first
    assert sorted(path.name for path in (tmp_path / "other").iterdir()) == ["folder-id", "worker-0.lock"]


class FailingDBOS:
    """Stands in for DBOS while its database is away."""

    listened = ()

    def __init__(self, config):
        assert config["executor_id"] == "me"

    @staticmethod
    def workflow(**_):
        return lambda run: run

    @classmethod
    def listen_queues(cls, queues):
        cls.listened = tuple(queues)

    @staticmethod
    def launch():
        pass

    @classmethod
    def register_queue(cls, name, **_):
        assert name in cls.listened

    @staticmethod
    def enqueue_workflow(*_):
        raise ConnectionError("the system database is away")


@pytest.fixture
def worker(tmp_path, monkeypatch):
    """One that has a job to hand to DBOS."""
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)
    catalogue = open_catalogue(f"sqlite:///{tmp_path}/catalogue.db")
    catalogue.jobs.create(NewJob("ingest", {}))
    settings = Settings(_env_file=None, data=tmp_path)
    yield Worker(SimpleNamespace(jobs=catalogue.jobs, settings=settings, spaces=()), "me")
    catalogue.close()


def test_an_error_of_dbos_does_not_end_the_worker(worker, monkeypatch):
    """The jobs that run go on, and the next look tries again."""
    monkeypatch.setattr(module, "DBOS", FailingDBOS)
    told = []

    def stop_at_the_third(name, **_):
        told.append(name)
        if told.count("the worker cannot look after its jobs") == 3:
            worker.stopping.set()

    monkeypatch.setattr(module.log, "event", stop_at_the_third)
    worker.run()
    assert told[-1] == "worker stopped"
    assert all(name.endswith(":me") for name in FailingDBOS.listened)


def test_a_worker_that_fails_ends_its_process(monkeypatch, tmp_path):
    """Threads of DBOS would keep it for ever: an orphan that holds its name, and that no signal stops."""
    monkeypatch.setenv("KEEPONE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(module.wiring, "build", lambda *_, **__: SimpleNamespace(close=lambda: None, spaces=()))
    monkeypatch.setattr(module, "signal", SimpleNamespace(SIGTERM=15, SIGINT=2, signal=lambda *_: None))
    monkeypatch.setattr(module.log, "configure", lambda *_: None)
    monkeypatch.setattr(module, "when_parent_ends", lambda _: None)
    left = []
    monkeypatch.setattr(module.os, "_exit", left.append)
    for failure in (ConnectionError("away"), None):

        def run(_, failure=failure):
            if failure:
                raise failure

        monkeypatch.setattr(Worker, "run", run)
        module.main()
    assert left == [1, 0]
