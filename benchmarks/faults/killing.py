"""Processes that work on a removal and are killed (SIGKILL): at a fail point, or at a moment of their own."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service import wiring
from service.workflows.fsck import fsck

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from service.settings import Settings

    Death = tuple[str, int | float]
    """A fail point and how often it is passed first, or `random` and seconds."""

BEGUN = "begun"
"""What a process says that is ready to be killed."""
_PATIENCE = 120
GIVEN_UP = 0.5
"""Share of the killed applications that are undone and not gone on with."""


@dataclass
class Run:
    """What was seen."""

    kills: Counter[str] = field(default_factory=Counter)
    """By fail point; `random` is a moment of its own."""
    finished: Counter[str] = field(default_factory=Counter)
    """How often a removal came to its end, applied or undone."""
    wrong: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        return {
            "kills": dict(sorted(self.kills.items())),
            "kills_in_all": sum(self.kills.values()),
            "finished": dict(self.finished),
            "wrong": self.wrong[:5],
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """A removal that is applied and undone by processes of their own.

    Args of its functions: `planned` makes a new one and gives its id; `contradictions` what is wrong with one now, whether
    it was applied or undone last, and whether that came to its end.
    """

    module: str
    """Run as `python -m MODULE --folder F --act apply|undo --id ID`; says BEGUN before it does anything."""
    folder: str
    fail_points: Mapping[str, int]
    """With how often a process passes each."""
    longest: float
    """Seconds: what a process needs for all of it, about."""
    planned: Callable[[], str]
    contradictions: Callable[[str, str, bool], Sequence[str]]

    def run(self, kills: int, dice: random.Random) -> Run:
        """Apply and undo one plan after another, until so many processes were killed at it.

        What was killed while it applied a plan is as often undone at once as gone on with.
        """
        run, deaths = Run(), self._deaths(dice)
        while sum(run.kills.values()) < kills or not run.finished:
            removal_id = self.planned()
            for act in ("apply", "undo"):
                is_done = is_given_up = False
                while not is_done and not is_given_up:
                    is_done = self._acted(
                        removal_id, act, next(deaths) if sum(run.kills.values()) < kills else None, run
                    )
                    run.wrong += self.contradictions(removal_id, act, is_done)
                    is_given_up = act == "apply" and not is_done and dice.random() < GIVEN_UP
                run.finished[act] += is_done
        return run

    def _deaths(self, dice: random.Random) -> Iterator[Death]:
        """By turns at a fail point, the first or a later time it is passed, and at a moment of its own."""
        while True:
            for name, times in self.fail_points.items():
                yield name, 1 + int(times * dice.random() ** 2)
                yield "random", dice.uniform(0.0, self.longest)

    def _acted(self, removal_id: str, act: str, death: Death | None, run: Run) -> bool:
        """Whether it came to its end before it was killed."""
        name, when = death or ("", 0)
        environment = {**os.environ, "KEEPONE_FAILPOINTS": f"{name}=kill:{when}"} if name and name != "random" else None
        command = [sys.executable, "-m", self.module, "--folder", self.folder, "--act", act, "--id", removal_id]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
        try:
            process.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
            if name == "random":
                time.sleep(float(when))
                process.send_signal(signal.SIGKILL)
            status = process.wait(_PATIENCE)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()  # type: ignore[union-attr]  # it is a pipe
        if status == -signal.SIGKILL:
            run.kills[name] += 1
        elif status:
            run.wrong.append(f"{act} ended with {status}")
            return True  # again would end no better
        return status != -signal.SIGKILL


def findings(settings: Settings) -> list[str]:
    """What `fsck` says is wrong."""
    with wiring.open_store(settings) as store:
        return [f"{finding.kind}: {finding.name}" for finding in fsck(store, deep=True).findings]


def command(
    what: str,
    filled: Callable[[Path, int], list[str]],
    killed: Callable[[Path, list[str], int], Run],
    act: Callable[[Path, str, str], None],
    *,
    share: int,
    result: Path,
    about: str | None,
) -> None:
    """A trial of 10,000 of `what`, or of as many as asked, told and kept in the results; or one of its processes.

    `filled` makes them in a folder and names them, `killed` tries, `act` is what a process does. One of `share` goes.
    Written to `result`; ends this process with 1 if anything was wrong.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument(f"--{what}", dest="count", type=int, default=10_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--act", choices=("apply", "undo"))
    parser.add_argument("--id")
    asked = parser.parse_args()
    if asked.act:
        act(asked.folder, asked.id, asked.act)
        return
    with tempfile.TemporaryDirectory(prefix="keepone-kills-") as place:
        folder = Path(place) / "data"
        names = filled(folder, asked.count)
        began = time.monotonic()
        told = killed(folder, names, asked.kills).told()
    told = {what: len(names), "items": len(names) // share, "seconds": round(time.monotonic() - began)} | told
    result.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=1))
    sys.exit(1 if told["wrong"] else 0)
