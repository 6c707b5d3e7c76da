"""Is anything lost, or made up, when the service is killed at any moment?

Each cycle starts a real `keepone serve` on the same data, waits until it is ready, holds the store to everything that
clients were ever told (`oracle`), sends again what was never answered, lets a seeded load work, and kills the whole
process group: at a random moment, or where a named fail point kills one of its processes first. Every point that this
load can reach has its turn. In one cycle of five the jobs left behind must all end first.

Controls: the same run with a promise broken on purpose (`sabotage`), and runs in which a power cut takes what was never
synced (`power_cut`). A control that finds nothing means that the harness is blind, and fails.

    python -m benchmarks.faults.crash [--cycles 500] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np

from benchmarks.faults.crashable import Crashable
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.load import Load, send
from benchmarks.faults.oracle import Finding, Oracle, counted
from benchmarks.faults.power_cut import cut
from benchmarks.server import connected
from index_store.failpoints import POINTS

if TYPE_CHECKING:
    from collections.abc import Iterable

RESULTS = Path("benchmarks/results/crash.json")
RANDOM = "at a random moment"
HURRIES = ("hurry", "small-snapshots")
OUT_OF_REACH = frozenset({"snapshot.pruned", "catalogue.described", "describe.described", "describe.committed"})
"""Points that need more than one snapshot's life, or a further space: `tests/faults/test_spaces.py` dies at those."""
CYCLES_OF_A_STORE = 50
"""Then a last look is taken and a new store begun: the older one is, the longer each look takes."""
JOBS_SECONDS, POINT_SECONDS, LONGEST_LOAD = 90.0, 4.0, 2.5
REPLAYS = 5


@dataclass
class Run:
    """What happened in one run of cycles."""

    cycles: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    unreached: Counter[str] = field(default_factory=Counter)
    ready: list[float] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)
    """What power cuts took: names and contents."""

    def add(self, other: Run) -> None:
        """What happened to another store."""
        self.cycles += other.cycles
        self.ready += other.ready
        self.findings += other.findings
        for mine, its in ((self.kills, other.kills), (self.unreached, other.unreached), (self.taken, other.taken)):
            mine.update(its)


