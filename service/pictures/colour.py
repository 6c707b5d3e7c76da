"""ICC profiles: from whatever colours a file is in to sRGB. Runs in the decoding child only.

Most profiles in the wild *are* sRGB under one of a dozen names. Passing the pixels through such a profile would cost
time and shift some by one level, so that a picture and its untagged copy would no longer have the same pixels.
Names prove nothing; therefore each profile is tried on a small grid of colours, once, and a profile that moves none of
them by more than rounding is skipped.
"""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict
from typing import Final

import numpy as np
from PIL import Image, ImageCms

_SRGB: Final = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
_SPACES: Final = {"GRAY": ("L",), "RGB ": ("RGB", "RGBA"), "CMYK": ("CMYK",), "Lab ": ("LAB",)}
_ROUNDING: Final = 1
"""Levels of 255 by which common sRGB profiles differ from each other on the grid: rounding of their tables."""

_KEPT: Final = 16
_transforms: OrderedDict[tuple[bytes, str], ImageCms.ImageCmsTransform | None] = OrderedDict()


class UnusableProfileError(Exception):
    """The profile is damaged, of another colour space than the picture, or of a kind that lcms cannot apply."""


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """The image in sRGB, by its ICC profile: mode RGB, or RGBA if it came so; L stays L under a no-op profile.

    Raises UnusableProfileError; the caller then takes the numbers as they are.
    """
    key = hashlib.sha256(profile).digest(), image.mode
    if key not in _transforms:
        _transforms[key] = _transform(profile, image.mode)
        while len(_transforms) > _KEPT:
            _transforms.popitem(last=False)
    _transforms.move_to_end(key)
    transform = _transforms[key]
    return image if transform is None else transform.apply(image)


def lab_to_srgb(image: Image.Image) -> Image.Image:
    """An image of mode LAB (D50) as RGB."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    return ImageCms.buildTransform(lab, _SRGB, "LAB", "RGB").apply(image)


def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """How to turn colours of this profile into sRGB; None if there is nothing to turn."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if mode not in _SPACES.get(source.profile.xcolor_space, ()):
            raise UnusableProfileError
        transform = ImageCms.buildTransform(
            source,
            _SRGB,
            mode,
            "RGBA" if mode == "RGBA" else "RGB",
            ImageCms.Intent.PERCEPTUAL,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise UnusableProfileError from error
    return None if mode in _GRIDS and _changes_nothing(transform, mode) else transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    grid = _GRIDS[mode]
    before = np.asarray(grid.convert(transform.output_mode)).astype(np.int16)
    after = np.asarray(transform.apply(grid)).astype(np.int16)
    return int(np.abs(after - before).max()) <= _ROUNDING


def _colour_grid() -> Image.Image:
    """Nine steps a channel, every mix of them, and all greys."""
    steps = np.linspace(0, 255, 9).round().astype(np.uint8)
    mixes = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    greys = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    return Image.fromarray(np.concatenate([mixes, greys])[None])


_RGB_GRID: Final = _colour_grid()
_GRIDS: Final = {
    "RGB": _RGB_GRID,
    "RGBA": _RGB_GRID.convert("RGBA"),
    "L": Image.fromarray(np.arange(256, dtype=np.uint8)[None]),
}
