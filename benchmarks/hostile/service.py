"""A real service to be treated badly: its process, its memory, and what it took in."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.server import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

MIB = 2**20
PATHS = ("/check-duplicate", "/images")
BODY_LIMIT = 26 * MIB
"""What a body may have by the default settings: a picture of 25 MiB and 1 MiB around it."""
START_SECONDS = 60.0
PAUSE = 1 / 50
"""Pause between two looks at something that another process does."""

LAUNCHER = """
import functools
import service.api.bodies, service.cli.patience as patience, service.cli.serve as serve
from service import log
from service.cli.main import main
{patches}
main()
"""
OBEY_FAULTS = "serve.create_app = functools.partial(serve.create_app, fault_injection=True)"
METER = """
class Metered(patience.PatientProtocol):
    received = 0
    def data_received(self, data):
        self.received += len(data)
        super().data_received(data)
    def connection_lost(self, exc):
        log.event("connection", received=self.received, port=self.client[1] if self.client else None)
        super().connection_lost(exc)
patience.PatientProtocol = Metered
"""
"""Logs how many bytes the service took from each socket: what lies in the kernel's buffers was never accepted."""


@dataclass
class Service:
    """A real service in a process of its own."""

    process: subprocess.Popen[bytes]
    base: str
    folder: Path

    @property
    def port(self) -> int:
        return int(self.base.rpartition(":")[2])

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    def client(self) -> httpx.Client:
        return connected(self.base)

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def log(self) -> list[dict[str, Any]]:
        """Its log lines so far."""
        lines = (self.folder / "log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def memory(self, name: str) -> int:
        """`VmRSS` (now) or `VmHWM` (highest since `forget_peak`) of the API process, in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        return int(found[1]) * 1024 if found else 0

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="utf-8")

    def spooled(self) -> list[str]:
        """Files in its temporary folder, those unlinked but still open included."""
        left = [path.name for path in self.spool.iterdir() if not path.name.startswith("keepone-budget")]
        for descriptor in Path(f"/proc/{self.process.pid}/fd").iterdir():
            with suppress(OSError):
                target = str(descriptor.readlink())
                left += [target] if target.startswith(str(self.spool)) and target.endswith("(deleted)") else []
        return left

    def received(self, port: int) -> int:
        """Bytes it took from the connection that came from this port. Needs METER; waits until it is closed."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            found = [line["received"] for line in self.log() if line["event"] == "connection" and line["port"] == port]
            if found:
                return int(found[-1])
            time.sleep(PAUSE)
        raise TimeoutError(f"the connection from port {port} was never closed")


@contextmanager
def hostile_service(folder: Path, *patches: str, **environment: str) -> Iterator[Service]:
    """`keepone serve` on a free port, with everything of its own in `folder`; stopped afterwards."""
    (folder / "spool").mkdir(parents=True, exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KEEPONE_")}
    variables = {**inherited, "TMPDIR": str(folder / "spool"), "KEEPONE_LOG_FORMAT": "json", **environment}
    command = [sys.executable, "-c", LAUNCHER.format(patches="\n".join(patches)), "serve", "--port", "0"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--data", str(folder / "data")], env=variables, cwd=folder, stdout=log, stderr=log
        )
    try:
        yield Service(process, wait_for_address(process, folder / "log"), folder)
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"running on (http://[\d.]+:\d+)", log.read_text(encoding="utf-8"))
        if found:
            return found[1]
        time.sleep(PAUSE)
    raise RuntimeError(f"the service did not start:\n{log.read_text(encoding='utf-8')}")
