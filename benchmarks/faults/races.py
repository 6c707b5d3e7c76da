"""Many clients hand in one picture at the same moment, through several processes: is exactly one of them first?

* equal bytes: of 200 uploads in parallel one is `stored`, and the others are `referenced` and name its content;
* re-encodings: of 50 in parallel exactly one is `unique`;
* distinct pictures: 10,000 from 64 clients, each is there afterwards, and nobody is told of a locked database;
* a long mix: searchers, a writer and the snapshot builder at once. Nobody dies, no removed image is named, and what was
  taken in is found by every question asked after its commit (each written picture is asked for eight times).

The first two on SQLite and PostgreSQL, by services of two and of four processes; the others by four on each.

    python -m benchmarks.faults.races [--rounds 100] [--pictures 10000] [--minutes 10] [--processes 2 4]
        [--only mix] [--databases sqlite]

What was measured before and is not asked for stays in the results.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.faults.crashable import Crashable
from benchmarks.faults.load import picture
from benchmarks.server import connected
from index_store.testing.postgres import postgres_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import httpx

RESULTS = Path("benchmarks/results/races.json")
EQUAL, REENCODED, CLIENTS = 200, 50, 64
PROCESSES = (2, 4)
FOREVER_SECONDS = 300.0
"""Patience of a client: here a full queue is no failure, a wrong answer is."""
ASKED_EACH = 16
"""Connections for each process that must find the service ready in a row: one process is hardly missed by all."""
DATABASES = ("sqlite", "postgresql")
RACES = ("equal_bytes", "reencodings", "distinct", "mix")
Answer = dict[str, Any]


@dataclass
class Rounds:
    """How many rounds had exactly one first, and what went wrong in the others."""

    rounds: int
    exact: int
    wrong: list[str]


@contextmanager
def raced(
    folder: Path, workers: int, catalogue_url: str = "", *, sabotage: tuple[str, ...] = (), **settings: str
) -> Iterator[Crashable]:
    """A service of so many processes."""
    url = {"KEEPONE_CATALOGUE_URL": catalogue_url} if catalogue_url else {}
    more = {"KEEPONE_WORKERS": str(workers), "KEEPONE_DECODE_CHILDREN": "1", "KEEPONE_UPLOADS": "256"}
    patient = {"KEEPONE_QUEUE_SECONDS": "240", "KEEPONE_JOB_WORKER": "no"}
    service = Crashable(folder, sabotage, **more, **patient, **url, **settings)
    service.start()
    try:
        wait_for_all(service, workers)
        yield service
    finally:
        service.kill()


def wait_for_all(service: Crashable, workers: int) -> None:
    """Until every process has read its index: each new connection may land in another one."""
    ready = 0
    while ready < ASKED_EACH * workers and service.is_alive():
        with connected(service.base, FOREVER_SECONDS) as http:
            ready = ready + 1 if http.get("/ready").is_success else 0


def at_once(service: Crashable, files: Sequence[bytes], clients: int) -> list[Answer]:
    """Hand each in, all let go at the same moment as far as there are clients. Each has connections of its own."""
    gate = threading.Barrier(min(clients, len(files)))
    began = threading.local()

    def send(data: bytes) -> Answer:
        if not hasattr(began, "http"):
            began.http = held.enter_context(connected(service.base, FOREVER_SECONDS))
            gate.wait(FOREVER_SECONDS)
        answer = began.http.post("/images", files={"file": data})
        told: Answer = answer.json()
        return told | {"http_status": answer.status_code}

    with ExitStack() as held, ThreadPoolExecutor(min(clients, len(files))) as pool:
        return list(pool.map(send, files))


def equal_bytes(service: Crashable, number: int, count: int = EQUAL) -> str:
    """What was wrong, or nothing."""
    answers = at_once(service, [picture(number)] * count, count)
    outcomes = Counter(answer.get("outcome", answer.get("type")) for answer in answers)
    contents = {answer.get("content_id") for answer in answers}
    references = sorted(answer.get("references", 0) for answer in answers)
    right = outcomes == Counter(stored=1, referenced=count - 1) and len(contents) == 1
    return "" if right and references == list(range(1, count + 1)) else f"{dict(outcomes)}, {len(contents)} contents"


def reencodings(service: Crashable, number: int, count: int = REENCODED) -> str:
    """What was wrong, or nothing."""
    files = [picture(number, quality) for quality in range(95 - count, 95)]
    verdicts = Counter(answer.get("verdict", answer.get("type")) for answer in at_once(service, files, count))
    return "" if verdicts == Counter(unique=1, duplicate=count - 1) else str(dict(verdicts))


def rounds(service: Crashable, count: int, race: Callable[[Crashable, int], str], first: int) -> Rounds:
    wrong = [f"round {number}: {what}" for number in range(count) if (what := race(service, first + number))]
    return Rounds(count, count - len(wrong), wrong[:5])


def distinct(service: Crashable, count: int, first: int) -> dict[str, Any]:
    """As many pictures from 64 clients: answers by kind, and how many are there afterwards."""
    with connected(service.base, FOREVER_SECONDS) as http:
        before = http.get("/stats").json()["images"]
        began = time.monotonic()
        answers = at_once(service, [picture(first + number) for number in range(count)], CLIENTS)
        seconds = time.monotonic() - began
        there = http.get("/stats").json()["images"] - before
    statuses = Counter(f"{answer['http_status']} {answer.get('verdict', answer.get('type'))}" for answer in answers)
    acknowledged = sum(answer["http_status"] == 201 for answer in answers)
    locked = sum("locked" in str(answer) for answer in answers)
    return {
        "answers": dict(statuses),
        "lost": acknowledged - there,
        "refused": count - acknowledged,
        "locked": locked,
        "seconds": round(seconds, 1),
    }


class Mix:
    """Searchers, a writer that also deletes, and snapshots built of few pictures, for a while."""

    def __init__(self, service: Crashable, first: int) -> None:
        self._service = service
        self._next = first
        self._stop = threading.Event()
        self._gone: dict[str, float] = {}
        self._known: dict[str, bytes] = {}
        self._lags: list[float] = []
        self.wrong: list[str] = []
        self.searches = 0

    def run(self, seconds: float, searchers: int = 16) -> dict[str, Any]:
        threads = [threading.Thread(target=self._guarded, args=(self._search,)) for _ in range(searchers)]
        threads.append(threading.Thread(target=self._guarded, args=(self._write,)))
        for thread in threads:
            thread.start()
        self._stop.wait(seconds)
        self._stop.set()
        for thread in threads:
            thread.join()
        if not self._service.is_alive() or b"ended with -" in self._service.log.read_bytes():
            self.wrong.append(f"a process died: {self._service.log_tail()}")
        lags = sorted(self._lags) or [0.0]
        return {
            "seconds": seconds,
            "searches": self.searches,
            "written": len(self._lags),
            "asked_until_seconds_p99": round(lags[int(0.99 * (len(lags) - 1))], 3),
            "wrong": self.wrong[:5],
        }

    def _guarded(self, work: Callable[[httpx.Client], None]) -> None:
        while not self._stop.is_set():
            try:  # a new connection now and then lands in another process
                with connected(self._service.base, FOREVER_SECONDS) as http:
                    for _ in range(8):
                        work(http)
            except Exception as error:  # noqa: BLE001 - told in the results
                self.wrong.append(repr(error))
                self._stop.set()

    def _write(self, http: httpx.Client) -> None:
        self._next += 1
        data = picture(self._next)
        image = http.post("/images", files={"file": data}).json()["image_id"]
        committed = time.monotonic()
        for _ in range(8):  # connections of their own, so most processes are asked
            with connected(self._service.base, FOREVER_SECONDS) as other:
                asked = time.monotonic()
                told = other.post("/check-duplicate", files={"file": picture(self._next, 70)}).json()
                if told["verdict"] != "duplicate":
                    self.wrong.append(f"{image} was not seen {asked - committed:.2f} s after its commit")
        self._lags.append(asked - committed)
        self._known[image] = data
        if len(self._known) > 30:
            gone = next(iter(self._known))
            del self._known[gone]
            assert http.delete(f"/images/{gone}").status_code == 204
            self._gone[gone] = time.monotonic()

    def _search(self, http: httpx.Client) -> None:
        asked = time.monotonic()
        data = next(iter(list(self._known.values())), None) or picture(1)
        answer = http.post("/check-duplicate", files={"file": data})
        assert answer.is_success, answer.text
        for match in answer.json()["matches"]:
            if self._gone.get(match["image_id"], asked) < asked:
                self.wrong.append(f"{match['image_id']} was removed before it was found")
        self.searches += 1


def races(folder: Path, workers: int, url: str, asked: argparse.Namespace) -> dict[str, Any]:
    told: dict[str, Any] = {}
    among = set(asked.only) if workers == max(PROCESSES) else set(asked.only) & {"equal_bytes", "reencodings"}
    if among - {"mix"}:
        with raced(folder, workers, url) as service:
            if "equal_bytes" in among:
                told["equal_bytes"] = asdict(rounds(service, asked.rounds, equal_bytes, 1_000_000))
            if "reencodings" in among:
                told["reencodings"] = asdict(rounds(service, asked.rounds, reencodings, 2_000_000))
            if "distinct" in among:
                told["distinct"] = distinct(service, asked.pictures, 3_000_000)
    if "mix" in among:
        with raced(folder, workers, url, sabotage=("small-snapshots",)) as service:
            told["mix"] = Mix(service, 4_000_000).run(60 * asked.minutes)
    return told


def is_right(told: dict[str, Any]) -> bool:
    exact = all(told[race]["exact"] == told[race]["rounds"] for race in ("equal_bytes", "reencodings") if race in told)
    apart = told.get("distinct", {})
    wrong = told.get("mix", {}).get("wrong")
    return exact and not (any(apart.get(kind) for kind in ("lost", "refused", "locked")) or wrong)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--processes", type=int, nargs="+", default=PROCESSES)
    parser.add_argument("--only", nargs="+", choices=RACES, default=RACES)
    parser.add_argument("--databases", nargs="+", choices=DATABASES, default=DATABASES)
    asked = parser.parse_args()
    result: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with (
        tempfile.TemporaryDirectory(prefix="keepone-races-") as name,
        postgres_server() if "postgresql" in asked.databases else nullcontext() as server,
    ):
        for workers in asked.processes:
            if "sqlite" in asked.databases:
                told = races(Path(name) / f"sqlite-{workers}", workers, "", asked)
                result.setdefault(f"sqlite, {workers} processes", {}).update(told)
                RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
            if server is not None:
                with server.catalogue() as url:
                    key = f"postgresql, {workers} processes"
                    told = races(Path(name) / f"postgres-{workers}", workers, url, asked)
                result.setdefault(key, {}).update(told)
                RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))
    wrong = [name for name, told in result.items() if not is_right(told)]
    if wrong:
        raise SystemExit(f"not so: {wrong}")


if __name__ == "__main__":
    main()
