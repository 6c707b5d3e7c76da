"""`keepone serve`: the service, on loopback unless there is a key."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import click
import uvicorn

from service import log
from service.api.app import create_app
from service.api.doors import refuse_open_doors
from service.cli import options
from service.jobs.supervisor import job_worker
from service.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GRACE_SECONDS = 20
"""How long running requests may take to finish once the service is told to stop."""


@click.command("serve")
@click.option("--host", help="Address to listen on; any but loopback needs a key.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0 takes a free one.")
@click.option("--workers", type=click.IntRange(1), help="API processes.")
@options.data
def command(host: str | None, port: int | None, workers: int | None, data: Path | None) -> None:
    """Start the service."""
    flags: dict[str, Any] = {"host": host, "port": port, "workers": workers, "data": data}
    settings = load_settings(**flags)
    log.configure(settings.log_format, settings.log_level)
    refuse_open_doors(settings)
    _announce(settings)
    common: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "http": "service.cli.patience:PatientProtocol",
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "timeout_graceful_shutdown": GRACE_SECONDS,
        "ws": "none",
    }
    # Further processes are started afresh and read the settings anew, so flags must reach them by the environment.
    by_environment = {f"KEEPONE_{name.upper()}": str(value) for name, value in flags.items() if value is not None}
    # The server sends itself the signal again when it has ended: that is the end of a service that was told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with job_worker(by_environment) if settings.job_worker else nullcontext() as stop_jobs:
        if settings.workers == 1:
            uvicorn.run(create_app(settings, when_stopping=stop_jobs), **common)
        else:
            os.environ.update(by_environment)
            if stop_jobs is not None:
                _when_told_to_end(stop_jobs)
            uvicorn.run("service.api.app:app_from_environment", factory=True, workers=settings.workers, **common)


def _when_told_to_end(act: Callable[[], None]) -> None:
    """Call it as soon as a signal to end arrives. The parent of several processes has the server's own handlers, which
    wait for the children first; the job worker should not have to wait with them.
    """
    told, note = os.pipe()
    os.set_blocking(note, False)
    signal.set_wakeup_fd(note)

    def wait() -> None:
        while (number := os.read(told, 1)) and number[0] not in (signal.SIGTERM, signal.SIGINT):
            pass
        act()

    threading.Thread(target=wait, name="told-to-end", daemon=True).start()


def _announce(settings: Settings) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base = f"http://{host}:{settings.port}"
    click.echo(f"Keepone keeps its data in {settings.data}")
    if settings.port:
        click.echo(f"  drop a picture   {base}/")
        click.echo(f"  try the API      {base}/docs")
        click.echo(f"  is it ready?     {base}/ready", nl=True)
