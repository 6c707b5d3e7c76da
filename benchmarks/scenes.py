"""How well `scene_change` tells frames in which nothing happened: `python -m benchmarks.scenes` (needs KEEPONE_SHARED).

Four made-up cameras look at four photographs. Things cut from other photographs stand in the view, come, go and move.
Each state of the scene is held for some frames, which differ by noise, by a slow change of light and by their JPEG.

The truth is drawn, not measured: of two states it is known for every pixel of a frame 640 wide whether it shows the same
piece of the same thing. Where it does not are spots; joined by two dilations, those of `min_contour_area` pixels or more
count, by the criterion's own words, and two frames show the same if such spots make up less than `max_change`. A thing
that looks like what is behind it counts in full, seen or not; what a perfect camera would show of the change, without
noise, light or JPEG, is told beside it. Every pair of a camera is asked at the defaults, with the
frames as `dedupe` has them (512 pixels wide) and as they were. Writes `benchmarks/results/scenes.json`.
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

import cv2
import numpy as np
from PIL import Image, ImageDraw

from service.compare import scene
from service.pictures.normalise import reduce_to_working
from service.workflows.matchers import BySceneChange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

SEED = 20261122
CAMERAS, STATES = ("c10", "c20", "c30", "c40"), 30
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
    things: tuple[Thing, ...]
    still: NDArray[np.uint8]
    """What a perfect camera would have seen, as the criterion has it."""
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
        "as_dedupe_sees_them": asked(frames, reduced),
        "full_frames": asked(frames, lambda pixels: pixels),
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
    for _ in range(STATES):
        things = next_state(things, len(looks), rng)
        view = background.copy()
        for thing in things:
            lay(view, looks[thing.look], thing)
        still = scene.frame(np.asarray(view))
        for _ in range(int(rng.integers(1, 6))):
            light = float(np.clip(light + rng.normal(0, 0.004), 0.92, 1.08))
            yield Frame(camera, tuple(things), still, seen(view, light, rng))


def opened(path: Path) -> Image.Image:
    with Image.open(path) as image:
        return image.convert("RGB")


def next_state(things: list[Thing], looks: int, rng: np.random.Generator) -> list[Thing]:
    """Something comes, goes or moves by half its side or more."""

    def placed(side: int) -> tuple[int, int]:
        return int(rng.integers(0, 640 - side)), int(rng.integers(0, 360 - min(side, 359)))

    what = rng.random()
    if not things or (what < 0.4 and len(things) < 4):
        side = int(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST))))
        return [*things, Thing(int(rng.integers(looks)), *placed(side), side)]
    chosen = int(rng.integers(len(things)))
    thing, others = things[chosen], [one for number, one in enumerate(things) if number != chosen]
    if what < 0.6:
        return others
    angle, far = rng.uniform(0, 2 * np.pi), thing.side * rng.uniform(0.5, 2)
    left = int(np.clip(thing.left + far * np.cos(angle), 0, 640 - thing.side))
    top = int(np.clip(thing.top + far * np.sin(angle), 0, max(1, 360 - thing.side)))
    return [*others, replace(thing, left=left, top=top)]


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


def reduced(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What the decoders hand on."""
    return np.asarray(reduce_to_working(Image.fromarray(pixels)))


def shown(things: tuple[Thing, ...]) -> NDArray[np.int64]:
    """(360, 640): of every pixel a number for the thing that it shows, where that stands; 0 where none does."""
    view = Image.new("I", (640, 360), 0)
    for thing in things:
        side = thing.side
        mask = Image.new("L", (side * 2 // 3, side), 0)
        ImageDraw.Draw(mask).ellipse((0, 0, *mask.size), fill=255)
        number = 1 + ((thing.look * 640 + thing.left) * 360 + thing.top) * 256 + side
        view.paste(number % 2**31, (thing.left, thing.top), mask)
    return np.asarray(view, np.int64)


def changed(one: NDArray[np.int64], other: NDArray[np.int64]) -> float:
    """Pixels of the spots that count, between two states: two dilations, and outlines as the contract has them."""
    joined = cv2.dilate((one != other).astype(np.uint8), np.ones((3, 3), np.uint8), iterations=2)
    outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    areas = [cv2.contourArea(outline) for outline in outlines]
    return float(sum(area for area in areas if area >= scene.MIN_CONTOUR_AREA))


@dataclass
class Counts:
    """Pairs, those that are the same, those that are called so, and those that are both."""

    pairs: int = 0
    same: int = 0
    called: int = 0
    right: int = 0

    def count(self, same: bool, called: bool) -> None:
        self.pairs += 1
        self.same += same
        self.called += called
        self.right += same and called

    def told(self) -> dict[str, Any]:
        return {
            "pairs": self.pairs,
            "same": self.same,
            "called_same": self.called,
            "precision": round(self.right / self.called, 4) if self.called else None,
            "recall": round(self.right / self.same, 4) if self.same else None,
        }


def asked(frames: list[Frame], prepared: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]) -> dict[str, Any]:
    """Every pair of a camera: what is the same, and what is called so, by how much really changed."""
    views = {things: shown(things) for things in {frame.things for frame in frames}}
    answers: dict[str, list[bool]] = {}
    drawn, perfect = Counts(), Counts()
    with closing(BySceneChange()) as matcher:
        for frame in frames:
            matcher.add(prepared(frame.pixels), frame.camera)
        for one, other in itertools.combinations(range(len(frames)), 2):
            left, later = frames[one], frames[other]
            if left.camera != later.camera:
                continue
            is_held = left.things == later.things
            change = 0.0 if is_held else changed(views[left.things], views[later.things])
            said = matcher.agreement(one, other) is not None
            drawn.count(change < scene.MAX_CHANGE, said)
            perfect.count(scene.change(left.still, later.still) < scene.MAX_CHANGE, said)
            answers.setdefault("held" if is_held else size_of(change), []).append(said)
    return {
        **drawn.told(),
        "against_a_perfect_camera": perfect.told(),
        "called_same_by_what_changed": {
            size: {"pairs": len(said), "share": round(sum(said) / len(said), 4)}
            for size, said in sorted(answers.items())
        },
    }


def size_of(change: float) -> str:
    for least, name in ((10_000, "10,000 px and more"), (3000, "3,000 to 9,999 px"), (1000, "1,000 to 2,999 px")):
        if change >= least:
            return name
    return "something, but no spot of 1,000 px"


if __name__ == "__main__":
    main()
