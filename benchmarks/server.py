"""A real service for a benchmark: its own process, its own data, on a free port of loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 30.0


def connected(base: str, timeout: float = 60.0) -> httpx.Client:
    """A client of a service on loopback. One made with httpx's defaults reads all certificates, for 40 ms of processor."""
    return httpx.Client(base_url=base, timeout=timeout, verify=False)  # noqa: S501 - nothing is encrypted on loopback


@contextmanager
def running_service(data: Path, **environment: str) -> Iterator[str]:
    """Start `keepone serve` and yield its base URL once it is ready; stop it afterwards."""
    port = free_port()
    variables = {**os.environ, "KEEPONE_LOG_LEVEL": "warning", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "serve", "--port", str(port), "--data", str(data)],
        env=variables,
        stdout=subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(base, process)
        yield base
    finally:
        stop(process)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_ready(base: str, process: subprocess.Popen[bytes]) -> None:
    deadline, told = time.monotonic() + START_SECONDS, "nothing"
    with connected(base, timeout=5) as http:
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"the service ended with code {process.returncode}")
            try:
                answer = http.get("/ready")
            except httpx.TransportError as error:
                told = repr(error)
            else:
                if answer.is_success:
                    return
                told = answer.text
            time.sleep(0.05)
    raise TimeoutError(f"the service was not ready within {START_SECONDS:.0f} s; it last said: {told}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to end; make it, if it does not."""
    process.terminate()
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
