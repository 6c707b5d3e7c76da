"""Where the limits in the code come from: `python -m training.measure_limits` (needs KEEPONE_SHARED).

Prints, for the 12,023 training pictures, the 500 development photographs and made documents, the quantiles that the
docstrings quote: detail, sharpness, tones, local change, colour, and the block of frequencies. Drawn from one seed.
"""

from __future__ import annotations

import io
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageFilter

from service.assess.sharpness import _laplacian_variance, sharpness
from service.compare.appearance import compare, look
from service.descriptors import hashes
from service.pictures.admit import WORKING_SIDE
from training.descriptor import pictures
from training.templates import KINDS, documents
from training.verdict.edits import SIMPLE, jpeg, scaled
from training.verdict.pairs import SEED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

TEMPLATES, DOCUMENTS = 4, 6
MOVED = {"mirrored", "turned over", "turned", "cropped", "stretched", "leaning", "padded", "pixelated"}
"""Edits after which the whole frames cannot be laid over each other, or whose tones are no question."""
SHARES = (0.0, 0.001, 0.01, 0.02, 0.1, 0.5, 0.9, 0.98, 0.99, 1.0)


def show(name: str, values: Iterable[float]) -> None:
    numbers = np.asarray(list(values))
    quantiles = " ".join(f"{share:g}:{np.quantile(numbers, share):.3g}" for share in SHARES)
    print(f"{name:44} n {len(numbers):6}  {quantiles}")


def photographs() -> list[Image.Image]:
    folder = Path(os.environ["KEEPONE_SHARED"]) / "data" / "photos"
    return [Image.open(path).convert("RGB") for path in sorted(folder.rglob("*.jpg"))]


def working(picture: Image.Image) -> NDArray[np.uint8]:
    """As the service would see it."""
    picture = picture.copy()
    picture.thumbnail((WORKING_SIDE, WORKING_SIDE))
    return np.asarray(picture)


def detail(pictures: Sequence[Image.Image], name: str) -> None:
    contrast, occupancy, spread = [], [], []
    for picture in pictures:
        grid = np.asarray(picture.convert("L").resize((hashes.GRID, hashes.GRID), Image.Resampling.BOX), np.float32)
        energy = hashes.frequencies(np.asarray(picture)).block.astype(np.float64) ** 2
        contrast.append(float(np.sqrt(energy.sum())) / hashes.GRID)
        spread.append(float(energy.sum() ** 2 / max((energy**2).sum(), 1e-9)))
        cells = grid.reshape(8, 8, 8, 8).swapaxes(1, 2).reshape(64, 64)
        occupancy.append(float((cells.std(axis=1) > hashes.FLAT_CELL).mean()))
    show(f"contrast, {name}", contrast)
    show(f"occupancy, {name}", occupancy)
    show(f"spread, {name}", spread)


def sharp(pictures: Sequence[Image.Image]) -> None:
    own = [sharpness(np.asarray(picture)) for picture in pictures]
    show("Laplacian variance", (_laplacian_variance(np.asarray(picture)) for picture in pictures))

    def change(name: str, edited: Iterable[Image.Image]) -> None:
        show(f"sharpness after {name}", (sharpness(np.asarray(e)) - s for e, s in zip(edited, own, strict=True)))

    change("JPEG 90", (jpeg(picture, 90) for picture in pictures))
    for factor in (0.9, 0.71, 0.5, 1.25, 2.0):
        change(f"scaling by {factor}", (scaled(picture, factor) for picture in pictures))
    for radius in (1, 2, 3):
        blurred = (picture.filter(ImageFilter.GaussianBlur(radius)) for picture in pictures)
        change(f"blur {radius}, enlarged by 5 %", (scaled(picture, 1.05) for picture in blurred))


def laid_over(name: str, pairs: Iterable[tuple[Image.Image, Image.Image]]) -> None:
    seen = [compare(look(working(query)), look(working(reference))) for query, reference in pairs]
    show(f"tone distance, {name}", (one.tone_distance for one in seen))
    show(f"tone residual, {name}", (one.tone_residual for one in seen))
    show(f"local change, {name}", (one.local_change for one in seen))


def training_pictures() -> list[Image.Image]:
    shared = Path(os.environ["KEEPONE_SHARED"])
    return [Image.open(io.BytesIO(data)).convert("RGB") for _, data in pictures.files(shared)]


def main() -> None:
    rng = np.random.default_rng(SEED)
    photos = photographs()
    detail(training_pictures(), "training pictures")
    detail(photos, "photographs")
    show("chroma, photographs", (look(working(picture)).chroma for picture in photos))
    sharp(photos[::2])
    for name in sorted(set(SIMPLE) - MOVED):
        laid_over(name, ((SIMPLE[name](picture, rng), picture) for picture in photos[::2]))
    for kind in KINDS:
        made = [documents(kind, template, DOCUMENTS) for template in range(TEMPLATES)]
        laid_over(f"two of one {kind}", (pair for some in made for pair in itertools.combinations(some, 2)))
        laid_over(f"{kind} saved anew", ((jpeg(scaled(one, 0.5), 30), one) for some in made for one in some))


if __name__ == "__main__":
    main()
