"""`keepone serve`: never open to strangers without a key. The server itself is started by the integration tests."""

import os
from contextlib import nullcontext

import pytest

from service.api.app import app_from_environment
from service.domain.errors import SettingsError

EVERYWHERE = "0.0.0.0"  # noqa: S104 - what is refused here

pytestmark = pytest.mark.usefixtures("logging_kept")


@pytest.fixture(autouse=True)
def started(monkeypatch):
    """What uvicorn was asked to run, instead of running it."""
    calls = []
    monkeypatch.setattr("service.cli.serve.uvicorn.run", lambda app, **options: calls.append((app, options)))
    monkeypatch.setattr("service.cli.serve.job_worker", lambda _environment: nullcontext())
    return calls


def test_without_a_key_it_listens_on_loopback(keepone, started):
    """The default, and where it keeps its data is said."""
    ran = keepone("serve")
    assert (ran.code, started[0][1]["host"]) == (0, "127.0.0.1")
    assert "/data" in ran.out
    assert "http://127.0.0.1:8000/docs" in ran.out


def test_without_a_key_it_refuses_to_listen_elsewhere(keepone, started):
    """It says how to make one."""
    ran = keepone("serve", "--host", EVERYWHERE)
    assert (ran.code, started) == (2, [])
    assert "keepone keys create" in ran.err


def test_where_a_key_is_required_it_refuses_on_loopback_too(keepone, started, monkeypatch):
    """As in the container image."""
    monkeypatch.setenv("KEEPONE_REQUIRE_KEY", "1")
    ran = keepone("serve")
    assert (ran.code, started) == (2, [])
    assert "keepone keys create" in ran.err


def test_with_a_key_it_listens_where_it_is_told(keepone, started):
    """One key is enough."""
    keepone("keys", "create", "admin")
    assert keepone("serve", "--host", EVERYWHERE, "--port", 9000).code == 0
    assert (started[0][1]["host"], started[0][1]["port"]) == (EVERYWHERE, 9000)


def test_a_server_that_calls_the_factory_is_refused_likewise(keepone, monkeypatch):
    """The command line is not the only way in."""
    monkeypatch.setenv("KEEPONE_HOST", EVERYWHERE)
    with pytest.raises(SettingsError, match="keepone keys create"):
        app_from_environment()
    keepone("keys", "create", "admin")
    assert app_from_environment().title == "Keepone"


def test_a_revoked_key_is_no_key(keepone, started):
    """Whoever revoked the last one has shut the door."""
    key_id = keepone("keys", "create", "admin").out.split(".")[0]
    keepone("keys", "revoke", key_id)
    assert keepone("serve", "--host", EVERYWHERE).code == 2
    assert started == []


def test_further_processes_learn_the_flags(keepone, started, monkeypatch):
    """They read the environment afresh."""
    for name in ("KEEPONE_WORKERS", "KEEPONE_PORT"):
        monkeypatch.setenv(name, "1")  # so that they are put back afterwards
    assert keepone("serve", "--workers", 2, "--port", 9001).code == 0
    app, options = started[0]
    assert (app, options["workers"], options["factory"]) == ("service.api.app:app_from_environment", 2, True)
    assert os.environ["KEEPONE_PORT"] == "9001"


def test_a_bad_port_is_a_usage_error(keepone, started):
    """Whether by flag or by environment."""
    assert keepone("serve", "--port", 70_000).code == 2
    assert started == []
