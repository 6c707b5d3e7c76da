"""How quick `keepone dedupe` is, and whether its bound loses a pair: `python -m benchmarks.dedupe` (needs KEEPONE_SHARED).

Ten thousand training pictures in one folder are planned by appearance in a process of its own: pictures a second from
the start of the command to its end, and the memory of all its processes at most. On the first thousand the pairs that
agree are held to those of the run that compares everything with everything. Writes `benchmarks/results/dedupe.json`.
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
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from service.compare import appearance
from service.workflows.matchers import APPEARANCE_THRESHOLD, ByAppearance, pairs
from training.descriptor.pictures import files

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
        result = {
            "machine": {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()},
            "python": platform.python_version(),
            "appearance": told,
            "pairs": compared(paths[:COMPARED]),
        }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


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
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "dedupe", str(folder), "--json", "--data", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    most = [0]
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
        "peak_mib": round(most[0] / 2**20),
    }


def watch(process: subprocess.Popen[bytes], most: list[int]) -> None:
    """The memory that the process and its children hold by themselves, at most."""
    while process.poll() is None:
        most[0] = max(most[0], sum(own_bytes(pid) for pid in family(process.pid)))
        time.sleep(_EVERY)


def family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(one for child in children for one in family(int(child)))]


def own_bytes(pid: int) -> int:
    """Proportional set size: what is shared is counted once among those that share it."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def compared(paths: list[Path]) -> dict[str, Any]:
    """The pairs that agree, by the bound and by brute force."""
    pictures = [picture(path) for path in paths]
    looks = [appearance.look(one) for one in pictures]
    expected = {
        (one, other)
        for one, other in itertools.combinations(range(len(looks)), 2)
        if appearance.compare(looks[one], looks[other]).combined >= APPEARANCE_THRESHOLD
    }
    with closing(ByAppearance()) as matcher:
        for one in pictures:
            matcher.add(one)
        found = {(one, other) for one, other, _ in pairs(matcher, len(pictures))}
    return {"pictures": len(pictures), "agree": len(expected), "found": len(found), "the_same": found == expected}


def picture(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    with Image.open(path) as image:
        image.thumbnail((SIDE, SIDE))
        return np.asarray(image.convert("RGB"))


if __name__ == "__main__":
    main()
