"""What a vector search costs, and whether it finds what is there: `python -m benchmarks.search` (needs KEEPONE_SHARED).

Ten thousand real pictures are taken in by a real service. Then 100,000 and 1,000,000 made descriptors (see
`search_corpus`) are put around them; the index is rebuilt from the catalogue, loaded in a fresh process, and searched as
a check searches it, with one query row. Recall is against comparing with every vector. Then the same while pictures
come and go, and while the next snapshot is being built. Also counts of the fault exams: flipped bits seen, stored
vectors that find themselves. Last, the service answers checks there, and must say what it said when the pictures were
alone. Writes `benchmarks/results/search.json`.

Each step runs in a process of its own, so that its memory is its own. The largest takes about 3 GiB of disk.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import faiss
import numpy as np

from benchmarks import planted
from benchmarks.search_catalogue import fill, lend, opened, vectors_of
from benchmarks.search_corpus import DIMENSION, SEED, mixture, queries
from benchmarks.search_flips import flips
from index_store.records import Committed, Removal
from index_store.testing import a_hand_in
from index_store.vectors import snapshot_follower
from index_store.vectors.build_child import BuildChild, stop
from index_store.vectors.builder import build_snapshot, probe
from index_store.vectors.faiss_part import CODES_COMPARED, CODES_FETCHED, FETCHED, PROBED, cells_for
from index_store.vectors.snapshot_follower import SnapshotFollower

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SIZES = (100_000, 1_000_000)
QUERIES = 200
K = 10
PROBES = 10_000
QUIET_SECONDS = 15.0
CHURN_SECONDS = 30.0
RESULT = Path(__file__).parent / "results" / "search.json"


def prepare(place: Path, size: int) -> dict[str, Any]:
    """The catalogue, the queries, and the true answers by comparing with everything."""
    catalogue, space, _, _ = opened(place)
    catalogue.close()
    ids, real = vectors_of(place / "catalogue.sqlite")
    rng = np.random.default_rng(SEED)
    made = mixture(real, size - len(real), rng)
    asked = queries(real, QUERIES, rng)
    began = time.perf_counter()
    first = fill(place / "catalogue.sqlite", space.space_id, made)
    lend(place, len(made), planted.lenders())
    filled = time.perf_counter() - began
    np.save(place / "queries.npy", asked)
    ids = np.concatenate([ids, np.arange(first, first + len(made))])
    np.save(place / "truth.npy", exact(ids, np.concatenate([real.astype(np.float16), made]), asked))
    return {"planted": len(real), "fill_seconds": round(filled, 1)}


def exact(ids: NDArray[np.int64], made: NDArray[np.float16], asked: NDArray[np.float32]) -> NDArray[np.int64]:
    """(queries, K) vector ids: the nearest to any of a query's rows."""
    best, found = np.full((len(asked), 0), 0, np.float32), np.full((len(asked), 0), 0, np.int64)
    for start in range(0, len(made), 20_000):
        rows = made[start : start + 20_000].astype(np.float32)
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
        near = (asked.reshape(-1, DIMENSION) @ rows.T).reshape(len(asked), -1, len(rows)).max(axis=1)
        top = np.argpartition(-near, K, axis=1)[:, :K]
        best = np.hstack([best, np.take_along_axis(near, top, 1)])
        found = np.hstack([found, ids[top + start]])
        order = np.argsort(-best, axis=1, kind="stable")[:, :K]
        best, found = np.take_along_axis(best, order, 1), np.take_along_axis(found, order, 1)
    return found


def build(place: Path) -> dict[str, Any]:
    """The rebuild from the catalogue's vectors: no picture, no model."""
    catalogue, space, folder, _ = opened(place)
    began = time.perf_counter()
    marks: dict[str, float] = {}

    def note(step: str, _done: int) -> None:
        marks.setdefault(step, time.perf_counter())

    manifest = build_snapshot(catalogue, space, folder, note)
    done = time.perf_counter()
    assert manifest is not None
    catalogue.close()
    return {
        "kind": manifest.kind,
        "rebuild_seconds": round(done - began, 1),
        "read_seconds": round(marks["train"] - began, 1),
        "train_and_add_seconds": round(marks["write"] - marks["train"], 1),
        "write_seconds": round(done - marks["write"], 1),
        "snapshot_bytes": manifest.length,
        "faiss_bytes": manifest.sections["faiss"][1],
        "peak_mib": memory("VmHWM"),
    }


def measure(place: Path) -> dict[str, Any]:
    """Load, search, and search under load."""
    catalogue, space, folder, url = opened(place)
    before = memory("RssAnon")
    began = time.perf_counter()
    follower = SnapshotFollower(catalogue, space, folder, None)
    follower.prepare()
    load_seconds = time.perf_counter() - began
    asked, truth = np.load(place / "queries.npy"), np.load(place / "truth.npy")
    quiet = latency(follower, asked, QUIET_SECONDS)
    hits = first = 0
    for rows, wanted in zip(asked, truth, strict=True):
        found = [one.vector_id for one in follower.index.search(rows, K)]
        hits += len(set(found) & set(wanted.tolist()))
        first += found[0] == wanted[0]
    answer = {
        "load_seconds": round(load_seconds, 1),
        "anonymous_mib": memory("RssAnon") - before,
        "mapped_mib": memory("RssFile"),
        "search_ms": quiet,
        "recall_at_10": round(hits / (K * len(asked)), 4),
        "first_is_first": round(first / len(asked), 4),
    }
    part = follower.index.part
    assert part is not None
    began = time.perf_counter()
    answer["self_probes"] = {
        "asked": probe(catalogue, space, part, PROBES),
        "failed": 0,
        "seconds": round(time.perf_counter() - began, 1),
    }
    answer["while_building"] = while_building(follower, asked, BuildChild(place, url, folder.root, space))
    answer["with_changes"] = with_changes(follower, asked, place)
    follower.close()
    catalogue.close()
    return answer


