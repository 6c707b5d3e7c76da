"""`keepone dedupe` beside other folder tools: `python -m benchmarks.dedupe_peers CACHE` (needs KEEPONE_SHARED).

One folder holds 500 photographs and, of each, four edited copies: one of each family below, with numbers drawn from a
seed. Every tool is given that folder in the same run, with its usual settings, and names pairs. A copy is found if it is
in a pair with any picture of its own source; a pair of two sources is a false one. What Keepone leaves to a person counts
as found only where that is said. The tools get environments of their own in CACHE. Adds to
`benchmarks/results/dedupe.json`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from benchmarks.accuracy.folder_tools import TOOLS, told_by
from benchmarks.dedupe import remember

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Edit = Callable[[Image.Image, np.random.Generator], Image.Image]

SEED = 20261129
KEEPONE = {"keepone appearance": "appearance", "keepone hash": "hash", "keepone copy": "copy"}
"""By name, the matcher."""


def saved(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Saved anew; the quality is drawn when it is written."""
    del rng
    return picture


def resized(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    share = rng.uniform(0.4, 0.9)
    return picture.resize((round(picture.width * share), round(picture.height * share)), Image.Resampling.LANCZOS)


def toned(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(picture).enhance(rng.uniform(0.8, 1.2))


def contrasted(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    return ImageEnhance.Contrast(picture).enhance(rng.uniform(0.8, 1.25))


def grey(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    del rng
    return picture.convert("L").convert("RGB")


def blurred(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    return picture.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 2.0)))


def trimmed(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Two to eight parts of a hundred off, at each side by itself."""
    width, height = picture.size
    left, top, right, bottom = rng.uniform(0.005, 0.04, 4)
    return picture.crop(
        (round(width * left), round(height * top), round(width * (1 - right)), round(height * (1 - bottom)))
    )


def captioned(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    made = picture.copy()
    top = round(picture.height * rng.uniform(0.0, 0.9))
    ImageDraw.Draw(made).rectangle((0, top, picture.width, top + picture.height // 12), fill=(255, 255, 255))
    ImageDraw.Draw(made).text((10, top + 4), "look at this", fill=(0, 0, 0))
    return made


FAMILIES: tuple[tuple[Edit, ...], ...] = (
    (saved,),
    (resized,),
    (toned, contrasted, grey, blurred),
    (trimmed, captioned),
)


def main() -> None:
    shared = Path(os.environ.get("KEEPONE_SHARED") or sys.exit("Set KEEPONE_SHARED to the folder that holds data/."))
    cache = Path(sys.argv[1] if len(sys.argv) > 1 else sys.exit(__doc__))
    with tempfile.TemporaryDirectory(prefix="keepone-peers-") as place:
        folder = Path(place) / "together"
        folder.mkdir()
        copies = laid_out(sorted((shared / "data" / "photos").rglob("*.jpg")), folder)
        asked: dict[str, Callable[[], dict[str, Any]]] = {
            name: partial(by_keepone, folder, Path(place), matcher, copies) for name, matcher in KEEPONE.items()
        }
        asked |= {tool.name: partial(told_by, tool, cache, folder, partial(judged, copies=copies)) for tool in TOOLS}
        told: dict[str, Any] = {}
        photographs = len({source_of(name) for name in copies})
        for name, find in asked.items():
            told[name] = find()
            remember("peers", {"seed": SEED, "photographs": photographs, "copies": len(copies), "tools": told})


def laid_out(photos: Sequence[Path], folder: Path) -> dict[str, str]:
    """Originals and copies as files; the copies by name, with what was done to each."""
    copies = {}
    for path in photos:
        rng = np.random.default_rng([SEED, int.from_bytes(path.stem.encode()[-8:], "big")])
        (folder / f"{path.stem}.jpg").write_bytes(path.read_bytes())
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        for family in FAMILIES:
            edit = family[int(rng.integers(len(family)))]
            name = f"{path.stem}-{edit.__name__}.jpg"
            edit(picture, rng).save(folder / name, quality=int(rng.integers(50, 96)))
            copies[name] = edit.__name__
    return copies


def source_of(name: str) -> str:
    return Path(name).stem.partition("-")[0]


def by_keepone(folder: Path, place: Path, matcher: str, copies: dict[str, str]) -> dict[str, Any]:
    """A dry run of the command, from its start to its end."""
    began = time.perf_counter()
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "service.cli",
            "dedupe",
            folder,
            "--matcher",
            matcher,
            "--json",
            "--data",
            place / "data",
        ],
        check=False,  # it ends with 1 where it found something
        capture_output=True,
    )
    seconds = time.perf_counter() - began
    found = json.loads(ran.stdout)
    pairs = [(item["keeps"], item["goes"]) for item in found["items"]]
    doubtful = [(item["one"], item["other"]) for item in found["doubtful"]]
    told = {"seconds": round(seconds, 1), **judged(pairs, copies)}
    return told | {"recall_with_doubtful": judged([*pairs, *doubtful], copies)["recall"]}


def judged(pairs: Iterable[Sequence[str]], copies: dict[str, str]) -> dict[str, Any]:
    """How many copies were found, in all and by what was done to them, and how many pairs are of two sources."""
    found: set[str] = set()
    false: set[tuple[str, ...]] = set()
    for one, other in pairs:
        if source_of(one) == source_of(other):
            found |= {one, other}
        else:
            false.add(tuple(sorted((one, other))))
    done, got = Counter(copies.values()), Counter(what for name, what in copies.items() if name in found)
    return {
        "recall": round(sum(got.values()) / len(copies), 4),
        "false_pairs": len(false),
        "recall_by_edit": {what: round(got[what] / done[what], 4) for what in sorted(done)},
    }


if __name__ == "__main__":
    main()
