"""How well `scene_change` tells frames in which nothing happened: `python -m benchmarks.scenes` (needs KEEPONE_SHARED).

Four made-up cameras look at four photographs. Things cut from other photographs stand in the view, come, go and move.
Each state of the scene is held for some frames, which differ by noise, by a slow change of light and by their JPEG. Two
frames of one camera are the same if they show the same state. Every pair of a camera is asked at the defaults. Writes
`benchmarks/results/scenes.json`.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import platform
import sys
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from service.compare import scene
from service.workflows.matchers import BySceneChange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

SEED = 20261122
CAMERAS, STATES = ("c10", "c20", "c30", "c40"), 60
WIDTH, HEIGHT = 1280, 720
SMALLEST, LARGEST = 24, 220
"""Sides of a thing, in pixels of a frame 640 wide; people and cars before a yard's camera."""
RESULT = Path(__file__).parent / "results" / "scenes.json"


@dataclass(frozen=True)
class Thing:
    """What stands in the view: a piece of a picture, where, and how large (of a frame 640 wide)."""

    look: int
    left: int
    top: int
    side: int


@dataclass(frozen=True)
class Frame:
    camera: str
    state: int
    moved: int
    """The side of what came, went or moved since the state before."""
    pixels: NDArray[np.uint8]


def main() -> None:
    shared = Path(os.environ.get("KEEPONE_SHARED") or sys.exit("Set KEEPONE_SHARED to the folder that holds data/."))
    photos = sorted((shared / "data" / "photos").rglob("*.jpg"))
    rng = np.random.default_rng(SEED)
    began = time.monotonic()
    frames = [frame for number, camera in enumerate(CAMERAS) for frame in filmed(camera, photos, number, rng)]
    result = {
        "machine": {"cpus": os.cpu_count(), "processor": platform.processor() or platform.machine()},
        "seed": SEED,
        "cameras": len(CAMERAS),
        "frames": len(frames),
        "things": {"smallest": SMALLEST, "largest": LARGEST, "of_a_frame": scene.WORKING_WIDTH},
        **asked(frames),
        "seconds": round(time.monotonic() - began, 1),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def filmed(camera: str, photos: list[Path], number: int, rng: np.random.Generator) -> Iterator[Frame]:
    """The states of one camera, each held for one to five frames."""
    background = opened(photos[number * 7]).resize((WIDTH, HEIGHT))
    looks = [opened(path) for path in photos[100 + number :: 97]]
    things: list[Thing] = []
    light = 1.0
    for state in range(STATES):
        things, moved = next_state(things, len(looks), rng)
        view = background.copy()
        for thing in things:
            lay(view, looks[thing.look], thing)
        for _ in range(int(rng.integers(1, 6))):
            light = float(np.clip(light + rng.normal(0, 0.004), 0.92, 1.08))
            yield Frame(camera, state, moved, seen(view, light, rng))


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def next_state(things: list[Thing], looks: int, rng: np.random.Generator) -> tuple[list[Thing], int]:
    """Something comes, goes or moves by half its side or more; and how large that is."""

    def placed(side: int) -> tuple[int, int]:
        return int(rng.integers(0, 640 - side)), int(rng.integers(0, 360 - min(side, 359)))

    what = rng.random()
    if not things or (what < 0.4 and len(things) < 4):
        side = int(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
        return [*things, Thing(int(rng.integers(looks)), *placed(side), side)], side
    chosen = int(rng.integers(len(things)))
    thing, others = things[chosen], [one for number, one in enumerate(things) if number != chosen]
    if what < 0.6:
        return others, thing.side
    angle, far = rng.uniform(0, 2 * np.pi), thing.side * rng.uniform(0.5, 2)
    left = int(np.clip(thing.left + far * np.cos(angle), 0, 640 - thing.side))
    top = int(np.clip(thing.top + far * np.sin(angle), 0, max(1, 360 - thing.side)))
    return [*others, replace(thing, left=left, top=top)], thing.side


def lay(view: Image.Image, look: Image.Image, thing: Thing) -> None:
    """The thing as an upright oval, at the size of the full frame."""
    scale = WIDTH // 640
    size = (max(1, thing.side * scale * 2 // 3), thing.side * scale)
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).ellipse((0, 0, *size), fill=255)
    view.paste(look.resize(size), (thing.left * scale, thing.top * scale), mask)


def seen(view: Image.Image, light: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One frame of it, as the camera's file gives it back."""
    levels = np.asarray(view, np.float32) * light + rng.normal(0, 5, (HEIGHT, WIDTH, 1)).astype(np.float32)
    file = io.BytesIO()
    Image.fromarray(levels.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=int(rng.integers(60, 91)))
    return np.asarray(Image.open(file))


def asked(frames: list[Frame]) -> dict[str, Any]:
    """Every pair of a camera: what is the same, what is called so; and the changes that were missed, by size."""
    right = called = same = pairs = 0
    missed: dict[str, list[int]] = {}
    with closing(BySceneChange()) as matcher:
        for frame in frames:
            matcher.add(frame.pixels, frame.camera)
        for one, other in itertools.combinations(range(len(frames)), 2):
            left, later = frames[one], frames[other]
            if left.camera != later.camera:
                continue
            pairs += 1
            truth, said = left.state == later.state, matcher.agreement(one, other) is not None
            same, called, right = same + truth, called + said, right + (truth and said)
            if later.state == left.state + 1:
                missed.setdefault(size_of(later.moved), []).append(said)
    return {
        "pairs": pairs,
        "precision": round(right / called, 4) if called else None,
        "recall": round(right / same, 4),
        "same": same,
        "called_same": called,
        "neighbouring_states_called_same": {
            size: {"n": len(said), "share": round(sum(said) / len(said), 4)} for size, said in sorted(missed.items())
        },
    }


def size_of(side: int) -> str:
    for least, name in ((100, "100 px and more"), (60, "60 to 99 px"), (40, "40 to 59 px")):
        if side >= least:
            return name
    return "24 to 39 px"


if __name__ == "__main__":
    main()