class Crashes:
    """One store, killed again and again."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        sabotage: Iterable[str] = HURRIES,
        *,
        first: int = 0,
        power_cuts: bool = False,
        **settings: str,
    ) -> None:
        self.service = Crashable(folder, sabotage, **settings)
        self.ledger = Ledger()
        self.oracle = Oracle(self.service.data, self.ledger)
        self.run = Run()
        self._seed = seed
        self._first = first
        self._power_cuts = power_cuts
        self._points = [RANDOM, *(point for point in _reachable() if point not in OUT_OF_REACH)]

    def cycle(self, *, jobs_must_end: bool = False) -> None:
        """Start, examine, work, die."""
        number = self._first + self.run.cycles
        rng = np.random.default_rng((self._seed, number))
        # Every other kill is at a random moment; the points take turns with the rest.
        point = RANDOM if number % 2 else self._points[1:][number // 2 % (len(self._points) - 1)]
        armed = "" if point == RANDOM else f"{point}=kill:{int(rng.integers(1, 4))}"
        try:
            self.run.ready.append(self.service.start("" if jobs_must_end else armed))
            self._examine(jobs_must_end=jobs_must_end)
            self._load(point, rng, number)
        except httpx.TransportError:
            if not self.service.has_died():
                raise  # nobody has killed it, and yet it does not answer
            self.run.kills[point] += 1
        except RuntimeError:
            if not armed or not self.service.has_died():
                raise
            self.run.kills[point] += 1  # on its way up: starting is part of the load
        self.service.kill()
        self.run.cycles += 1
        if self._power_cuts:
            taken = cut(self.service.data, self.service.folder / "power-journal")
            self.run.taken.update(names=len(taken.names), contents=len(taken.contents))

    def last_look(self) -> None:
        """Start once more without harm, let every job end, and examine everything."""
        self.run.ready.append(self.service.start())
        self._examine(jobs_must_end=True)
        self.run.findings += self.oracle.examine(every_blob=True)
        self.run.findings += self._asked_of_the_service()
        self.service.kill()
        self.run.findings += self._fsck()

    def _examine(self, *, jobs_must_end: bool) -> None:
        self.run.findings += self.oracle.examine()
        self.run.findings += self._send_again()
        if jobs_must_end:
            deadline = time.monotonic() + JOBS_SECONDS
            while self.oracle.unfinished_jobs() and time.monotonic() < deadline:
                time.sleep(0.2)
            self.run.findings += self.oracle.examine_jobs()

    def _send_again(self) -> list[Finding]:
        """Requests with a key that were never answered, and some that were: those must be told the same again."""
        findings = []
        keyed = [asked for asked in self.ledger.asked if asked.key is not None]
        answered = [asked for asked in keyed if asked.acknowledged is not None][-REPLAYS:]
        with connected(self.service.base) as http:
            for asked in [*(one for one in keyed if one.is_open), *answered]:
                before = asked.acknowledged
                answer = send(http, self.ledger, asked)
                told = answer.json()
                name = "image_id" if asked.kind == "image" else "job_id"
                if before is not None and (
                    told.get(name) != before[name] or answer.headers.get("Idempotency-Replayed") != "true"
                ):
                    findings.append(Finding("changed", f"{asked.tag} sent again was answered {answer.status_code}"))
                if answer.status_code >= 500 or answer.status_code == 422:
                    findings.append(Finding("changed", f"{asked.tag} sent again: {answer.text[:200]}"))
        return findings

    def _load(self, point: str, rng: np.random.Generator, number: int) -> None:
        seconds = POINT_SECONDS if point != RANDOM else 0.1 + LONGEST_LOAD * float(rng.random())
        with Load(self.service.base, self.ledger, self._seed, number):
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and not self.service.has_lost_one():
                time.sleep(0.01)
            if point != RANDOM and not self.service.has_lost_one():
                self.run.unreached[point] += 1
                point = RANDOM
            self.run.kills[point] += 1
            self.service.kill()

    def _asked_of_the_service(self) -> list[Finding]:
        """The service counts what the files say."""
        with connected(self.service.base) as http:
            told = http.get("/stats").json()["images"]
        active = sum(row["state"] == "active" for row in self.oracle.images())
        return [] if told == active else [Finding("changed", f"/stats says {told} images, and there are {active}")]

    def _fsck(self) -> list[Finding]:
        """Our own check must agree, where there is one."""
        command = [sys.executable, "-m", "service.cli", "fsck", "--deep", "--json", "--data", str(self.service.data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.service.folder)
        if "No such command" in done.stderr:
            return []
        try:
            said = json.loads(done.stdout)
        except json.JSONDecodeError:
            return [Finding("fsck", done.stderr[-500:])]
        harmless = {"orphan-blob", "abandoned-file"}
        return [Finding("fsck", json.dumps(one)) for one in said["findings"] if one["kind"] not in harmless]


def _reachable() -> list[str]:
    return [point for point in POINTS if point.partition(".")[0] not in {"backup", "restore", "purge", "fsck"}]


def crashed(folder: Path, cycles: int, seed: int, **how: Any) -> Run:
    """So many cycles, with a last look at each store."""
    whole = Run()
    for first in range(0, cycles, CYCLES_OF_A_STORE):
        crashes = Crashes(folder / str(first), seed, first=first, **how)
        try:
            for number in range(first, min(first + CYCLES_OF_A_STORE, cycles)):
                crashes.cycle(jobs_must_end=number % 5 == 4)
                if crashes.run.findings:
                    break  # what comes after a loss says nothing new
            else:
                crashes.last_look()
        finally:
            crashes.service.kill()
        whole.add(crashes.run)
        print(
            f"{whole.cycles} cycles, {len(crashes.ledger.asked)} requests, {len(whole.findings)} findings", flush=True
        )
        if whole.findings:
            break
        shutil.rmtree(crashes.service.folder)
    return whole


def told(run: Run) -> dict[str, Any]:
    """A run as the results file has it."""
    kinds = counted(run.findings)
    ready = sorted(run.ready) or [0.0]
    return {
        "cycles": run.cycles,
        "lost": sum(kinds.get(kind, 0) for kind in ("lost", "blob", "vector", "log", "job", "changed", "fsck")),
        "phantoms": kinds.get("phantom", 0),
        "findings": kinds,
        "first_findings": [finding.told for finding in run.findings[:5]],
        "ready_seconds": {
            "p50": round(ready[len(ready) // 2], 2),
            "p95": round(ready[int(0.95 * (len(ready) - 1))], 2),
            "max": round(ready[-1], 2),
        },
        "kills": dict(sorted(run.kills.items())),
        "unreached": dict(sorted(run.unreached.items())),
        "taken_by_power_cuts": dict(run.taken),
    }


CONTROLS: dict[str, dict[str, Any]] = {
    "log not written": {"sabotage": (*HURRIES, "no-log")},
    "commits dropped": {"sabotage": (*HURRIES, "commit-dropped")},
    "files not synced": {"sabotage": (*HURRIES, "power-journal", "no-file-sync"), "power_cuts": True},
    "folders not synced": {"sabotage": (*HURRIES, "power-journal", "no-folder-sync"), "power_cuts": True},
}
"""Each must be seen to fail."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    result: dict[str, Any] = {"seed": asked.seed}
    with tempfile.TemporaryDirectory(prefix="keepone-crash-") as name:
        folder = Path(name)
        result["killed"] = told(crashed(folder / "killed", asked.cycles, asked.seed))
        powered = {"sabotage": (*HURRIES, "power-journal"), "power_cuts": True}
        result["power_cut"] = told(crashed(folder / "power", max(asked.cycles // 5, 3), asked.seed, **powered))
        result["controls"] = {
            control: told(crashed(folder / control.replace(" ", "-"), 6, asked.seed, **how))
            for control, how in CONTROLS.items()
        }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    blind = [control for control, run in result["controls"].items() if not run["findings"]]
    if result["killed"]["findings"] or result["power_cut"]["findings"] or blind:
        raise SystemExit(f"something was lost or made up, or a control saw nothing: {blind}")


if __name__ == "__main__":
    main()
