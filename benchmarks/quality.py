"""What the numbers of `service.assess` are worth, on pictures whose truth is known because they were made here.

    KEEPONE_SHARED=… python -m benchmarks.quality [--photos 250] [--pages 520] [--only PART …]

Photographs of the reporting half alone; what was fitted was fitted on the other. Every fourth picture is a mosaic of
photographs, so that large pictures with known detail are among them. Writes benchmarks/results/quality.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from PIL import Image

from benchmarks.accuracy import augly_door
from benchmarks.degradations import FAMILIES, as_file, mosaic
from benchmarks.earlier_saves import earlier_saves
from benchmarks.pages import screenshots
from benchmarks.recaptures import of_print, of_screen
from service.assess.authenticity import assess_authenticity
from service.assess.effective_resolution import detail
from service.assess.quality import assess_quality
from service.assess.recapture import RECAPTURED_FROM
from service.assess.screenshot import SCREENSHOT_FROM, likeness
from service.assess.tiles import take_sample
from service.domain.file_facts import FileFacts
from service.pictures.file_facts import read_file_facts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from service.domain.values import PictureFormat

RESULTS = Path(__file__).parent / "results" / "quality.json"
SPLIT = Path(__file__).parent / "splits" / "photos-report.txt"
SEED = 20261129
PAGES_SEED = 2
FILTERS = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
ROUND_FACTORS = (1.25, 1.5, 2.0, 3.0, 4.0)


def photographs() -> list[Path]:
    """The reporting half."""
    wanted = set(SPLIT.read_text().split())
    folder = Path(os.environ["KEEPONE_SHARED"]) / "data" / "photos"
    return [file for file in sorted(folder.iterdir()) if hashlib.sha256(file.read_bytes()).hexdigest() in wanted]


def pictures(count: int) -> Iterator[Image.Image]:
    """Photographs of the reporting half, in a shuffled order that a seed fixes; every fourth is a mosaic of them."""
    files = photographs()
    chance = random.Random(SEED)  # noqa: S311 - pictures, not secrets
    chance.shuffle(files)
    for number, file in enumerate(files[:count]):
        if number % 4:
            yield Image.open(file).convert("RGB")
        else:
            columns, rows = chance.choice([(2, 1), (2, 2), (3, 2), (3, 3)])
            yield mosaic([Image.open(one) for one in chance.sample(files, columns * rows)], columns)


def effective_megapixels(count: int) -> dict[str, Any]:
    """Must show 2: how far the effective megapixels lie from the truth."""
    chance = random.Random(SEED)  # noqa: S311 - pictures, not secrets
    off: dict[str, list[float]] = {}
    for picture in pictures(count):
        off.setdefault("untouched", []).append(_off(picture, picture))
        for name, how in FILTERS.items():
            factor = chance.choice([*ROUND_FACTORS, *(chance.uniform(1.25, 4) for _ in ROUND_FACTORS)])
            large = picture.resize((round(picture.width * factor), round(picture.height * factor)), how)
            off.setdefault(f"enlarged_{name}", []).append(_off(large, picture))
            if how == Image.Resampling.BICUBIC:
                off.setdefault("enlarged_bicubic_then_jpeg_90", []).append(_off(_as_jpeg(large, 90), picture))
    enlarged = [each for name in FILTERS for each in off[f"enlarged_{name}"]]
    return {
        "asked": "enlarged within 25 % of the truth in 90 % of cases, untouched within 15 %",
        "enlarged_within_25_percent": _share(enlarged, 0.25),
        "untouched_within_15_percent": _share(off["untouched"], 0.15),
        "by_kind": {
            name: {
                "pictures": len(values),
                "within_15_percent": _share(values, 0.15),
                "within_25_percent": _share(values, 0.25),
                "median_off": round(float(np.median(np.abs(values))), 4),
            }
            for name, values in off.items()
        },
    }


def _off(shown: Image.Image, truth: Image.Image) -> float:
    """How far off the reading is, as a share of the truth; all of it where there is no reading."""
    found = detail(take_sample(np.asarray(shown)))
    if found is None:
        return 1.0
    read = shown.width * shown.height / found.factor**2
    return read / (truth.width * truth.height) - 1


def _share(values: list[float], within: float) -> float:
    return round(float((np.abs(values) <= within).mean()), 4)


def overall(count: int) -> dict[str, Any]:
    """Must show 3: Spearman's rank correlation of `overall` with the strength of each degradation, per picture."""
    ranks: dict[str, list[float]] = {name: [] for name in FAMILIES}
    for picture in pictures(count):
        for name, family in FAMILIES.items():
            read = [_assessed(file, kind) for file, kind in family(picture)]
            ranks[name].append(-_spearman(read))
    return {
        "asked": "median 0.95, 5th percentile 0.8",
        "by_degradation": {
            name: {
                "pictures": len(values),
                "median": round(float(np.median(values)), 4),
                "percentile_5": round(float(np.percentile(values, 5)), 4),
                "least": round(min(values), 4),
            }
            for name, values in ranks.items()
        },
    }


