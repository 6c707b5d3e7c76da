"""A further space is described anew by other weights, whoever does it is killed, and pictures keep coming (T41, T40).

A store is described by one state of a model. Then the service is started with other weights of the same dimension, and
killed again and again while its worker fills the new generation: at each point between asking the model and being told
of the commit in turn, and at random moments. Clients hand pictures in meanwhile, one by one and as jobs. After each kill

* `fsck` finds nothing, and what was acknowledged is there;
* every vector is the one that its own generation's model gives for that picture, worked out anew from its pixels, and no
  picture is described twice.

Left alone in the end, the new generation is whole and in use, and the older one is as it was. Going back to the older
weights then describes what came since, and nothing else.

The model is a twin that counts colours, slowed down so that a kill finds it at work; the other weights turn its vectors
round. A control in which they are mixed on purpose must be noticed. A cycle in which the machine stood still for long (a
virtual machine that was held, a process that was stopped) is gone through again: jobs look abandoned after it.

    python -m benchmarks.faults.describing [--kills 25] [--seed 1]
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import numpy as np
from PIL import Image

from benchmarks.faults.crashable import Crashable
from benchmarks.faults.load import picture, sha
from benchmarks.server import connected
from index_store.failpoints import POINTS
from service import wiring
from service.descriptors.testing import ColourTwin
from service.settings import Settings
from service.workflows.fsck import fsck

if TYPE_CHECKING:
    from collections.abc import Iterator

    from index_store.records import Space
    from service.workflows.findings import Store

RESULTS: Final = Path("benchmarks/results/describing.json")
SPACE: Final = "clip:colours"
RANDOM: Final = "at a random moment"
AT: Final = (RANDOM, *(point for point in POINTS if point.startswith("describe.") or point == "catalogue.described"))
FIRST, SECOND, MIXED = "slow-twins", "slow-twins-turned", "slow-twins-mixed"
"""Which weights the service has; see `sabotage`."""
START_PICTURES: Final = 40
MORE_FOR_EACH_KILL: Final = 2
POINT_SECONDS, LONGEST_RANDOM, WHOLE_SECONDS = 60.0, 4.0, 1800.0
_BEAT_SECONDS, HELD_UP_SECONDS = 0.5, 10.0
PATIENCE_SECONDS: Final = 600.0
"""Of a client, and of whoever waits for the start: all of it may be held up for minutes where others measure."""


@dataclass
class Run:
    """What was seen."""

    kills: Counter[str] = field(default_factory=Counter)
    clean: int = 0
    missing: list[int] = field(default_factory=list)
    """After each kill: pictures that the new generation had not described yet."""
    wrong: list[str] = field(default_factory=list)
    held_up: int = 0
    """Cycles in which all stood still for a while; what is wrong in them counts, but for jobs that were not seen since."""
    told: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "kills": sum(self.kills.values()),
            "kills_at": dict(sorted(self.kills.items())),
            "while_something_was_missing": sum(left > 0 for left in self.missing),
            "clean_afterwards": self.clean,
            "cycles_held_up_and_repeated": self.held_up,
            **self.told,
            "wrong": self.wrong[:10],
        }


class Pulse:
    """For how long at a time this process did not run."""

    def __init__(self) -> None:
        self.longest = 0.0
        threading.Thread(target=self._beat, daemon=True).start()

    def _beat(self) -> None:
        last = time.monotonic()
        while True:
            time.sleep(_BEAT_SECONDS)
            now = time.monotonic()
            self.longest, last = max(self.longest, now - last - _BEAT_SECONDS), now


class Describing:
    """One store."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._settings = Settings(_env_file=None, data=folder / "data", descriptors=f"builtin,{SPACE}")
        self._chance = np.random.default_rng(seed)
        self._numbers = iter(range(10**6))
        self._pictures: dict[str, bytes] = {}
        """By SHA-256, all that were ever sent."""
        self._stored: set[str] = set()
        """What was acknowledged as stored."""
        self._jobs: set[str] = set()
        """What a job was acknowledged for."""
        self._pulse = Pulse()
        self.run = Run()

    def begin(self, count: int) -> None:
        """A store whose only generation is whole."""
        with self._service(FIRST) as base, connected(base, PATIENCE_SECONDS) as http:
            for _ in range(count):
                self._hand_in(http, later=False)
            self._wait_until_whole(http)
        self._examine("before")

    def kill_at(self, point: str, weights: str = SECOND) -> bool:
        """Start with other weights, hand in pictures, die at that point, and look. False where all stood still."""
        self._pulse.longest = 0.0
        armed = "" if point == RANDOM else f"{point}=kill:{int(self._chance.integers(1, 4))}"
        service = self._crashable(weights)
        try:
            service.start(armed)
            with self._uploads(service.base):
                reached = self._wait_for_death(service, point)
        finally:
            service.kill()
        found = len(self.run.wrong)
        missing = self._examine(f"kill {sum(self.run.kills.values()) + 1} ({point})")
        if self._pulse.longest > HELD_UP_SECONDS:
            self.run.held_up += 1
            self.run.wrong[found:] = [wrong for wrong in self.run.wrong[found:] if "abandoned-job" not in wrong]
            return False
        if not reached:
            self.run.wrong.append(f"{point} was not reached")
        self.run.kills[point] += 1
        self.run.missing.append(missing)
        self.run.clean += len(self.run.wrong) == found
        return True

    def end(self) -> None:
        """Left alone with the other weights, then with the first ones again."""
        before = self._described()
        with self._service(SECOND) as base, connected(base, PATIENCE_SECONDS) as http:
            self._wait_until_whole(http)
        self._examine("the end", whole=SECOND)
        with wiring.open_store(self._settings) as store:
            first, second = _generations(store)
            self.run.told["pictures"] = len(store.catalogue.contents(self._pictures))
            self.run.told["second_generation_in_the_end"] = _told(store, second)
        with self._service(FIRST) as base, connected(base, PATIENCE_SECONDS) as http:
            self._wait_until_whole(http)
        self._examine("back", whole=FIRST)
        with wiring.open_store(self._settings) as store:
            self.run.told["first_generation_after_going_back"] = _told(store, first)
            anew = store.catalogue.descriptions.described(first.space_id) - before[first.space_id]
            came = self.run.told["pictures"] - before[first.space_id]
        self.run.told["described_anew_after_going_back"] = anew
        if anew != came:
            self.run.wrong.append(f"going back described {anew} pictures, and {came} had come")

    def _described(self) -> dict[int, int]:
        with wiring.open_store(self._settings) as store:
            return {one.space_id: store.catalogue.descriptions.described(one.space_id) for one in _generations(store)}

    def _crashable(self, weights: str) -> Crashable:
        service = Crashable(
            self._folder, ("hurry", weights), KEEPONE_DESCRIPTORS=f"builtin,{SPACE}", KEEPONE_INDEX_URL="exact://"
        )
        service.start_seconds = PATIENCE_SECONDS
        return service

    @contextmanager
    def _service(self, weights: str) -> Iterator[str]:
        service = self._crashable(weights)
        try:
            service.start()
            yield service.base
        finally:
            service.kill()

    @contextmanager
    def _uploads(self, base: str) -> Iterator[None]:
        """Pictures keep coming for as long as the block, or until nobody takes them any more."""
        enough = threading.Event()

        def work() -> None:
            with connected(base, PATIENCE_SECONDS) as http:
                while not enough.wait(0.3):
                    try:
                        self._hand_in(http, later=bool(self._chance.integers(2)))
                    except httpx.TransportError:
                        return

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()

    def _hand_in(self, http: httpx.Client, *, later: bool) -> None:
        data = picture(next(self._numbers))
        name = sha(data)
        self._pictures[name] = data
        headers = {"Prefer": "respond-async"} if later else {}
        answer = http.post("/images", files={"file": data}, headers=headers)
        if answer.is_success:
            (self._jobs if answer.status_code == httpx.codes.ACCEPTED else self._stored).add(name)

    def _wait_for_death(self, service: Crashable, point: str) -> bool:
        """Whether it came where it was to."""
        if point == RANDOM:
            time.sleep(float(self._chance.uniform(0.5, LONGEST_RANDOM)))
            return True
        until = time.monotonic() + POINT_SECONDS
        while time.monotonic() < until and not service.has_lost_one():
            time.sleep(0.05)
        return service.has_lost_one()

    def _wait_until_whole(self, http: httpx.Client) -> None:
        until = time.monotonic() + WHOLE_SECONDS
        while time.monotonic() < until:
            told = next(one for one in http.get("/stats").json()["index"] if one["space"] == SPACE)
            jobs = http.get("/jobs", params={"limit": 100}).json()["items"]
            if told["state"] == "active" and not told["missing"] and all(job["state"] == "succeeded" for job in jobs):
                return
            time.sleep(0.2)
        self.run.wrong.append(f"not whole after {WHOLE_SECONDS:.0f} s: {told}")

    def _examine(self, when: str, whole: str = "") -> int:
        """What is wrong, into the account; how many pictures the newest generation lacks."""
        with wiring.open_store(self._settings) as store:
            report = fsck(store, deep=True)
            self.run.wrong += [f"{when}: {one.kind} {one.name} {one.what}" for one in report.findings]
            known = store.catalogue.contents(self._pictures)
            lost = (self._stored | self._jobs if whole else self._stored) - set(known)
            self.run.wrong += [f"{when}: {name} was acknowledged and is gone" for name in sorted(lost)]
            spaces = _generations(store)
            for number, space in enumerate(spaces):
                self._examine_one(when, store, space, turned=number == 1)
            if whole and (spaces[whole == SECOND].state, spaces[whole != SECOND].state) != ("active", "retired"):
                self.run.wrong.append(f"{when}: the generations are {[one.state for one in spaces]}")
            return store.catalogue.descriptions.coverage(spaces[-1].space_id).missing

    def _examine_one(self, when: str, store: Store, space: Space, *, turned: bool) -> None:
        said = Counter(
            one.content_id
            for one in store.inspection.changes(0, 10**6)
            if one.kind == "described" and one.space_id == space.space_id
        )
        self.run.wrong += [f"{when}: {name} was described {times} times" for name, times in said.items() if times > 1]
        for name, vectors in store.catalogue.descriptions.of(space.space_id, said).items():
            expected = expected_of(self._pictures[name], turned=turned)
            if len(vectors) != 1 or not np.array_equal(vectors[0].values, expected):
                self.run.wrong.append(
                    f"{when}: {name} has a vector of other weights, or none, in {space.generation[:8]}"
                )


