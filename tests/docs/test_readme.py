"""The README's commands, run as they stand against a real service with data of its own.

Only three things differ from what a reader types: the port, the data folder, and the picture, which is made here.
"""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)
ELSEWHERE = ("make ", "docker ")
"""Commands that set up or need what a test has not; they are checked against what they call."""

RUN = [block for block in BLOCKS if not block.startswith(ELSEWHERE)]
REPORT = "trap 'echo \"failed: $? $BASH_COMMAND\" >&2' ERR\n"
BOOT_SECONDS = 15


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A folder like a clone with a `.venv` and a photo.jpg, and a service beside it on a port of its own."""
    folder = tmp_path_factory.mktemp("clone")
    (folder / ".venv").symlink_to(sys.prefix)
    photograph().save(folder / "photo.jpg", quality=92)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KEEPONE_")}
    environment = kept | {"KEEPONE_DATA": str(folder / "data"), "KEEPONE_DECODE_CHILDREN": "1"}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [folder / ".venv" / "bin" / "keepone", "serve", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        wait_until_ready(port, process)
        yield folder, port, environment
    finally:
        process.terminate()
        process.wait(BOOT_SECONDS)


def photograph():
    """Something with the detail of a photograph: overlapping soft spots on a slope, from one seed."""
    random = np.random.default_rng(7)
    y, x = np.mgrid[0:480, 0:640].astype(np.float32)
    picture = np.stack([x / 4, y / 4, (x + y) / 8], axis=2)
    for _ in range(60):
        cy, cx, size = random.uniform(0, 480), random.uniform(0, 640), random.uniform(12, 90)
        spot = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * size**2))
        picture += spot[..., None] * random.uniform(-110, 110, 3).astype(np.float32)
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8))


def wait_until_ready(port, process):
    deadline = time.monotonic() + BOOT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=1):
                return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.05)
    pytest.fail("the service did not become ready")


def test_the_readmes_commands_do_what_it_says(service):
    """Block after block, as a reader would: the first verdict, the command line, then a key."""
    folder, port, environment = service
    outputs = []
    for block in RUN:
        script = REPORT + block.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
        done = subprocess.run(
            ["bash", "-c", script],  # noqa: S607 - the shell a reader has
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        failures = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
        # `check` and `compare` say by their exit code that they found a duplicate; nothing else may fail.
        assert all(re.match(r"failed: 1 \.venv/bin/keepone (check|compare) ", line) for line in failures), done.stderr
        outputs.append(done.stdout)
    first, many, shell, keys = outputs
    assert first.count('"verdict":"unique"') == 1
    assert '"verdict":"duplicate"' in first
    assert '"action":"delete"' in first
    assert '"relation":"reencoded"' in first
    assert many.count('"job_id":"job_') == 2
    assert '"kind":"ingest"' in many
    assert "1 referenced as duplicate" in shell
    assert "copy.jpg: duplicate" in shell
    assert "FAIL" not in shell
    assert int(re.search(r'"images":(\d+)', keys)[1]) in {2, 3, 4}  # the batch is taken in beside the shell
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/stats", timeout=5)


def test_blocks_that_are_not_run_hold_nothing_else():
    """A command slipped into an unrun block would be a command nobody tried."""
    for block in BLOCKS:
        if block not in RUN:
            assert all(line.startswith(ELSEWHERE) for line in block.splitlines())


def test_make_run_ends_in_keepone_serve():
    """The one command of the start: its last recipe line starts the service, and nothing comes after."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^run:.*\n((?:\t.*\n)+)", makefile, flags=re.MULTILINE)
    assert recipe[1].splitlines()[-1] == "\t$(BIN)/keepone serve"


def test_every_make_target_that_the_texts_name_exists():
    """In the README and in CONTRIBUTING."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    texts = README + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^make ([a-z-]+)|`make ([a-z-]+)`", texts, flags=re.MULTILINE))
    for target in {first or second for first, second in named}:
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target
