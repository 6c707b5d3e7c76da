"""The service is asked to end while 50 uploads are under way, and started again, many times over.

Each time: readiness is off within a second while liveness stays on; every upload under way is answered, with its outcome
or with 503 and `Retry-After`; the process ends with code 0. What was refused, or never got a connection, is sent again
with its key after the restart. At the end every picture is there once.

    python -m benchmarks.faults.restarts [--restarts 100]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.faults.crashable import Crashable
from benchmarks.faults.load import picture
from benchmarks.server import connected

RESULTS = Path("benchmarks/results/restarts.json")
CLIENTS = 50
READY_SECONDS, EXIT_SECONDS = 1.0, 25.0
HEAD_START_SECONDS = 0.05
"""From the moment all clients send to the signal."""
PATIENCE_SECONDS = 120.0


@dataclass
class Run:
    """What was seen in some restarts."""

    restarts: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    unready: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)
    images: dict[int, str] = field(default_factory=dict)
    """By picture: the image that was acknowledged."""
    wrong: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        return {
            "restarts": self.restarts,
            "answers_to_uploads_under_way": dict(sorted(self.answers.items())),
            "seconds_until_not_ready": _spread(self.unready),
            "seconds_until_ended": _spread(self.ended),
            "acknowledged_after_retry": len(self.images),
            "wrong": self.wrong[:5],
        }


def _spread(seconds: list[float]) -> dict[str, float]:
    ordered = sorted(seconds) or [0.0]
    return {"p50": round(ordered[len(ordered) // 2], 2), "max": round(ordered[-1], 2)}


def restarted(folder: Path, count: int, clients: int = CLIENTS) -> Run:
    """So many times, and then a look at every picture."""
    service, run = Crashable(folder), Run()
    service.start()
    try:
        for _ in range(count):
            _once(service, run, clients)
        _all_there(service, run, count * clients)
    finally:
        service.kill()
    return run


def _once(service: Crashable, run: Run, clients: int) -> None:
    numbers = range(run.restarts * clients, (run.restarts + 1) * clients)
    gate = threading.Barrier(clients + 1)
    with ThreadPoolExecutor(clients) as pool:
        sent = {number: pool.submit(_send, service.base, number, gate) for number in numbers}
        gate.wait(PATIENCE_SECONDS)
        time.sleep(HEAD_START_SECONDS)
        _end(service, run)
        answers = {number: future.result() for number, future in sent.items()}
    service.kill()  # what is left of the group; the log is put aside
    service.start()
    for number, answer in answers.items():
        run.answers[_named(answer)] += 1
        if isinstance(answer, httpx.ReadError | httpx.RemoteProtocolError | httpx.WriteError):
            run.wrong.append(f"picture {number} was cut off: {answer!r}")
        elif isinstance(answer, httpx.Response) and answer.status_code == 503 and "Retry-After" not in answer.headers:
            run.wrong.append(f"picture {number} was refused without Retry-After")
        if not isinstance(answer, httpx.Response) or not answer.is_success:
            answer = _send(service.base, number)  # noqa: PLW2901 - the retry takes the place of what was refused
        if isinstance(answer, httpx.Response) and answer.is_success:
            run.images[number] = answer.json()["image_id"]
        else:
            run.wrong.append(f"picture {number} was refused again: {_named(answer)}")
    run.restarts += 1


def _send(base: str, number: int, gate: threading.Barrier | None = None) -> httpx.Response | httpx.TransportError:
    data, key = picture(5_000_000 + number), f"restart-{number}"
    with connected(base, PATIENCE_SECONDS) as http:
        if gate is not None:
            http.get("/live")  # a connection, so that what follows is under way
            gate.wait(PATIENCE_SECONDS)
        try:
            return http.post("/images", files={"file": data}, headers={"Idempotency-Key": key})
        except httpx.TransportError as error:
            return error


def _end(service: Crashable, run: Run) -> None:
    """SIGTERM to the process that serves, as a supervisor sends it."""
    process = service.process
    assert process is not None
    began = time.monotonic()
    process.terminate()
    unready = alive = None
    with connected(service.base, PATIENCE_SECONDS) as http:
        while unready is None and process.poll() is None:
            try:
                if http.get("/ready").status_code == 503:
                    unready, alive = time.monotonic() - began, http.get("/live").is_success
            except httpx.TransportError:
                break
    code = process.wait(EXIT_SECONDS)
    run.ended.append(time.monotonic() - began)
    run.unready.append(unready if unready is not None else EXIT_SECONDS)
    if unready is None or unready > READY_SECONDS or not alive:
        run.wrong.append(f"restart {run.restarts}: not ready after {unready} s, alive: {alive}")
    if code != 0:
        run.wrong.append(f"restart {run.restarts}: ended with {code}")


def _named(answer: httpx.Response | httpx.TransportError) -> str:
    return str(answer.status_code) if isinstance(answer, httpx.Response) else type(answer).__name__


def _all_there(service: Crashable, run: Run, count: int) -> None:
    with connected(service.base, PATIENCE_SECONDS) as http:
        missing = [number for number, image in run.images.items() if not http.get(f"/images/{image}").is_success]
        images = http.get("/stats").json()["images"]
    if missing or images != count:
        run.wrong.append(f"{images} images of {count}; acknowledged and missing: {missing[:5]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--restarts", type=int, default=100)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="keepone-restarts-") as name:
        told = restarted(Path(name), asked.restarts).told()
    RESULTS.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=2))
    if told["wrong"]:
        raise SystemExit("not every restart went unnoticed")


if __name__ == "__main__":
    main()