def expected_of(data: bytes, *, turned: bool) -> np.ndarray[Any, np.dtype[np.float16]]:
    """What the twin gives for a picture, and with its other weights."""
    with Image.open(io.BytesIO(data)) as opened:
        pixels = np.asarray(opened.convert("RGB"), np.uint8)
    [(one,)] = ColourTwin(SPACE).describe([pixels])
    return np.asarray((one.vector[::-1] if turned else one.vector).astype(np.float16))


def _generations(store: Store) -> list[Space]:
    """In the order they were begun."""
    return [one for one in store.catalogue.descriptions.spaces() if one.name == SPACE]


def _told(store: Store, space: Space) -> dict[str, Any]:
    covered = store.catalogue.descriptions.coverage(space.space_id)
    [now] = [one for one in _generations(store) if one.space_id == space.space_id]
    return {"state": now.state, "described": covered.described, "missing": covered.missing}


def described(folder: Path, kills: int, seed: int, start: int | None = None) -> Run:
    """The whole of it."""
    one = Describing(folder, seed)
    one.begin(START_PICTURES + MORE_FOR_EACH_KILL * kills if start is None else start)
    done = 0
    while done < kills:
        done += one.kill_at(AT[done % len(AT)])
    one.end()
    return one.run


def control(folder: Path, seed: int) -> Run:
    """The other weights' vectors, under the first ones' name: it must be noticed."""
    one = Describing(folder, seed)
    one.begin(4)
    one.kill_at(RANDOM, MIXED)
    return one.run


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--kills", type=int, default=25)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        run = described(Path(one), given.kills, given.seed)
        seen = control(Path(other), given.seed)
    noticed = any("other weights" in wrong for wrong in seen.wrong)
    told = run.as_json() | {"control_noticed": noticed, "seconds": round(time.monotonic() - began)}
    with closing(RESULTS.open("w", encoding="utf-8")) as file:
        file.write(json.dumps(told, indent=2) + "\n")
    print(json.dumps(told, indent=2))
    sys.exit(0 if noticed and not run.wrong and run.clean == given.kills else 1)


if __name__ == "__main__":
    main()
