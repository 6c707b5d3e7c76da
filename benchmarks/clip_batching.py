"""What it is worth to ask a CLIP about several requests' pictures together: 16 clients, batched and one by one.

A ViT-B-32 at full size with weights by chance, since how long it takes does not depend on them. Rounds take turns, so
that what else the machine does falls on both. Wants the extra `clip`; one thread of the processor unless told otherwise:

    OMP_NUM_THREADS=1 python -m benchmarks.clip_batching
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import open_clip
import safetensors.torch
import torch

from service.descriptors.clip import Clip, opened
from service.settings import load_settings

CLIENTS, EACH, ROUNDS = 16, 4, 5
ARCHITECTURE = "ViT-B-32"
RESULT = Path(__file__).parent / "results" / "clip_batching.json"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "models" / "clip" / ARCHITECTURE / "chance.safetensors"
        weights.parent.mkdir(parents=True)
        torch.manual_seed(1)
        state = open_clip.create_model(ARCHITECTURE).state_dict()
        safetensors.torch.save_file({key: value.contiguous() for key, value in state.items()}, weights)
        del state
        begun = time.process_time()
        models = {
            kind: opened(f"clip:{ARCHITECTURE}/chance", load_settings(data=folder, model_batch=most))
            for kind, most in (("batched", 32), ("one_by_one", 1))
        }
        opening = (time.process_time() - begun) / 2
        rounds: dict[str, list[dict[str, float]]] = {kind: [] for kind in models}
        for _ in range(ROUNDS):
            for kind, model in models.items():
                rounds[kind].append(_round(model))
        farthest = _farthest(models["batched"], models["one_by_one"])
        for model in models.values():
            model.close()
    cpu = {kind: statistics.median(one["cpu_ms"] for one in taken) for kind, taken in rounds.items()}
    wall = {kind: statistics.median(one["wall_ms"] for one in taken) for kind, taken in rounds.items()}
    result = {
        "architecture": ARCHITECTURE,
        "clients": CLIENTS,
        "pictures_a_round": CLIENTS * EACH,
        "rounds": ROUNDS,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "opening_cpu_seconds": opening,
        "cpu_ms_per_picture": cpu,
        "wall_ms_per_picture": wall,
        "times_faster_cpu": cpu["one_by_one"] / cpu["batched"],
        "times_faster_wall": wall["one_by_one"] / wall["batched"],
        "largest_cosine_distance_between_the_two": farthest,
        "load_average": os.getloadavg()[0],
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def _picture(number: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(number).integers(0, 256, (256, 320, 3), np.uint8)


def _round(model: Clip) -> dict[str, float]:
    """Milliseconds a picture while every client asks about one picture after the other."""
    shown = [[_picture(EACH * client + number) for number in range(EACH)] for client in range(CLIENTS)]

    def client(pictures: list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]) -> None:
        for picture in pictures:
            model.describe([picture])

    cpu, wall = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(client, shown))
    pictures = CLIENTS * EACH
    return {
        "cpu_ms": 1000 * (time.process_time() - cpu) / pictures,
        "wall_ms": 1000 * (time.perf_counter() - wall) / pictures,
    }


def _farthest(batched: Clip, alone: Clip) -> float:
    """Asking together must not change what is answered."""
    pictures = [_picture(number) for number in range(16)]
    rows = [[one[0].vector for one in model.describe(pictures)] for model in (batched, alone)]
    return max(
        float(1 - left @ right / np.linalg.norm(left) / np.linalg.norm(right))
        for left, right in zip(*rows, strict=True)
    )


if __name__ == "__main__":
    main()
