"""Which pictures fit, which report, and which are never trained on: `python benchmarks/splits/make.py` wrote the lists.

Drawn once from one seed, by SHA-256; the lists are what counts, and are never drawn anew.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from training.descriptor.pictures import files

SEED = 20261121
HELD_OUT = 3000
HERE = Path(__file__).parent


def written(name: str, hashes: list[str]) -> None:
    (HERE / name).write_text("".join(f"{one}\n" for one in sorted(hashes)), encoding="ascii")


def main() -> None:
    shared = Path(os.environ["KEEPONE_SHARED"])
    rng = np.random.default_rng(SEED)
    photos = sorted(hashlib.sha256(p.read_bytes()).hexdigest() for p in (shared / "data" / "photos").rglob("*.jpg"))
    order = rng.permutation(len(photos)).tolist()
    half = len(photos) // 2
    written("photos-fit.txt", [photos[n] for n in order[:half]])
    written("photos-report.txt", [photos[n] for n in order[half:]])
    train = sorted({hashlib.sha256(data).hexdigest() for _, data in files(shared)})
    kept = rng.permutation(len(train))[:HELD_OUT].tolist()
    written("train-held-out.txt", [train[n] for n in kept])


if __name__ == "__main__":
    main()
