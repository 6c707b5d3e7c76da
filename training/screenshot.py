"""The weights of `service.assess.screenshot`: a logistic rule fitted on pages made from a seed and on photographs.

    KEEPONE_SHARED=… python -m training.screenshot

Wants Chromium and the training pictures. Prints the weights, and how many of each kind the rule takes for
a screenshot.
"""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.degradations import as_file
from benchmarks.pages import screenshots
from service.assess.screenshot import traits
from service.assess.tiles import take_sample
from training.descriptor.pictures import parted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

EVERY = 36
"""Of so many training pictures one is taken: 251."""
PAGES, SEED = 80, 1
RIDGE = 0.5
ONE_HALF = 0.87
"""What of the fitted probability becomes one half: at most one in a hundred photographs lies above it."""


def photographs(folder: Path) -> list[Path]:
    """Written there, for the pages that show some of them."""
    files = []
    for place, (number, data) in enumerate(parted(Path(os.environ["KEEPONE_SHARED"]), trained=True)):
        if place % EVERY == 0:
            files.append(folder / f"{number}.jpg")
            files[-1].write_bytes(data)
    return files


def examples(photographs: list[Path]) -> Iterator[tuple[str, bool, Image.Image]]:
    """Kind, whether it is a screenshot, and the picture."""
    for data in screenshots(PAGES, photographs, SEED):
        page = Image.open(io.BytesIO(data)).convert("RGB")
        yield "page", True, page
        yield "page as JPEG 85", True, _as_jpeg(page, 85)
        yield "page scaled to 0.7", True, page.resize((page.width * 7 // 10, page.height * 7 // 10))
    for number, file in enumerate(photographs):
        photograph = Image.open(file).convert("RGB")
        yield "photograph", False, photograph
        if number % 3 == 2:
            yield "photograph enlarged", False, photograph.resize((2 * photograph.width, 2 * photograph.height))
        else:
            quality = (60, 30)[number % 3]
            yield f"photograph as JPEG {quality}", False, _as_jpeg(photograph, quality)


def _as_jpeg(picture: Image.Image, quality: int) -> Image.Image:
    return Image.open(as_file(picture, "JPEG", quality=quality)).convert("RGB")


def fit(measured: NDArray[np.float64], truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Offset and weights by Newton's method, both classes counting the same, with a little ridge on the weights."""
    inputs = np.column_stack((np.ones(len(measured)), measured))
    counts = np.where(truth == 1, 0.5 / truth.sum(), 0.5 / (1 - truth).sum()) * len(truth)
    ridge = np.diag([0.0, *[RIDGE] * measured.shape[1]])
    weights = np.zeros(inputs.shape[1])
    for _ in range(60):
        likely = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (counts * (likely - truth)) + ridge @ weights
        curve = (inputs * (counts * likely * (1 - likely))[:, None]).T @ inputs + ridge
        weights -= np.linalg.solve(curve, slope)
    weights[0] -= np.log(ONE_HALF / (1 - ONE_HALF))
    return weights


def main() -> None:
    kinds: list[str] = []
    rows: list[Any] = []
    truth: list[bool] = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, is_screenshot, picture in examples(photographs(Path(folder))):
            found = traits(take_sample(np.asarray(picture)).grey)
            if found is not None:
                kinds.append(kind)
                rows.append(found)
                truth.append(is_screenshot)
    measured = np.array(rows)
    weights = fit(measured, np.array(truth, float))
    print("offset and weights:", weights.round(2).tolist())
    called = weights[0] + measured @ weights[1:] >= 0
    for kind in dict.fromkeys(kinds):
        chosen = np.array([each == kind for each in kinds])
        print(f"{kind}: {called[chosen].mean():.1%} of {chosen.sum()} called screenshots")


if __name__ == "__main__":
    main()
