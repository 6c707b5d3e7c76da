"""The threshold of `service.assess.recapture`: how far a grid must stand out, so that photographs seldom do.

    KEEPONE_SHARED=… python -m training.recapture

Prints what is left below by all but one in a hundred of each kind of photograph, and how many simulated recaptures stand
out farther than CALLED_FROM. Pictures of the fitting half alone.
"""

from __future__ import annotations

import io
import random
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.degradations import as_file, mosaic
from benchmarks.keeper.groups import photographs
from benchmarks.recaptures import of_print, of_screen
from service.assess.recapture import CALLED_FROM, grid_strength
from service.assess.tiles import take_sample

if TYPE_CHECKING:
    from collections.abc import Callable

SEED = 5


def _as_jpeg(quality: int) -> Callable[[Image.Image], Image.Image]:
    return lambda picture: Image.open(as_file(picture, "JPEG", quality=quality)).convert("RGB")


def _scaled(factor: float, how: Image.Resampling) -> Callable[[Image.Image], Image.Image]:
    return lambda picture: picture.resize((round(picture.width * factor), round(picture.height * factor)), how)


KINDS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as they are": lambda picture: picture,
    "JPEG 50": _as_jpeg(50),
    "JPEG 30": _as_jpeg(30),
    "enlarged 1.6 times": _scaled(1.6, Image.Resampling.BICUBIC),
    "enlarged 2.3 times": _scaled(2.3, Image.Resampling.BILINEAR),
    "scaled to 0.6": _scaled(0.6, Image.Resampling.BOX),
    "turned by 3 degrees": lambda picture: picture.rotate(3, Image.Resampling.BILINEAR).crop(
        (30, 30, picture.width - 30, picture.height - 30)
    ),
}


def main() -> None:
    pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in photographs("fit")]
    for name, change in KINDS.items():
        _tell(name, [change(picture) for picture in pictures])
    chance = random.Random(SEED)  # noqa: S311 - pictures, not secrets
    _tell("mosaics", [mosaic(chance.sample(pictures, 9), 3) for _ in range(100)])
    for name, simulate in (("screens", of_screen), ("prints", of_print)):
        _tell(name, [simulate(picture, chance) for picture in pictures])


def _tell(name: str, pictures: list[Image.Image]) -> None:
    found = [grid_strength(take_sample(np.asarray(picture)).grey) for picture in pictures]
    known = np.array([each for each in found if each is not None])
    print(f"{name}: 99 % below {np.percentile(known, 99):.2f}, called {(known >= CALLED_FROM).mean():.1%}", flush=True)


if __name__ == "__main__":
    main()
