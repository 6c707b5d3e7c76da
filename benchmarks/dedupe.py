"""How quick `keepone dedupe` is, and whether its bound loses a pair: `python -m benchmarks.dedupe` (needs KEEPONE_SHARED).

Ten thousand training pictures in one folder are planned by appearance in a process of its own: pictures a second from
the start of the command to its end, the time that all its processes computed, which a busy machine changes little, and
their memory at most. On the first thousand the pairs that agree are held to those of the run that compares everything
with everything. Adds to `benchmarks/results/dedupe.json`.
"""

from __future__ import annotations

import itertools
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from benchmarks.processes import descendants, own_bytes, processor_seconds
from service.compare import appearance
from service.workflows.matchers import APPEARANCE_THRESHOLD, ByAppearance, pairs
from training.descriptor.pictures import files

if TYPE_CHECKING:
    from numpy.typing import NDArray

PICTURES, COMPARED = 10_000, 1_000
SIDE = 512
RESULT = Path(__file__).parent / "results" / "dedupe.json"
_EVERY = 0.2


def main() -> None:
    shared = Path(os.environ.get("KEEPONE_SHARED") or sys.exit("Set KEEPONE_SHARED to the folder that holds data/."))
    with tempfile.TemporaryDirectory(prefix="keepone-dedupe-") as place:
        folder = Path(place) / "pictures"
        paths = laid_out(shared, folder)
        told = planned(folder, Path(place) / "data")
        remember("appearance", told)
        remember("pairs", compared(paths[:COMPARED]))


def remember(part: str, told: dict[str, Any]) -> None:
    """Write one part of the results, and leave the others as they are."""
    result = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    machine = {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()}
    result[part] = {"machine": machine, "python": platform.python_version(), **told}
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result[part], indent=1))


def laid_out(shared: Path, folder: Path) -> list[Path]:
    """The pictures as files, a thousand to a folder."""
    paths = []
    for number, (name, data) in enumerate(itertools.islice(files(shared), PICTURES)):
        path = folder / f"{number // 1000:02d}" / f"{number:05d}{Path(name).suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        paths.append(path)
    return paths


def planned(folder: Path, data: Path) -> dict[str, Any]:
    """One dry run of the command."""
    load, _, _ = os.getloadavg()
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "dedupe", str(folder), "--json", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    most = Most()
    watcher = threading.Thread(target=watch, args=(process, most))
    watcher.start()
    out, _ = process.communicate()
    seconds = time.monotonic() - began
    watcher.join()
    told = json.loads(out)
    return {
        "pictures": told["pictures"],
        "passed_over": len(told["passed_over"]),
        "duplicates_found": told["duplicates_found"],
        "seconds": round(seconds, 1),
        "pictures_a_second": round(told["pictures"] / seconds, 1),
        "processor_ms_a_picture": round(1000 * most.seconds / told["pictures"], 2),
        "load_before": round(load, 1),
        "peak_mib": round(most.bytes / 2**20),
    }


@dataclass
class Most:
    """What the command and all that it started took, at most."""

    bytes: int = 0
    seconds: float = 0.0
    """Of processor time."""


def watch(process: subprocess.Popen[bytes], most: Most) -> None:
    """The memory that the process and its children hold by themselves, and what they and those that ended computed."""
    while process.poll() is None:
        pids = [process.pid, *descendants(process.pid)]
        most.bytes = max(most.bytes, own_bytes(pids))
        most.seconds = max(most.seconds, processor_seconds(pids))
        time.sleep(_EVERY)


def compared(paths: list[Path]) -> dict[str, Any]:
    """The pairs that agree, by the bound and by brute force."""
    pictures = [picture(path) for path in paths]
    began = time.monotonic()
    with ProcessPoolExecutor(initializer=_prepare, initargs=(pictures,)) as processes:
        likenesses = np.concatenate(list(processes.map(likenesses_of, range(len(pictures)), chunksize=4)))
    seconds = time.monotonic() - began
    every = list(itertools.combinations(range(len(pictures)), 2))
    expected = {pair for pair, likeness in zip(every, likenesses, strict=True) if likeness >= APPEARANCE_THRESHOLD}
    with closing(ByAppearance()) as matcher:
        for one in pictures:
            matcher.add(one)
        found = {(one, other) for one, other, _ in pairs(matcher, len(pictures))}
    return {
        "pictures": len(pictures),
        "compared": len(every),
        "agree": len(expected),
        "found": len(found),
        "the_same": found == expected,
        "nearest_to_the_threshold": round(float(np.abs(likenesses - APPEARANCE_THRESHOLD).min()), 6),
        "brute_force_seconds": round(seconds, 1),
    }


@dataclass(frozen=True, slots=True)
class Smoothed:
    """A picture as its look has it, with the two of the five smoothed pictures of SSIM that are its own."""

    look: appearance.Look
    mean: NDArray[np.float32]
    square: NDArray[np.float32]


_PREPARED: list[Smoothed] = []
"""All pictures, in each process of the brute force."""


def _prepare(pictures: list[NDArray[np.uint8]]) -> None:
    for one in pictures:
        look = appearance.look(one)
        _PREPARED.append(Smoothed(look, smooth(look.grey), smooth(look.grey * look.grey)))


def likenesses_of(one: int) -> NDArray[np.float64]:
    """Of a picture and each later one, every term worked out for every pair."""
    return np.array([likeness(_PREPARED[one], other) for other in _PREPARED[one + 1 :]], np.float64)


def likeness(left: Smoothed, right: Smoothed) -> float:
    """The combined score, put down here once more from its definition."""
    alike, colour = appearance.glance(left.look, right.look)
    structure = max(0.0, ssim(left, right))
    return appearance.HASH_WEIGHT * alike + appearance.STRUCTURE_WEIGHT * structure + appearance.COLOUR_WEIGHT * colour


def ssim(left: Smoothed, right: Smoothed) -> float:
    """Wang et al., IEEE TIP 2004: Gaussian window of 11, sigma 1.5, K 0.01 and 0.03, 255 levels; without the border."""
    means, squares = left.mean * right.mean, left.mean * left.mean + right.mean * right.mean
    covariance = smooth(left.look.grey * right.look.grey) - means
    variances = left.square + right.square - squares
    first, second = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    alike = (2 * means + first) * (2 * covariance + second) / ((squares + first) * (variances + second))
    return float(alike[5:-5, 5:-5].mean())


def smooth(picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(picture, (11, 11), 1.5), np.float32)


def picture(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        image.thumbnail((SIDE, SIDE))
        return np.asarray(image.convert("RGB"))


if __name__ == "__main__":
    main()
