"""One embedding on one core, without decoding, beside open_clip's ViT-B-32: `python -m benchmarks.embedding`.

The two are asked in turns in one process, so that a slow moment of the machine hits both. open_clip's weights are random:
what is measured is time. It needs `open_clip_torch`, in an environment of its own if the core's is to stay lean; without
it the built-in descriptor is measured alone, and the result says so. Writes `benchmarks/results/embedding.json`.
"""

from __future__ import annotations

import json
import os
import platform
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from service.descriptors.builtin import Builtin
from service.descriptors.registry import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

RESULT = Path(__file__).parent / "results" / "embedding.json"
ROUNDS = 60
SIZE = (384, 512)
"""Height and width of a working picture."""
CLIP = "ViT-B-32"


def asked_clip() -> Callable[[NDArray[np.uint8]], object] | None:
    """open_clip's picture tower with its own preprocessing; None where it is not installed."""
    try:
        import open_clip  # noqa: PLC0415 - in no environment of ours
        import torch  # noqa: PLC0415 - comes with it
    except ImportError:
        return None
    from PIL import Image  # noqa: PLC0415 - open_clip takes its pictures so

    torch.set_num_threads(1)
    model, _, preprocess = open_clip.create_model_and_transforms(CLIP, pretrained=None)
    model.eval()

    def embed(picture: NDArray[np.uint8]) -> object:
        with torch.inference_mode():
            return model.encode_image(preprocess(Image.fromarray(picture)).unsqueeze(0))

    return embed


def main() -> None:
    cv2.setNumThreads(1)
    network, clip = Builtin(BUILTIN), asked_clip()
    asked: dict[str, Callable[[NDArray[np.uint8]], object]] = {
        BUILTIN.model_id: lambda picture: network.embed([picture])
    }
    if clip is not None:
        asked[f"open_clip {CLIP}"] = clip
    rng = np.random.default_rng(1)
    seconds: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(ROUNDS):
        picture = rng.integers(0, 256, (*SIZE, 3), dtype=np.uint8)
        for name, embed in asked.items():
            began = time.perf_counter()
            embed(picture)
            seconds[name].append(time.perf_counter() - began)
    told: dict[str, Any] = {
        "machine": {"cores": os.cpu_count(), "processor": platform.processor() or platform.machine()},
        "cores_used": 1,
        "picture": {"height": SIZE[0], "width": SIZE[1]},
        "rounds": ROUNDS,
        "milliseconds": {
            name: {"p50": _percentile(each[5:], 50), "p95": _percentile(each[5:], 95)} for name, each in seconds.items()
        },
    }
    if clip is None:
        told["open_clip"] = "not installed here"
    RESULT.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told["milliseconds"]))


def _percentile(seconds: list[float], percent: float) -> float:
    return round(float(np.percentile(seconds, percent)) * 1000, 2)


if __name__ == "__main__":
    main()
