"""What a check and an ingest cost, through HTTP, on this machine: `python benchmarks/api.py` (needs KEEPONE_SHARED).

Starts the real service, hands in pictures of `data/train` through `/images` with four clients until 1,000, then 10,000
lie in it, and at both sizes sends `/check-duplicate` one at a time: photographs of `data/photos`, and copies of
stored pictures, in equal numbers. Of the first hundred of those photographs a few do lie among the pictures of
`data/train`, cropped (a running cheetah, for one): they are rightly called duplicates. Writes `benchmarks/results/api.json`.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.planted import smaller_copy
from benchmarks.server import connected, running_service
from training.descriptor.pictures import files as training_pictures

if TYPE_CHECKING:
    import httpx

SIZES = (1_000, 10_000)
CHECKS = 200
CLIENTS = 4
SEED = 20261120
RESULT = Path(__file__).parent / "results" / "api.json"


def training_files(shared: Path) -> list[bytes]:
    files = [data for _, data in training_pictures(shared)]
    order = np.random.default_rng(SEED).permutation(len(files))
    return [files[number] for number in order]


def percentile(values: list[float], share: float) -> float:
    return round(float(np.percentile(values, share * 100)), 2)


def ingest(base: str, files: list[bytes]) -> dict[str, Any]:
    """Hand all files in, four at a time; the rate, and the latency one client sees."""

    def send(client: httpx.Client, data: bytes) -> float:
        began = time.perf_counter()
        client.post("/images", files={"file": data}).raise_for_status()
        return (time.perf_counter() - began) * 1000

    with connected(base) as client, ThreadPoolExecutor(CLIENTS) as clients:
        began = time.perf_counter()
        latencies = list(clients.map(lambda data: send(client, data), files))
        seconds = time.perf_counter() - began
    return {
        "pictures": len(files),
        "clients": CLIENTS,
        "pictures_a_second": round(len(files) / seconds, 1),
        "p50_ms": percentile(latencies, 0.5),
        "p95_ms": percentile(latencies, 0.95),
    }


def checks(base: str, queries: list[tuple[bytes, str]]) -> dict[str, Any]:
    """Send the queries one after another; latency at the client, the split the service reports, and the verdicts."""
    latencies: list[float] = []
    splits: list[dict[str, float]] = []
    verdicts: list[tuple[str, str]] = []
    with connected(base) as client:
        for data, expected in queries:
            began = time.perf_counter()
            answer = client.post("/check-duplicate", files={"file": data}).raise_for_status().json()
            latencies.append((time.perf_counter() - began) * 1000)
            splits.append(answer["timings_ms"])
            verdicts.append((expected, answer["verdict"]))
    return {
        "queries": len(queries),
        "p50_ms": percentile(latencies, 0.5),
        "p95_ms": percentile(latencies, 0.95),
        "split_p50_ms": {step: round(statistics.median(s[step] for s in splits), 2) for step in splits[0]},
        "split_p95_ms": {step: percentile([s[step] for s in splits], 0.95) for step in splits[0]},
        "copies_called": tally(verdicts, "duplicate"),
        "strangers_called": tally(verdicts, "unique"),
    }


def tally(verdicts: list[tuple[str, str]], expected: str) -> dict[str, int]:
    said = [answer for wanted, answer in verdicts if wanted == expected]
    return {word: said.count(word) for word in sorted(set(said))}


def main() -> None:
    shared = Path(os.environ.get("KEEPONE_SHARED") or sys.exit("Set KEEPONE_SHARED to the folder that holds data/."))
    files = training_files(shared)
    photos = [path.read_bytes() for path in sorted((shared / "data" / "photos").rglob("*.jpg"))]
    result: dict[str, Any] = {
        "machine": {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()},
        "python": platform.python_version(),
        "ingest": [],
        "check": {},
    }
    with tempfile.TemporaryDirectory() as folder, running_service(Path(folder)) as base:
        stored = 0
        for size in SIZES:
            result["ingest"].append({"from": stored, "to": size} | ingest(base, files[stored:size]))
            stored = size
            copies = [
                (smaller_copy(data), "duplicate") for data in files[: size : size // (CHECKS // 2)][: CHECKS // 2]
            ]
            strangers = [(data, "unique") for data in photos[: CHECKS // 2]]
            queries = [query for pair in zip(copies, strangers, strict=True) for query in pair]
            checks(base, queries[:20])  # warm
            result["check"][str(size)] = checks(base, queries)
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
