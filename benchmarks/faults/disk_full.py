"""A data disk of 64 MiB filled to the last byte: what still works, and what comes back when there is room?

A tmpfs is mounted for it (root, or a user namespace: `unshare -rm`). Each round fills the disk with a file of our own
while a real service takes pictures in: every write must be answered 201 or 507 and nothing else, reads and checks 200;
then the file is removed, and the next picture must go in without a restart. The oracle looks at every round. Half of the
rounds leave the reserve off, so that the disk really runs full in the midst of commits; in the other half it is on, and
then nothing may be written at all.

    python -m benchmarks.faults.disk_full [--rounds 20]
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.faults.crashable import Crashable
from benchmarks.faults.ledger import Asked, Ledger
from benchmarks.faults.load import picture, send, sha, tar
from benchmarks.faults.oracle import Finding, Oracle, counted
from benchmarks.server import connected

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

RESULTS = Path("benchmarks/results/disk_full.json")
MIB = 2**20
DISK, RESERVE = 64 * MIB, 8 * MIB
BALLAST = "ballast"


class FullDisk:
    """One service on a small disk. `statuses` counts the answers by what was asked."""

    def __init__(self, folder: Path, *, reserve: int) -> None:
        self.service = Crashable(folder, KEEPONE_MIN_FREE_BYTES=str(reserve))
        self.ledger = Ledger()
        self.oracle = Oracle(self.service.data, self.ledger)
        self.statuses: Counter[str] = Counter()
        self.findings: list[Finding] = []
        self._reserve = reserve
        self._ballast = folder / BALLAST
        self._numbers = itertools.count(1)

    def round(self, spare: int) -> None:
        """Fill the disk but for `spare` bytes, ask for everything, free it, and ask again."""
        with connected(self.service.base) as http:
            there = self._taken(http)
            self._must("upload with room", there.status_code, {201})
            self._fill(spare)
            before = len(self.oracle.images())
            for _ in range(12):
                self._must("upload when full", self._taken(http).status_code, {201, 507})
            self._must("batch when full", self._batch(http), {202, 507})
            image = there.json()["image_id"]
            self._must("read when full", http.get(f"/images/{image}").status_code, {200})
            self._must("file when full", http.get(f"/images/{image}/content").status_code, {200})
            check = http.post("/check-duplicate", files={"file": picture(next(self._numbers))})
            self._must("check when full", check.status_code, {200})
            if self._reserve and (made := len(self.oracle.images()) - before):
                self.findings.append(Finding("phantom", f"{made} images taken in below the reserve"))
            self._ballast.unlink()
            self._must("upload after freeing", self._taken(http).status_code, {201})
        self.findings += self.oracle.examine()

    def end_jobs(self) -> None:
        """Jobs that failed for want of room are resumed, and end."""
        with connected(self.service.base) as http:
            for _ in range(300):
                left = self.oracle.unfinished_jobs()
                for name, _, state in (job.partition(" ") for job in left):
                    if state == "failed":
                        told = http.get(f"/jobs/{name}").json()["problem"]
                        self._must(f"job failed by {told['type'].rpartition('/')[2]}", told["status"], {507})
                        http.post(f"/jobs/{name}/resume")
                if not left:
                    break
                with suppress(subprocess.TimeoutExpired):
                    self.service.process.wait(0.2)  # type: ignore[union-attr] # it runs
        self.findings += self.oracle.examine_jobs()

    def _taken(self, http: httpx.Client) -> httpx.Response:
        number = next(self._numbers)
        data = picture(number)
        return send(http, self.ledger, Asked("image", f"d{number}", (sha(data),), payload=data))

    def _batch(self, http: httpx.Client) -> int:
        number = next(self._numbers)
        files = {f"d{number}-{place}.jpg": picture(number * 1000 + place) for place in range(4)}
        shas = tuple(map(sha, files.values()))
        asked = Asked("batch", f"d{number}", shas, tuple(files), payload=tar(files))
        return send(http, self.ledger, asked).status_code

    def _must(self, what: str, status: int, allowed: set[int]) -> None:
        self.statuses[f"{what}: {status}"] += 1
        if status not in allowed:
            self.findings.append(Finding("answer", f"{what} was answered {status}: {self.service.log_tail(1000)}"))

    def _fill(self, spare: int) -> None:
        found = os.statvfs(self._ballast.parent)
        with self._ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(found.f_bavail * found.f_frsize - spare, 4096))


@contextmanager
def small_disk(point: Path) -> Iterator[None]:
    """A tmpfs there. Raises CalledProcessError where that is not allowed."""
    subprocess.run(
        ["/bin/mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(point)], check=True, capture_output=True
    )
    try:
        yield
    finally:
        subprocess.run(["/bin/umount", "-l", str(point)], check=False)


def filled(folder: Path, rounds: int, *, reserve: int) -> FullDisk:
    disk = FullDisk(folder, reserve=reserve)
    disk.service.start()
    try:
        for number in range(rounds):
            disk.round(RESERVE // 2 if reserve else number * 61_440 % 524_288)
        disk.end_jobs()
    finally:
        disk.service.kill()
    return disk


def run(rounds: int) -> dict[str, dict[str, object]]:
    """Rounds without and with a reserve, each on a disk of its own."""
    told: dict[str, dict[str, object]] = {}
    for name, reserve in (("no reserve", 0), ("reserve", RESERVE)):
        with tempfile.TemporaryDirectory(prefix="keepone-full-") as point, small_disk(Path(point)):
            disk = filled(Path(point), rounds, reserve=reserve)
            told[name] = {
                "rounds": rounds,
                "answers": dict(sorted(disk.statuses.items())),
                "findings": counted(disk.findings),
                "first_findings": [finding.told for finding in disk.findings[:5]],
            }
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--results", type=Path, default=RESULTS)
    asked = parser.parse_args()
    if os.geteuid() != 0:  # in a namespace of our own we are root, and may mount
        command = [sys.executable, "-m", "benchmarks.faults.disk_full", "--rounds", str(asked.rounds)]
        command += ["--results", str(asked.results)]
        raise SystemExit(subprocess.run(["/usr/bin/unshare", "-rm", *command], check=False).returncode)
    result = run(max(asked.rounds // 2, 1))
    asked.results.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    if any(one["findings"] for one in result.values()):
        raise SystemExit("a full disk was not survived")


if __name__ == "__main__":
    main()
