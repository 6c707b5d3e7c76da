"""A service with CLIP and faces, asked one at a time and fifty at once: `python -m benchmarks.further_spaces`.

Needs KEEPONE_SHARED, and an environment with the extras `clip` and `faces`. Takes in the 64 pictures of `data/faces`, each
as an image of a person (pictures that `master.csv` calls one person's are one person's), with `builtin`, a CLIP whose
weights are by chance, and DeepFace's Dlib on its real ones; faces are judged by Dlib and MiniFASNet besides. Then every
eighth picture is asked about one at a time, twice, and fifty times at once: no answer may fail, each must equal the one
that was given alone, and the memory of the service right after it is measured against that right before. Seconds are told by
the clock and of the processor, which another load beside it does not lengthen. Writes
`benchmarks/results/further_spaces.json`.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from benchmarks import server
from benchmarks.processes import descendants, own_bytes, processor_seconds

RESULT: Final = Path(__file__).parent / "results" / "further_spaces.json"
ARCHITECTURE: Final = "ViT-S-32-alt"
PARALLEL: Final = 50
CONFLICTS: Final = (
    "same_picture_same_person",
    "same_picture_other_person",
    "same_face_other_person",
    "new_photo_same_person",
)
CLOSE: Final = 1e-4
"""Numbers of two answers may differ by so much: a batch of several pictures is summed in another order than one."""


def clip_weights(models: Path) -> None:
    """A real network with weights by chance: what it finds alike means nothing, what it costs does."""
    import open_clip  # noqa: PLC0415 - an extra
    import torch  # noqa: PLC0415
    from safetensors.torch import save_file  # noqa: PLC0415

    torch.manual_seed(1)
    path = models / "clip" / ARCHITECTURE / "chance.safetensors"
    path.parent.mkdir(parents=True)
    network = open_clip.create_model(ARCHITECTURE)
    save_file({key: each.contiguous() for key, each in network.state_dict().items()}, path)


def persons(faces: Path) -> dict[str, str]:
    """Whose each file is, by the pairs that are one person's."""
    whose: dict[str, str] = {}
    with (faces / "master.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            if row["Decision"].strip().lower() in {"yes", "true"}:
                one, other = (whose.get(name, name) for name in (row["file_x"], row["file_y"]))
                for name in (row["file_x"], row["file_y"]):
                    whose.setdefault(name, one)
                whose = {name: one if first == other else first for name, first in whose.items()}
    return whose


def difference(one: Any, other: Any) -> float:
    """The largest difference of two answers' numbers; infinite where anything else differs. Timings are left out."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return max((difference(one[key], other[key]) for key in one if key != "timings_ms"), default=0.0)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return max((difference(each, its) for each, its in zip(one, other, strict=True)), default=0.0)
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other)
    return 0.0 if one == other else float("inf")


def main() -> None:
    shared = Path(os.environ["KEEPONE_SHARED"])
    faces = shared / "data" / "faces"
    with tempfile.TemporaryDirectory(prefix="keepone-spaces-") as folder:
        home, models = Path(folder) / "home", Path(folder) / "models"
        weights = home / ".deepface" / "weights"
        weights.mkdir(parents=True)
        for file in (shared / "models").glob("*.pth"):
            shutil.copy(file, weights)
        clip_weights(models)
        environment = {
            "KEEPONE_DESCRIPTORS": f"builtin,clip:{ARCHITECTURE}/chance,deepface:Dlib",
            "KEEPONE_MODELS": str(models),
            "DEEPFACE_HOME": str(home),
            "KEEPONE_FACES": "dlib",
            "KEEPONE_PRESENTATION_ATTACK": "true",
            "KEEPONE_UPLOADS": str(PARALLEL),
            "KEEPONE_QUEUE_SECONDS": "1200",
            "KEEPONE_JOB_WORKER": "false",
            "KEEPONE_MAX_BYTES": str(64 * 1024 * 1024),
        }
        server.START_SECONDS = 600.0
        with server.running_service(Path(folder) / "data", **environment) as base:
            found = taken_in(base, faces) | measured(base, faces, os.getpid())
    found["machine"] = {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()}
    RESULT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))
    good = found["parallel"]["errors"] == 0 and found["parallel"]["differing"] == 0
    sys.exit(0 if good and found["memory"]["times"] <= 1.2 else 1)


def taken_in(base: str, faces: Path) -> dict[str, Any]:
    whose, files = persons(faces), sorted(faces.glob("*.jpg"))
    with server.connected(base, timeout=3600) as client:
        began, used = time.perf_counter(), processor_seconds(descendants(os.getpid()))
        for file in files:
            fields = {"external_id": file.name, "person_id": whose.get(file.name, file.name)}
            client.post("/images", files={"file": file.read_bytes()}, data=fields).raise_for_status()
        seconds, used = time.perf_counter() - began, processor_seconds(descendants(os.getpid())) - used
    return {
        "pictures": len(files),
        "persons": len({whose.get(file.name, file.name) for file in files}),
        "taken_in_seconds": round(seconds, 1),
        "taken_in_processor_seconds": round(used, 1),
    }


def measured(base: str, faces: Path, root: int) -> dict[str, Any]:
    """What the service that is a descendant of `root` answers, alone and together, and what memory it takes."""
    with server.connected(base, timeout=3600) as client:

        def ask(file: Path) -> Any:
            answer = client.post("/check-duplicate", params={"top_k": 10}, files={"file": file.read_bytes()})
            return answer.json() if answer.is_success else answer.status_code

        asked = sorted(faces.glob("*.jpg"))[::8]
        # Once before it is measured: what is loaded by the first question is no growth.
        alone = {file: ask(file) for file in [*asked, *asked]}
        several = [asked[number % len(asked)] for number in range(PARALLEL)]
        processes = descendants(root)
        before, used, began = own_bytes(processes), processor_seconds(processes), time.perf_counter()
        with ThreadPoolExecutor(PARALLEL) as clients:
            together = list(clients.map(ask, several))
        seconds, processes = time.perf_counter() - began, descendants(root)
        after, used = own_bytes(processes), processor_seconds(processes) - used
        apart = [difference(alone[file], answer) for file, answer in zip(several, together, strict=True)]
        conflicts = {
            kind: len(client.get("/persons/conflicts", params={"kind": kind, "limit": 500}).json()["items"])
            for kind in CONFLICTS
        }
    return {
        "described": {one["space"]: one["pictures"] for one in alone[asked[0]]["spaces"]},
        "asked_one_at_a_time": len(asked),
        "answers_with": {
            name: sum(bool(one[name]) for one in alone.values()) for name in ("matches", "similar", "persons")
        },
        "parallel": {
            "requests": PARALLEL,
            "errors": sum(isinstance(one, int) for one in together),
            "differing": sum(each > CLOSE for each in apart),
            "largest_difference": max(apart),
            "seconds": round(seconds, 1),
            "processor_seconds": round(used, 1),
        },
        "memory": {"before": before, "after": after, "times": round(after / before, 3)},
        "conflicts": conflicts,
    }


if __name__ == "__main__":
    main()
