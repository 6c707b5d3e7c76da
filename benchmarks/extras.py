"""What the core and the extras `clip` and `faces` weigh on disk, and what it takes to start with them.

Sizes are of the installed files of every distribution that an extra stands on; start-up is the processor's time and the
clock's of a fresh process, in which the clip's weights are a ViT-B-32 by chance. Wants both extras installed:

    python -m benchmarks.extras
"""

from __future__ import annotations

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
RESULT = Path(__file__).parent / "results" / "extras.json"
RUNS = 3
OPEN = (
    "from service.settings import load_settings; from service.descriptors import {room}; "
    "{room}.opened({name!r}, load_settings(data={data!r}))"
)
MAKE = (
    "import open_clip, safetensors.torch as s, sys;"
    "s.save_file({k: v.contiguous() for k, v in open_clip.create_model('ViT-B-32').state_dict().items()}, sys.argv[1])"
)


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core = closure(project["dependencies"])
    sizes = {"core": core}
    sizes |= {extra: core | closure(project["optional-dependencies"][extra]) for extra in ("clip", "faces")}
    with tempfile.TemporaryDirectory() as data:
        weights = Path(data) / "models" / "clip" / "ViT-B-32" / "chance.safetensors"
        weights.parent.mkdir(parents=True)
        subprocess.run([sys.executable, "-c", MAKE, weights], check=True)
        starts = {
            "core": "import service.api.app",
            "clip": OPEN.format(room="clip", name="clip:ViT-B-32/chance", data=data),
            "faces": OPEN.format(room="deepface", name="deepface:Dlib", data=data),
        }
        started = {name: [_started(code) for _ in range(RUNS)] for name, code in starts.items()}
    result = {
        name: {
            "distributions": len(sizes[name]),
            "installed_megabytes": round(sum(map(size_of, sizes[name])) / 1e6),
            "start_cpu_seconds": statistics.median(cpu for cpu, _ in started[name]),
            "start_wall_seconds": statistics.median(wall for _, wall in started[name]),
            "starts": starts[name].split("; ")[-1].replace(data, "…"),
        }
        for name in starts
    }
    RESULT.write_text(json.dumps({**result, "load_average": os.getloadavg()[0]}, indent=1) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"))


def closure(required: list[str]) -> set[str]:
    """Names of all distributions that these need, as they are installed here."""
    found: set[str] = set()
    waiting = [Requirement(line) for line in required]
    while waiting:
        requirement = waiting.pop()
        if requirement.marker and not any(requirement.marker.evaluate({"extra": e}) for e in ("", *requirement.extras)):
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in found:
            continue
        found.add(name)
        for line in metadata.requires(name) or []:
            below = Requirement(line)
            wanted = ("", *requirement.extras)
            if below.marker is None or any(below.marker.evaluate({"extra": extra}) for extra in wanted):
                below.marker = None
                waiting.append(below)
    return found


def size_of(name: str) -> int:
    """Bytes of a distribution's files."""
    files = [file.locate() for file in metadata.files(name) or []]
    return sum(Path(str(file)).stat().st_size for file in files if Path(str(file)).is_file())


def _started(code: str) -> tuple[float, float]:
    """Seconds of the processor and of the clock."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.perf_counter() - begun


if __name__ == "__main__":
    main()
