"""The accuracy benchmark: `python -m benchmarks.accuracy --half fit|report --cache DIR` (needs KEEPONE_SHARED).

Writes its part of `benchmarks/results/accuracy.json`: one section for each half and kind of references, with the set,
its seed and its numbers named, and in it one section for each part below. Thresholds and networks are chosen on the
fitting half; what is claimed is measured on the reporting half. `--share 0.1` asks a tenth of the queries, to try
something out; then the result is written to the cache alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import cv2

from benchmarks.accuracy import collection, end_to_end, folder_tools, peers, vlad
from benchmarks.accuracy.collection import SEED, Collection, collected
from benchmarks.accuracy.first_stage import Descriptor, built_in, scored, stirmarked
from benchmarks.accuracy.judge import judged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RESULT = Path(__file__).parents[1] / "results" / "accuracy.json"
DEPTHS = (1, 12, 20, 100)
"""First, as many as geometry is asked to verify, the depth of the goal, and far down."""
LIBRARIES = ("augly", "imagehash", "numpy", "opencv-python-headless", "pdqhash", "pillow")


@dataclass(frozen=True, slots=True)
class Run:
    """What each part is given."""

    shared: Path
    cache: Path
    named: Collection


def first_stage(run: Run) -> dict[str, Any]:
    """Descriptors that could propose candidates."""
    return table(run.named, descriptors(run))


def stirmark(run: Run) -> dict[str, Any]:
    """The same descriptors under StirMark's attacks."""
    return {one.name: stirmarked(run.named, one, DEPTHS[-1]) for one in descriptors(run)}


def hashes(run: Run) -> dict[str, Any]:
    """Other people's hashes."""
    return table(run.named, peers.hashes())


def tools(run: Run) -> dict[str, Any]:
    """Other people's programs."""
    return folder_tools.told(run.named, run.cache)


PARTS: dict[str, Callable[[Run], dict[str, Any]]] = {
    "first_stage": first_stage,
    "stirmark": stirmark,
    "hashes": hashes,
    "folder_tools": tools,
    "end_to_end": lambda run: end_to_end.end_to_end(run.named),
    "quick_batch": lambda run: end_to_end.end_to_end(run.named, quick=True),
    "bursts": lambda run: end_to_end.bursts(run.shared),
    "true_edits": lambda run: end_to_end.true_edits(run.shared),
}


def descriptors(run: Run) -> list[Descriptor]:
    return [built_in(), vlad.fitted(run.shared, run.cache)]


def table(named: Collection, several: Iterable[Descriptor]) -> dict[str, Any]:
    """Each descriptor's figures, with what a picture costs on one core without decoding."""
    told = {}
    for one in several:
        scores = scored(named, one)
        cost = {"gallery_cpu_ms": scores.gallery_cpu_ms, "query_cpu_ms": scores.query_cpu_ms}
        told[one.name] = {**cost, **judged(named, scores.values, DEPTHS)}
        print(one.name, json.dumps({kind: told[one.name][kind] for kind in ("single", "chain")}), flush=True)
    return told


def write(path: Path, run: Run, part: str, told: dict[str, Any]) -> None:
    """Put one part into its place and leave the others as they are."""
    content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    content["machine"] = {"cores": os.cpu_count(), "processor": platform.processor() or platform.machine()}
    content["versions"] = {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES}
    section = content.setdefault(f"{run.named.half}/{run.named.size}", {})
    section["set"] = run.named.named()
    section[part] = told
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    beside.replace(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=get_args(collection.Half), required=True)
    parser.add_argument("--references", choices=get_args(collection.Size), default="photos")
    parser.add_argument("--cache", type=Path, required=True, help="a folder outside the repository")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--share", type=float, default=1.0, help="of the queries, to try something out")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    given = parser.parse_args()
    shared = Path(os.environ.get("KEEPONE_SHARED") or sys.exit("Set KEEPONE_SHARED to the folder that holds data/."))
    # One core for all, so that costs can be compared.
    cv2.setNumThreads(1)
    named = collected(shared, given.cache, given.half, given.references, given.seed, given.share)
    run = Run(shared, given.cache, named)
    path = RESULT if given.share == 1 else given.cache / "accuracy.json"
    for part in given.parts:
        write(path, run, part, PARTS[part](run))
        print(f"{part}: written to {path}", flush=True)


if __name__ == "__main__":
    main()