def _assessed(file: bytes, kind: PictureFormat) -> float:
    picture = Image.open(as_file(file)).convert("RGB")
    small = picture.copy()
    small.thumbnail((512, 512), Image.Resampling.BOX)
    return assess_quality(np.asarray(picture), np.asarray(small), read_file_facts(file, kind)).overall or 0.0


def _spearman(values: list[float]) -> float:
    """With the positions 0, 1, 2, …; ties share their mean rank."""
    read = np.array(values)
    ranks = np.array([(read < each).sum() + ((read == each).sum() - 1) / 2 for each in read])
    if np.ptp(ranks) == 0:
        return 0.0
    return float(np.corrcoef(ranks, np.arange(len(ranks)))[0, 1])


def cost(repeats: int = 40) -> dict[str, Any]:
    """Must show 5: milliseconds of one core, from pixels and file to all numbers; decoding is not in it."""
    cv2.setNumThreads(1)
    photograph = next(picture for number, picture in enumerate(pictures(8)) if number)
    small = np.asarray(photograph.resize((500, 400)))
    file = as_file(photograph, "JPEG", quality=90).getvalue()
    figures = {}
    for name, times in (("0.2 megapixels", (1, 1, 1)), ("12 megapixels", (8, 8, 1))):
        picture = np.tile(small, times)
        spent = []
        for _ in range(repeats):
            started = time.process_time()
            facts = read_file_facts(file, "JPEG")
            assess_quality(picture, small, facts)
            assess_authenticity(picture, facts)
            spent.append(1000 * (time.process_time() - started))
        figures[name] = {
            "pixels": picture.shape[0] * picture.shape[1],
            "median_ms": round(float(np.median(spent)), 2),
            "percentile_95_ms": round(float(np.percentile(spent, 95)), 2),
        }
    return {"asked": "0.2 MP 8 ms, 12 MP 25 ms", "figures": figures}


