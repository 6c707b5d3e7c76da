"""Ten thousand pictures as one TAR through `/images/batch`: how fast, how much memory, and what kills do to it.

    KEEPONE_SHARED=… python -m benchmarks.batch [--quick] [--pictures 10000] [--kills 50]

First run: undisturbed, timed from the request to the job's end. Second run, on a fresh folder: the whole process group
is killed at a fail point and at random moments, spread over the job, and started again, until the job has succeeded.
Afterwards the rows and files are read by sqlite3 and hashlib alone: every picture once, none missing, one outcome each.
`--quick`: both as quick batches, told beside the others.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.server import connected, free_port, wait_until_ready
from index_store.job_records import FINISHED

RESULTS = Path(__file__).parent / "results" / "batch.json"
SEED = 20261121
FAIL_POINT = "catalogue.group-written=kill:20"


class Service:
    """`keepone serve` in a process group of its own."""

    def __init__(self, data: Path, **environment: str) -> None:
        self._port = free_port()
        self.base = f"http://127.0.0.1:{self._port}"
        command = [sys.executable, "-m", "service.cli", "serve", "--port", str(self._port), "--data", str(data)]
        variables = {**os.environ, "KEEPONE_LOG_LEVEL": "warning", **environment}
        self.process = subprocess.Popen(command, env=variables, start_new_session=True, stdout=subprocess.DEVNULL)
        wait_until_ready(self.base, self.process)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def memory(self) -> int:
        """Resident bytes of all its processes together; shared pages count once each time they are mapped."""
        total = 0
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit():
                continue
            with suppress(OSError):
                group = int((folder / "stat").read_text().rpartition(")")[2].split()[2])
                if group == self.process.pid:
                    pages = int((folder / "statm").read_text().split()[1])
                    total += pages * os.sysconf("SC_PAGE_SIZE")
        return total


def archive(count: int) -> tuple[bytes, dict[str, str]]:
    """A TAR of that many training pictures, and the SHA-256 of each by its name there."""
    folder = Path(os.environ["KEEPONE_SHARED"]) / "data" / "train"
    out = io.BytesIO()
    hashes: dict[str, str] = {}
    with tarfile.open(fileobj=out, mode="w") as made:
        for name in ("caltech101.tar", "clothing.tar"):
            with tarfile.open(folder / name) as tar:
                for member in tar:
                    file = tar.extractfile(member)
                    if file is None or len(hashes) == count:
                        continue
                    data = file.read()
                    hashes[member.name] = hashlib.sha256(data).hexdigest()
                    made.addfile(member, io.BytesIO(data))
    return out.getvalue(), hashes


def hand_in(base: str, tar: bytes, *, quick: bool = False) -> str:
    with connected(base, timeout=120) as http:
        files = {"files": ("pictures.tar", tar, "application/x-tar")}
        answer = http.post("/images/batch", files=files, data={"quick": str(quick).lower()})
    answer.raise_for_status()
    return str(answer.json()["job_id"])


def job(base: str, job_id: str) -> dict[str, Any]:
    with connected(base) as http:
        found: dict[str, Any] = http.get(f"/jobs/{job_id}").json()
    return found


def when_ended(base: str, job_id: str) -> dict[str, Any]:
    """The job, once it has ended."""
    while (state := job(base, job_id))["state"] not in FINISHED:
        time.sleep(0.5)
    return state


def undisturbed(data: Path, tar: bytes, hashes: dict[str, str], *, quick: bool) -> dict[str, Any]:
    service = Service(data)
    peak, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            peak[0] = max(peak[0], service.memory())

    try:
        before = service.memory()
        threading.Thread(target=watch, daemon=True).start()
        began = time.monotonic()
        job_id = hand_in(service.base, tar, quick=quick)
        accepted = time.monotonic() - began
        state = when_ended(service.base, job_id)
        seconds = time.monotonic() - began
        ended.set()
    finally:
        service.kill()
    return {
        "accepted_s": round(accepted, 2),
        "seconds": round(seconds, 1),
        "pictures_a_second": round(len(hashes) / seconds, 1),
        "state": state["state"],
        "counts": state["counts"],
        "rss_at_rest_mib": before // 2**20,
        "rss_peak_mib": peak[0] // 2**20,
        "found": audit(data, hashes),
    }


def killed(data: Path, tar: bytes, hashes: dict[str, str], kills: int, apart: float, *, quick: bool) -> dict[str, Any]:
    """One kill at a fail point of the worker, the rest at random moments, `apart` seconds of work from each other."""
    dice = random.Random(SEED)  # noqa: S311 - when to kill, no secret
    service = Service(data, KEEPONE_FAILPOINTS=FAIL_POINT)
    job_id = hand_in(service.base, tar, quick=quick)
    while True:
        done = job(service.base, job_id)["done"]
        if done >= 15 * 48 or job(service.base, job_id)["state"] in FINISHED:
            break
        time.sleep(0.2)
    time.sleep(3)
    service.kill()
    hit = [done]
    for _ in range(kills - 1):
        service = Service(data)
        time.sleep(dice.uniform(0, 2 * apart))
        state = job(service.base, job_id)
        service.kill()
        if state["state"] in FINISHED:
            break
        hit.append(state["done"])
    service = Service(data)
    began = time.monotonic()
    state = when_ended(service.base, job_id)
    service.kill()
    return {
        "fail_point": FAIL_POINT,
        "kills": len(hit),
        "done_at_each_kill": hit,
        "state": state["state"],
        "counts": state["counts"],
        "seconds_after_the_last_kill": round(time.monotonic() - began, 1),
        "found": audit(data, hashes),
        "fsck": fsck(data),
    }


def audit(data: Path, hashes: dict[str, str]) -> dict[str, int]:
    """What lies in the catalogue and the blobs, read without our own read path."""
    connection = sqlite3.connect(f"file:{data / 'catalogue.sqlite'}?mode=ro", uri=True)
    images = connection.execute("SELECT external_id, content_id FROM image WHERE state = 'active'").fetchall()
    items = connection.execute("SELECT name, state FROM job_item").fetchall()
    contents = {row[0] for row in connection.execute("SELECT sha256 FROM content")}
    sequences = [row[0] for row in connection.execute("SELECT sequence FROM change ORDER BY sequence")]
    connection.close()
    blobs = {path.name: path for path in (data / "blobs").glob("??/??/*")}
    return {
        "pictures": len(hashes),
        "images": len(images),
        "missing": len(set(hashes) - {name for name, _ in images}),
        "twice": len(images) - len({name for name, _ in images}),
        "of_other_bytes": sum(hashes.get(name) != content for name, content in images),
        "items": len(items),
        "items_twice": len(items) - len({name for name, _ in items}),
        "items_without_success": sum(state != "succeeded" for _, state in items),
        "contents_without_sound_blob": sum(
            name not in blobs or hashlib.sha256(blobs[name].read_bytes()).hexdigest() != name for name in contents
        ),
        "gaps_in_the_log": sum(number != place for place, number in enumerate(sequences, 1)),
    }


def fsck(data: Path) -> int:
    """Exit code of `keepone fsck --deep`: 0 is clean."""
    command = [sys.executable, "-m", "service.cli", "fsck", "--deep", "--data", str(data)]
    return subprocess.run(command, check=False, stdout=subprocess.DEVNULL).returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=50)
    asked = parser.parse_args()
    tar, hashes = archive(asked.pictures)
    with tempfile.TemporaryDirectory() as first, tempfile.TemporaryDirectory() as second:
        told = undisturbed(Path(first), tar, hashes, quick=asked.quick)
        print(json.dumps(told), flush=True)
        apart = told["seconds"] / max(asked.kills, 1)
        runs = {
            "pictures": len(hashes),
            "undisturbed": told,
            "killed": killed(Path(second), tar, hashes, asked.kills, apart, quick=asked.quick),
        }
    earlier = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    result = earlier | {"machine": {"cpus": os.cpu_count()}} | ({"quick": runs} if asked.quick else runs)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(runs, indent=1))


if __name__ == "__main__":
    main()
