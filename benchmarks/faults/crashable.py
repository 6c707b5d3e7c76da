"""A real `keepone serve`, with its worker, that can be killed as a whole and started again on the same data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from benchmarks.server import START_SECONDS, connected, free_port

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
POLL_SECONDS = 0.02
DYING_SECONDS = 5.0


class Crashable:
    """Not running until `start`. Everything of it lies in `folder`; the data in `folder/data`."""

    def __init__(self, folder: Path, sabotage: Iterable[str] = (), **settings: str) -> None:
        self.start_seconds = START_SECONDS
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "log"
        self.base = ""
        self.process: subprocess.Popen[bytes] | None = None
        (folder / "spool").mkdir(parents=True, exist_ok=True)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KEEPONE_")}
        self._environment = {
            **inherited,
            "PYTHONPATH": f"{HERE / 'inside'}{os.pathsep}{REPOSITORY}",
            "TMPDIR": str(folder / "spool"),
            "KEEPONE_DATA": str(self.data),
            "KEEPONE_LOG_FORMAT": "json",
            "KEEPONE_LOG_LEVEL": "warning",
            "KEEPONE_DECODE_CHILDREN": "1",
            "KEEPONE_QUEUE_SECONDS": "20",
            "KEEPONE_MIN_FREE_BYTES": "0",
            "KEEPONE_SABOTAGE": ",".join(sabotage),
            "KEEPONE_POWER_ROOT": str(self.data),
            "KEEPONE_POWER_JOURNAL": str(folder / "power-journal"),
            **settings,
        }

    def start(self, failpoints: str = "", *, wait: bool = True) -> float:
        """Start it; seconds until it was ready (0 without waiting)."""
        port = free_port()
        self.base = f"http://127.0.0.1:{port}"
        began = time.monotonic()
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "service.cli", "serve", "--port", str(port)],
                env=self._environment | {"KEEPONE_FAILPOINTS": failpoints},
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self.wait_until_ready(began) if wait else 0.0

    def wait_until_ready(self, began: float) -> float:
        """Seconds since then. Raises RuntimeError, with the log, when it ends or never becomes ready."""
        with connected(self.base, timeout=10) as http:
            while time.monotonic() < began + self.start_seconds and self.is_alive():
                with suppress(httpx.TransportError):
                    if http.get("/ready").is_success:
                        return time.monotonic() - began
                time.sleep(POLL_SECONDS)
        raise RuntimeError(f"the service did not start:\n{self.log_tail()}")

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def has_died(self) -> bool:
        """As `is_alive` denied, but a process that is dying is given a moment: its sockets close before it is dead."""
        with suppress(subprocess.TimeoutExpired):
            return self.process is None or self.process.wait(DYING_SECONDS) is not None
        return False

    def has_lost_one(self) -> bool:
        """Whether a process of it died: the API, or a child whose death the log tells."""
        return not self.is_alive() or any(b'"status":-9' in line or b"ended with -9" in line for line in self._lines())

    def kill(self) -> None:
        """SIGKILL the whole group, and wait until none of it runs."""
        if self.process is None:
            return
        group = self.process.pid
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self.process.wait()
        while _running_in(group):
            time.sleep(POLL_SECONDS / 10)
        self.process = None
        self.log.replace(self.folder / "log-before")
        self.log.touch()

    def log_tail(self, size: int = 4000) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-size:] if self.log.exists() else ""

    def _lines(self) -> list[bytes]:
        return self.log.read_bytes().replace(b'": ', b'":').splitlines() if self.log.exists() else []


def _running_in(group: int) -> list[int]:
    """Processes of the group that still run; those that are dead and unburied hold nothing any more."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            # pid (name) state parent group: the name may hold anything, so count from its closing bracket
            state, _, member = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(member) == group and state not in "ZX":
                found.append(int(entry.name))
    return found