def screenshot_likeness(photos: int, pages: int) -> dict[str, Any]:
    """Must show 4: pages that Chromium rendered beside photographs, and photographs that AugLy put into a template."""
    read: dict[str, list[float]] = {}
    files = photographs()
    for data in screenshots(pages, files, PAGES_SEED):
        page = Image.open(as_file(data)).convert("RGB")
        smaller = page.resize((page.width * 7 // 10, page.height * 7 // 10), Image.Resampling.LANCZOS)
        read.setdefault("pages", []).append(_likeness(page))
        read.setdefault("pages_as_jpeg_85", []).append(_likeness(_as_jpeg(page, 85)))
        read.setdefault("pages_scaled_to_0.7", []).append(_likeness(smaller))
    overlay = augly_door.function("overlay_onto_screenshot")
    for number, file in enumerate(files[:photos]):
        photograph = Image.open(file).convert("RGB")
        read.setdefault("photographs", []).append(_likeness(photograph))
        read.setdefault("photographs_as_jpeg_60", []).append(_likeness(_as_jpeg(photograph, 60)))
        if number % 5 == 0:
            read.setdefault("augly_overlay_onto_screenshot", []).append(_likeness(overlay(photograph).convert("RGB")))
    ordinary = read["photographs"]
    return {
        "pages": pages,
        "asked": "false alarms on photographs at most 1 %",
        "called_from": SCREENSHOT_FROM,
        "auc_of_pages": _auc(read["pages"], ordinary),
        "by_kind": {
            name: {
                "pictures": len(values),
                "called_screenshots": round(float((np.array(values) >= SCREENSHOT_FROM).mean()), 4),
                "auc_against_photographs": None if name.startswith("photographs") else _auc(values, ordinary),
            }
            for name, values in read.items()
        },
    }


def recaptures(photos: int) -> dict[str, Any]:
    """Must show 4: simulated photographs of screens and prints, photographs as they are, and a few real screens."""
    chance = random.Random(SEED)  # noqa: S311 - pictures, not secrets
    read: dict[str, list[float | None]] = {}
    for number, file in enumerate(photographs()[:photos]):
        photograph = Image.open(file).convert("RGB")
        read.setdefault("photographs", []).append(_recapture(photograph))
        read.setdefault("photographs_as_jpeg_60", []).append(_recapture(_as_jpeg(photograph, 60)))
        size = photograph.width * 3 // 2, photograph.height * 3 // 2
        read.setdefault("photographs_enlarged", []).append(_recapture(photograph.resize(size)))
        read.setdefault("simulated_of_a_screen", []).append(_recapture(of_screen(photograph, chance)))
        if number % 2:
            read.setdefault("simulated_of_a_print", []).append(_recapture(of_print(photograph, chance)))
    for name, folder in (("real_screens_with_moire", "positiveImages"), ("real_things_beside_them", "negativeImages")):
        for file in sorted((Path(os.environ["KEEPONE_SHARED"]) / "data" / "liveness" / folder).iterdir()):
            read.setdefault(name, []).append(_recapture(Image.open(file).convert("RGB")))
    ordinary = [each or 0.0 for each in read["photographs"]]
    return {
        "asked": "false alarms on photographs at most 1 %",
        "called_from": RECAPTURED_FROM,
        "by_kind": {
            name: {
                "pictures": len(values),
                "not_judged": sum(each is None for each in values),
                "called_recaptures": round(float(np.mean([(each or 0.0) >= RECAPTURED_FROM for each in values])), 4),
                "auc_against_photographs": None
                if name.startswith("photographs")
                else _auc([each or 0.0 for each in values], ordinary),
            }
            for name, values in read.items()
        },
        "note": "Simulated by benchmarks/recaptures.py: no real camera, screen or print was in it.",
    }


def _recapture(picture: Image.Image) -> float | None:
    return assess_authenticity(np.asarray(picture), FileFacts()).recapture


def _likeness(picture: Image.Image) -> float:
    """What is not judged counts as no screenshot."""
    return likeness(take_sample(np.asarray(picture)).grey) or 0.0


def _as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    return Image.open(as_file(picture, "JPEG", quality=quality)).convert("RGB")


def _auc(higher: list[float], lower: list[float]) -> float:
    """How often one of the first is above one of the second; a tie counts half."""
    difference = np.sign(np.subtract.outer(np.array(higher), np.array(lower)))
    return round(float((difference.mean() + 1) / 2), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=250)
    parser.add_argument("--pages", type=int, default=520)
    parser.add_argument("--only", nargs="*", default=())
    asked = parser.parse_args()
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "effective_megapixels": lambda: effective_megapixels(asked.photos),
        "overall": lambda: overall(asked.photos),
        "screenshots": lambda: screenshot_likeness(asked.photos, asked.pages),
        "earlier_saves": lambda: earlier_saves(photographs()[: asked.photos], random.Random(SEED)),  # noqa: S311
        "recaptures": lambda: recaptures(asked.photos),
        "cost": cost,
    }
    for name, part in parts.items():
        if asked.only and name not in asked.only:
            continue
        measured = {"photographs": asked.photos, **part()}
        print(json.dumps({name: measured}, indent=2), flush=True)
        figures = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps(figures | {name: measured}, indent=2) + "\n")


if __name__ == "__main__":
    main()
