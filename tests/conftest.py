"""One real PostgreSQL for the whole session, started when the first test asks for it."""

import importlib.util
import os
import threading

import pytest

from index_store import syncing
from index_store.testing.postgres import postgres_server
from service.descriptors import opening

SHARE = float(os.environ.get("KEEPONE_TEST_SHARE", "0.05"))


@pytest.fixture(scope="session")
def counted():
    """How often a fault is tried that in full is tried so often: a twentieth here, all of it in `make bench-faults`."""
    return lambda full: max(1, round(full * SHARE))


@pytest.fixture(scope="session")
def postgres():
    """A server that hands out databases; tests that need it are skipped where its wheel is not to be had."""
    if importlib.util.find_spec("pgserver") is None:
        pytest.skip("there is no wheel of pgserver for this machine and Python")
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres_url(postgres):
    """An empty catalogue."""
    with postgres.catalogue() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgres"])
def catalogue_url(request, tmp_path):
    """An empty catalogue, of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/catalogue.db"
    return request.getfixturevalue("postgres_url")


@pytest.fixture(autouse=True)
def no_sync_has_failed(monkeypatch):
    """Each test is a process of its own as far as failed syncs go."""
    monkeypatch.setattr(syncing, "_failed", threading.Event())


@pytest.fixture
def twins(monkeypatch):
    """Further descriptor models that need no library stand for those that do: `deepface:…` and `clip:…` are twins."""
    for kind in opening.KINDS:
        monkeypatch.setitem(opening.KINDS, kind, "service.descriptors.testing")
