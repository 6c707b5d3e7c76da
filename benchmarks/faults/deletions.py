"""Removals of one set asked for at once, and bytes that come back after they were removed.

* at once: a hundred plans keep one of a person's four copies; then a better one comes, and a hundred plans keep that. All
  200 are applied at the same moment through several processes. One genuine copy always stays, and undoing brings back
  all five;
* bytes in the trash: what was removed is handed in again, and is there once more, as the only reference of its content; a
  purge within thirty days is refused; after one that came later the same bytes are taken in, and are there to be read.

Each on SQLite and PostgreSQL. Writes `benchmarks/results/deletions.json`.

    python -m benchmarks.faults.deletions [--rounds 20] [--bytes 100] [--processes 4]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image
from sqlalchemy import create_engine, text

from benchmarks.faults.races import FOREVER_SECONDS, raced
from benchmarks.hostile.pictures import encoded, scene
from benchmarks.server import connected
from index_store.ids import moment
from index_store.testing.postgres import postgres_server

if TYPE_CHECKING:
    import httpx

    from benchmarks.faults.crashable import Crashable

RESULTS = Path(__file__).parents[1] / "results" / "deletions.json"
REMOVALS, BUSY = 200, 503
LATER = timedelta(days=31)
SIZE = (480, 360)


def copies(number: int) -> list[bytes]:
    """One picture five times, the best last."""
    drawn = scene(number, SIZE)
    smaller = drawn.resize((240, 180), Image.Resampling.LANCZOS)
    saved = [encoded(smaller, "JPEG", quality=quality) for quality in (60, 70, 80, 90)]
    return [*saved, encoded(drawn, "JPEG", quality=95)]


def handed_in(http: httpx.Client, person: str, data: bytes) -> dict[str, Any]:
    answer = http.post("/images", files={"file": data}, data={"person_id": person})
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def planned(http: httpx.Client, person: str) -> dict[str, Any]:
    answer = http.post("/removals", json={"person_ids": [person], "matcher": "hash"})
    answer.raise_for_status()
    told: dict[str, Any] = answer.json()
    return told


def applied(http: httpx.Client, plan: dict[str, Any]) -> httpx.Response:
    return http.post(f"/removals/{plan['removal_id']}/apply", json={"plan_hash": plan["plan_hash"]})


def there(http: httpx.Client, person: str) -> list[str]:
    return sorted(one["image_id"] for one in http.get(f"/persons/{person}/images").json()["items"])


def at_once(service: Crashable, number: int) -> str:
    """What was wrong, or nothing."""
    person = f"at-once-{number}"
    with connected(service.base, FOREVER_SECONDS) as http:
        *several, best = copies(number)
        given = [handed_in(http, person, data)["image_id"] for data in several]
        plans = [planned(http, person) for _ in range(REMOVALS // 2)]
        given.append(handed_in(http, person, best)["image_id"])
        plans += [planned(http, person) for _ in range(REMOVALS // 2)]
    if (_keepers(plans[0]) | _keepers(plans[-1])) != {_keepers(plans[0]).pop(), given[-1]}:
        return "all plans keep the same"
    gate, began = threading.Barrier(REMOVALS), threading.local()

    def apply(plan: dict[str, Any]) -> str:
        began.http = held.enter_context(connected(service.base, FOREVER_SECONDS))
        gate.wait(FOREVER_SECONDS)
        while (answer := applied(began.http, plan)).status_code == BUSY:
            time.sleep(float(answer.headers["retry-after"]))
        return str(answer.json().get("state") or answer.json()["type"].rpartition("/")[2])

    with ExitStack() as held, ThreadPoolExecutor(REMOVALS) as pool:
        answers = list(pool.map(apply, plans))
    with connected(service.base, FOREVER_SECONDS) as http:
        left = there(http, person)
        for plan, answer in zip(plans, answers, strict=True):
            if answer == "applied":
                http.post(f"/removals/{plan['removal_id']}/undo").raise_for_status()
        back = there(http, person)
    odd = set(answers) - {"applied", "stale-plan"}
    right = left and back == sorted(given) and not odd and "applied" in answers
    return "" if right else f"{len(left)} left, {len(back)} back, {dict(Counter(answers))}"


def _keepers(plan: dict[str, Any]) -> set[str]:
    return {one["keeper"] for result in plan["results"] for one in result["duplicates"]}


def bytes_again(service: Crashable, number: int, url: str) -> str:
    """What was wrong, or nothing."""
    person = f"again-{number}"
    worst, *_, best = copies(number)
    with connected(service.base, FOREVER_SECONDS) as http:
        for data in (best, worst):
            handed_in(http, person, data)
        first = planned(http, person)
        seen: list[object] = [applied(http, first).status_code, _come_back(http, person, worst)]
        second = planned(http, person)
        seen += [applied(http, second).status_code, _purged(http, second)]
        _long_ago(url, second["removal_id"])
        _long_ago(url, first["removal_id"])
        seen += [_purged(http, first), _purged(http, second), _come_back(http, person, worst)]
    return "" if seen == [200, True, 200, "kept-for-now", "purged", "purged", True] else str(seen)


def _come_back(http: httpx.Client, person: str, data: bytes) -> bool:
    """Whether it is taken in, the only reference of its content, and there to be read."""
    image = handed_in(http, person, data)
    kept = http.get(f"/images/{image['image_id']}/content").content
    return kept == data and image["references"] == 1 and image["image_id"] in there(http, person)


def _purged(http: httpx.Client, plan: dict[str, Any]) -> str:
    told = http.post(f"/removals/{plan['removal_id']}/purge").json()
    return str(told.get("state") or told["type"].rpartition("/")[2])


def _long_ago(url: str, removal_id: str) -> None:
    """As if a month had passed since."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE removal SET changed = :then WHERE removal_id = :one"),
            {"then": moment(datetime.now(UTC) - LATER), "one": removal_id},
        )
    engine.dispose()


def told(folder: Path, url: str, asked: argparse.Namespace) -> dict[str, Any]:
    with raced(folder, asked.processes, url) as service:
        opened = url or f"sqlite:///{service.data / 'catalogue.sqlite'}"
        wrong = [what for number in range(asked.rounds) if (what := at_once(service, 5_000_000 + number))]
        again = [what for number in range(asked.bytes) if (what := bytes_again(service, 6_000_000 + number, opened))]
    return {
        "at_once": {"rounds": asked.rounds, "removals_each": REMOVALS, "right": asked.rounds - len(wrong)},
        "bytes_again": {"rounds": asked.bytes, "right": asked.bytes - len(again)},
        "processes": asked.processes,
        "wrong": [*wrong[:3], *again[:3]],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--bytes", type=int, default=100)
    parser.add_argument("--processes", type=int, default=4)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keepone-deletions-") as name, postgres_server() as server:
        result = {"sqlite": told(Path(name) / "sqlite", "", asked)}
        with server.catalogue() as url:
            result["postgresql"] = told(Path(name) / "postgresql", url, asked)
    RESULTS.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))
    if any(one["wrong"] for one in result.values()):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
