"""Pictures made worse step by step, as files; and mosaics, which make large pictures of small ones."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from service.domain.values import PictureFormat


BLURS = (0.5, 0.8, 1.2, 2.0, 3.0, 5.0, 8.0)
SCALES = (0.85, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2)
QUALITIES = (98, 95, 90, 80, 70, 50, 30, 15)
NOISES = (2, 4, 8, 12, 20, 30, 45)
SIDES = (2, 3, 4, 6, 8, 12, 16)


def as_file(picture: Image.Image | bytes, kind: str = "PNG", **options: Any) -> io.BytesIO:
    """The picture's file, at its beginning."""
    if isinstance(picture, bytes):
        return io.BytesIO(picture)
    out = io.BytesIO()
    picture.save(out, kind, **({"compress_level": 1} if kind == "PNG" else {}) | options)
    out.seek(0)
    return out


def mosaic(photographs: Sequence[Image.Image], columns: int) -> Image.Image:
    """Photographs of 480 x 320 side by side, those that stand laid on their side."""
    rows = len(photographs) // columns
    whole = Image.new("RGB", (480 * columns, 320 * rows))
    for number, photograph in enumerate(photographs):
        lying = photograph if photograph.width > photograph.height else photograph.transpose(Image.Transpose.ROTATE_90)
        whole.paste(lying.crop((0, 0, 480, 320)), (480 * (number % columns), 320 * (number // columns)))
    return whole


def _png(picture: Image.Image) -> tuple[bytes, PictureFormat]:
    return as_file(picture).getvalue(), "PNG"


def blurred(picture: Image.Image) -> Iterator[tuple[bytes, PictureFormat]]:
    yield _png(picture)
    for sigma in BLURS:
        yield _png(picture.filter(ImageFilter.GaussianBlur(sigma)))


def scaled_down(picture: Image.Image) -> Iterator[tuple[bytes, PictureFormat]]:
    yield _png(picture)
    for scale in SCALES:
        size = round(picture.width * scale), round(picture.height * scale)
        yield _png(picture.resize(size, Image.Resampling.LANCZOS))


def compressed(picture: Image.Image) -> Iterator[tuple[bytes, PictureFormat]]:
    for quality in QUALITIES:
        yield as_file(picture, "JPEG", quality=quality).getvalue(), "JPEG"


def noisy(picture: Image.Image) -> Iterator[tuple[bytes, PictureFormat]]:
    yield _png(picture)
    noise = np.random.default_rng(1).normal(0, 1, (picture.height, picture.width, 3))
    for level in NOISES:
        yield _png(Image.fromarray(np.clip(np.rint(np.asarray(picture) + level * noise), 0, 255).astype(np.uint8)))


def pixelated(picture: Image.Image) -> Iterator[tuple[bytes, PictureFormat]]:
    yield _png(picture)
    for side in SIDES:
        small = picture.resize((picture.width // side, picture.height // side), Image.Resampling.BOX)
        yield _png(small.resize(picture.size, Image.Resampling.NEAREST))


FAMILIES: dict[str, Callable[[Image.Image], Iterator[tuple[bytes, PictureFormat]]]] = {
    "blur": blurred,
    "downscale": scaled_down,
    "jpeg": compressed,
    "noise": noisy,
    "pixelation": pixelated,
}
"""Each gives a picture's files from the best to the worst, with their formats."""
