"""How often an earlier save as a JPEG is told by the pixels, and how often one is told that never was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageEnhance

from benchmarks.degradations import as_file
from service.assess.quality import assess_quality
from service.pictures.file_facts import read_file_facts

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable
    from pathlib import Path

    from service.domain.values import PictureFormat, Quality

FINE = 95
WITHIN = 2
"""Steps of quality by which what is read may be off and still count as right."""


def earlier_saves(files: Iterable[Path], chance: random.Random) -> dict[str, Any]:
    """Photographs that were saved once, twice, and moved or retouched between two saves; found, and rightly read."""
    told: dict[str, list[tuple[bool, bool]]] = {}
    for file in files:
        photograph = Image.open(file).convert("RGB")
        # Scaled down it has no history: what is saved from here on is all there is.
        small = photograph.resize((photograph.width * 4 // 5, photograph.height * 4 // 5), Image.Resampling.LANCZOS)
        first, last = chance.randint(40, 92), chance.randint(85, 98)
        before = Image.open(as_file(small, "JPEG", quality=first)).convert("RGB")
        moved = before.crop((3, 5, before.width, before.height))
        finer = max(last, min(first + 4, 98))
        fine = Image.open(as_file(small, "JPEG", quality=FINE)).convert("RGB")
        factor = chance.choice([chance.uniform(0.6, 0.85), chance.uniform(1.15, 1.5)])
        retouched = ImageEnhance.Contrast(fine).enhance(factor)
        kinds = {
            "never_saved": as_file(small),
            "saved_once": as_file(small, "JPEG", quality=last),
            "as_it_is_jpeg_95": file,
            "jpeg_as_png": as_file(before),
            "jpeg_saved_anew_finer": as_file(before, "JPEG", quality=finer),
            "jpeg_95_saved_anew_coarser": as_file(fine, "JPEG", quality=chance.randint(85, 94)),
            "jpeg_95_retouched_and_saved_at_95": as_file(retouched, "JPEG", quality=FINE),
            "jpeg_moved_as_png": as_file(moved),
            "jpeg_moved_saved_anew": as_file(moved, "JPEG", quality=finer),
        }
        for name, data in kinds.items():
            was = FINE if name.startswith("jpeg_95") else first
            told.setdefault(name, []).append(_told(_read(data), was, by_grid="moved" in name))
    return {
        "first_quality": "40 to 92",
        "last_quality": "85 to 98, finer than the first",
        "by_kind": {
            name: {
                "pictures": len(values),
                "earlier_save_told": round(float(np.mean([found for found, _ in values])), 4),
                "quality_within_2": None
                if "moved" in name or not name.startswith("jpeg")
                else round(float(np.mean([right for _, right in values])), 4),
            }
            for name, values in told.items()
        },
        "note": "Moved ones by `moved_grid`, the others by `earlier_jpeg_quality`.",
    }


def _told(read: Quality, first: int, *, by_grid: bool) -> tuple[bool, bool]:
    if by_grid:
        return bool(read.moved_grid), False
    earlier = read.earlier_jpeg_quality
    return earlier is not None, earlier is not None and abs(earlier - first) <= WITHIN


def _read(file: Any) -> Quality:
    data = file.read_bytes() if hasattr(file, "read_bytes") else file.getvalue()
    picture = Image.open(as_file(data))
    kind: PictureFormat = "PNG" if picture.format == "PNG" else "JPEG"
    shown = picture.convert("RGB")
    little = shown.copy()
    little.thumbnail((512, 512), Image.Resampling.BOX)
    return assess_quality(np.asarray(shown), np.asarray(little), read_file_facts(data, kind))
