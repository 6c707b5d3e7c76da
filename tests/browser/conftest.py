"""A real service, a real browser, pictures made in code.

Nothing here skips: a machine without Chromium fails these tests, or nobody would notice that they never ran.
"""

from __future__ import annotations

import base64
import http.client
import io
import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import sync_playwright

CHROMIUM = os.environ.get("KEEPONE_CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
START_LIMIT = 60.0
"""Seconds a service may take to become ready, on a busy machine."""

HEAR_VIOLATIONS = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""

TRANSFER = """
(files) => {
  const transfer = new DataTransfer();
  for (const { name, type, base64 } of files) {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  return transfer;
}
"""


@dataclass
class Visit:
    """One tab, and everything in it that somebody should have heard about."""

    page: object
    origin: str
    complaints: list[str] = field(default_factory=list)

    def open(self, path):
        self.page.add_init_script(HEAR_VIOLATIONS)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        self.page.on("request", self._watch)
        self.page.goto(self.origin + path)
        return self.page

    def drop(self, *files):
        """Drop files, (name, bytes) each, as a hand would: one event with a DataTransfer."""
        carried = [
            {"name": name, "type": "image/jpeg", "base64": base64.b64encode(data).decode()} for name, data in files
        ]
        transfer = self.page.evaluate_handle(TRANSFER, carried)
        for event in ("dragenter", "dragover", "drop"):
            self.page.dispatch_event("#drop", event, {"dataTransfer": transfer})

    def paste(self, name, data):
        carried = [{"name": name, "type": "image/jpeg", "base64": base64.b64encode(data).decode()}]
        transfer = self.page.evaluate_handle(TRANSFER, carried)
        self.page.evaluate(
            """(clipboardData) => {
              document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
            }""",
            transfer,
        )

    def _hear(self, message):
        if message.type == "error":
            self.complaints.append(f"console: {message.text}")

    def _watch(self, request):
        if not request.url.startswith((self.origin + "/", f"blob:{self.origin}/", "data:")):
            self.complaints.append(f"left the origin: {request.url}")


class Pictures:
    """Pictures with enough detail to be told apart, one for each seed."""

    @staticmethod
    def scene(seed, size=(960, 720)):
        rng = np.random.default_rng(seed)
        coarse = rng.integers(40, 216, (6, 8, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
        pen = ImageDraw.Draw(picture)
        for _ in range(70):
            x, y = rng.integers(0, size[0]), rng.integers(0, size[1])
            width, height = rng.integers(12, 160, 2)
            colour = tuple(int(part) for part in rng.integers(0, 256, 3))
            draw = pen.ellipse if rng.random() < 0.5 else pen.rectangle
            draw((int(x), int(y), int(x + width), int(y + height)), fill=colour)
        return picture

    @staticmethod
    def jpeg(picture, quality=92):
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality)
        return out.getvalue()


@pytest.fixture(scope="session")
def pictures():
    return Pictures()


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """The origin of a `keepone serve` of our own, with an empty collection."""
    folder = tmp_path_factory.mktemp("keepone")
    port = free_port()
    command = Path(sys.executable).with_name("keepone")
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("KEEPONE_")}
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(
            [command, "serve", "--host", "127.0.0.1", "--port", str(port)],
            env={**surroundings, "KEEPONE_DATA": str(folder / "data"), "KEEPONE_PORT": str(port)},
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_ready(process, port, folder / "service.log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(process, port, log):
    step = 0.1
    for _ in range(int(START_LIMIT / step)):
        if is_ready(port):
            return
        try:
            process.wait(timeout=step)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"keepone serve ended with {process.returncode}:\n{log.read_text()}")
    pytest.fail(f"keepone serve was not ready within {START_LIMIT:.0f} s:\n{log.read_text()}")


def is_ready(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/ready")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


@pytest.fixture(scope="session")
def browser():
    if not Path(CHROMIUM).exists():
        pytest.fail(f"No Chromium at {CHROMIUM}; name one in KEEPONE_CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, service):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(20_000)
    yield Visit(context.new_page(), service)
    context.close()
