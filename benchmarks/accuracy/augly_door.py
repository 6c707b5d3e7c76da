"""The only importer of AugLy, which was written for older libraries than ours.

AugLy 1.0.0 names `np.float`, gone since NumPy 1.24, and `getsize` and `getsize_multiline` of Pillow's fonts, gone
since Pillow 10. Here they are put back, as they were, before AugLy is imported. Its `magic` needs the system's
libmagic (Debian: libmagic1).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from collections.abc import Callable

FONTS = "fonts"
EMOJI = "twemojis"
TEMPLATES = "screenshot_templates"


def function(name: str) -> Callable[..., Image.Image]:
    """AugLy's image function of that name."""
    _put_back()
    from augly.image import functional  # noqa: PLC0415 - only what makes queries needs the `heavy` extra

    found: Callable[..., Image.Image] = getattr(functional, name)
    return found


def asset(kind: str, name: str) -> str:
    """The path of a font, an emoji or a screenshot's template that AugLy ships."""
    _put_back()
    from augly.utils import base_paths  # noqa: PLC0415 - see above

    return str(Path(base_paths.ASSETS_BASE_DIR) / kind / name)


def _put_back() -> None:
    gone: dict[tuple[Any, str], Any] = {
        (np, "float"): float,
        (ImageFont.FreeTypeFont, "getsize"): _size,
        (ImageFont.FreeTypeFont, "getsize_multiline"): _size_of_lines,
    }
    for (home, name), substitute in gone.items():
        if name not in vars(home):
            setattr(home, name, substitute)


def _size(font: ImageFont.FreeTypeFont, text: str) -> tuple[int, int]:
    _, _, right, bottom = font.getbbox(text)
    return int(right), int(bottom)


def _size_of_lines(font: ImageFont.FreeTypeFont, text: str) -> tuple[int, int]:
    _, _, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox((0, 0), text, font=font)
    return int(right), int(bottom)