def latency(follower: SnapshotFollower, asked: NDArray[np.float32], seconds: float = 0.0) -> dict[str, Any]:
    """One search after another, as `check` makes them: catch up, then ask."""
    times, work, until = [], [], time.perf_counter() + seconds
    while True:
        for rows in asked:
            follower.catch_up()
            began, worked = time.perf_counter(), time.thread_time()
            follower.index.search(rows, K)
            times.append((time.perf_counter() - began) * 1000)
            work.append((time.thread_time() - worked) * 1000)
        if time.perf_counter() >= until:
            p50, p95, p99 = np.percentile(times, [50, 95, 99]).tolist()
            processor = round(float(np.median(work)), 2)  # what it costs; on a busy machine the rest is waiting
            figures = {"p50": round(p50, 2), "p95": round(p95, 2), "p99": round(p99, 2)}
            return figures | {"processor_p50": processor, "searches": len(times)}


def while_building(follower: SnapshotFollower, asked: NDArray[np.float32], child: BuildChild) -> dict[str, Any]:
    """The next snapshot is being built by a child of the lowest priority; it is stopped afterwards."""
    process = child.start()
    try:
        return latency(follower, asked, CHURN_SECONDS) | {"child_still_running": process.poll() is None}
    finally:
        stop(process)


def with_changes(follower: SnapshotFollower, asked: NDArray[np.float32], place: Path) -> dict[str, Any]:
    """Pictures come, and every third goes again, while searches run: each commit is seen by the next search."""
    context = multiprocessing.get_context("spawn")
    done, counts = context.Event(), context.Array("q", 2)
    writer = context.Process(target=change, args=(place, done, counts))
    writer.start()
    while not counts[1]:
        time.sleep(0.01)
    try:
        found = latency(follower, asked, CHURN_SECONDS)
    finally:
        done.set()
        writer.join()
    follower.catch_up()
    return found | {"added": counts[0], "removed": counts[1], "tail": follower.index.unfolded}


def change(place: Path, done: Any, counts: Any) -> None:
    """In a process of its own, as another API process would: as fast as one writer can."""
    catalogue, space, _, _ = opened(place)
    while not done.is_set():
        entry = a_hand_in(f"new {counts[0]}", space)
        committed = catalogue.append(entry, searched_to=catalogue.head())
        assert isinstance(committed, Committed)  # nobody else writes
        counts[0] += 1
        if counts[0] % 3 == 0:
            catalogue.append(Removal(committed.image.image_id), searched_to=0)
            counts[1] += 1
    catalogue.close()


def memory(name: str) -> int:
    """MiB, from the kernel."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(f"{name}:"))


def _linked(source: str, target: str) -> None:
    """Blobs never change, so a copy may share them; a database does."""
    if "blobs" in Path(source).parts:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


STEPS: dict[str, Callable[[Path], dict[str, Any]]] = {"build": build, "measure": measure, "flips": flips}


def in_child(step: str, place: Path, size: int) -> dict[str, Any]:
    words = [sys.executable, "-m", "benchmarks.search", "--step", step, "--place", str(place), "--size", str(size)]
    out = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    print(f"{size} {step}: {json.dumps(found)}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--step")
    parser.add_argument("--place", type=Path)
    parser.add_argument("--size", type=int)
    options = parser.parse_args()
    if options.step:
        done = prepare(options.place, options.size) if options.step == "prepare" else STEPS[options.step](options.place)
        print(json.dumps(done))
        return
    sizes = (options.size,) if options.size else SIZES
    answer: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "processor": platform.machine(), "load": os.getloadavg()[0]},
        "versions": {"python": platform.python_version(), "numpy": np.__version__, "faiss": faiss.__version__},
        "settings": {
            "k": K,
            "query_rows": 1,
            "queries": QUERIES,
            "fetched_per_row": FETCHED,
            "fetched_per_row_of_codes": CODES_FETCHED,
            "compared_of_codes": CODES_COMPARED * CODES_FETCHED,
            "probed_vectors": PROBED,
            "dimension": DIMENSION,
            "longest_tail": snapshot_follower.LONGEST_TAIL,
        },
        "sizes": {},
    }
    if options.size and RESULT.exists():  # the other sizes stay as they were measured
        answer["sizes"] = json.loads(RESULT.read_text(encoding="utf-8"))["sizes"]
    with tempfile.TemporaryDirectory() as root:
        alone = Path(root) / "planted"
        planted.plant(alone)
        checks = planted.queries()
        told_alone, answer["checks_of_10000"] = planted.ask(alone, checks)
        for size in sizes:
            place = Path(root) / str(size)
            shutil.copytree(alone, place, copy_function=_linked)
            found = in_child("prepare", place, size) | in_child("build", place, size)
            if found["kind"].startswith("ivf"):
                cells = cells_for(size)
                found["cells"], found["nprobe"] = cells, -(-PROBED * cells // size)
            if size == SIZES[0]:
                found["flips"] = in_child("flips", place, size)
            told, found["checks"] = planted.ask(place, checks)
            found["checks"] |= planted.compared(checks, told_alone, told)
            print(f"{size} checks: {json.dumps(found['checks'])}", flush=True)
            found |= in_child("measure", place, size) | {"load_average": round(os.getloadavg()[0], 1)}
            answer["sizes"][str(size)] = found
            RESULT.write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
