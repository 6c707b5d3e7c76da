"""The benchmarks' own service starts in time or says why, and always ends."""

import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from benchmarks import server


class Busy(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503, "not yet")

    def log_message(self, *_):
        """In silence."""


@pytest.fixture
def deaf():
    """A process that does not end when it is told to."""
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_a_service_that_never_gets_ready_is_given_up(monkeypatch, deaf):
    """Also where it answers, and what it said is told."""
    monkeypatch.setattr(server, "START_SECONDS", 0.5)
    with HTTPServer(("127.0.0.1", 0), Busy) as busy:
        threading.Thread(target=busy.serve_forever, daemon=True).start()
        with pytest.raises(TimeoutError, match="not yet"):
            server.wait_until_ready(f"http://127.0.0.1:{busy.server_port}", deaf)
        busy.shutdown()


def test_a_service_that_does_not_end_is_made_to(monkeypatch, deaf):
    """Nothing is left running."""
    monkeypatch.setattr(server, "STOP_SECONDS", 0.2)
    server.stop(deaf)
    assert deaf.returncode == -signal.SIGKILL
