"""How good one picture is: every number that is read of its pixels and of its file, and one for them all.

A number that cannot be read is None, and `unknown` says why. docs/explanation/quality.md describes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import cv2
import numpy as np

from service.assess.appeal import colourfulness, contrast, exposure, grey_levels, lights_cut_at
from service.assess.compression import blocking, was_lossy
from service.assess.effective_resolution import detail
from service.assess.jpeg_history import earlier_save
from service.assess.margins import margin
from service.assess.moved_grid import moved_grid
from service.assess.noise import noise
from service.assess.overall import overall
from service.assess.sharpness import sharpness
from service.assess.tiles import take_sample
from service.domain.values import Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.domain.file_facts import FileFacts

TOO_LITTLE: Final = "fewer than 128 pixels on a side, or nearly flat: no spectrum to read"
NOT_TOLD: Final = "this format does not say how much was lost"
NOT_JPEG: Final = "no JPEG with tables of its own"
NO_DEPTH: Final = "the file does not say"
LOSSY: Final = "only asked of lossless files without blocks of one colour"
NO_EARLIER: Final = "the pixels show no earlier save as a JPEG"
NOT_CUT: Final = "its lights run out evenly"
UNREAD: Final = "metadata of this format are not read"

BLOCKS_OF_NONE: Final = 0.1
"""Of 60 BSDS500 photographs (fitting half), JPEGs of quality 95, `blocking` reads 0.085 or less of 95 %."""
PER_BLOCKING: Final = 1.9
"""How fast what is left falls with blocking, so that a JPEG of quality 20 saved losslessly reads as about 0.3."""


def assess_quality(picture: NDArray[np.uint8], small: NDArray[np.uint8], file: FileFacts) -> Quality:
    """Judge an upright RGB picture (H, W, 3) by its pixels, the same picture made small, and what its file says."""
    sample = take_sample(picture)
    glance = np.ascontiguousarray(small[::3, ::3])
    levels = grey_levels(np.asarray(cv2.cvtColor(glance, cv2.COLOR_RGB2GRAY), np.uint8))
    found = detail(sample)
    pixelated = found is not None and found.by == "blocks"
    lossy = was_lossy(sample.grey[0]) if file.lossless and not pixelated else None
    blocks = blocking(sample.grey)
    by_blocks = min(1.0, max(0.0, 1 - PER_BLOCKING * (blocks - BLOCKS_OF_NONE)))
    left = 1.0 if file.lossless and pixelated else _left_by_compression(file, by_blocks, lossy=lossy)
    light, spread, sharp, noisy = exposure(levels), contrast(levels), sharpness(picture), noise(sample.grey)
    enlargement = found.factor if found else None
    cut_at = lights_cut_at(levels)
    earlier = None if pixelated else earlier_save(sample.grey, file.jpeg_quality)
    kept = bool(file.metadata & {"exif", "xmp", "iptc"}) if file.marks_readable else None
    return Quality(
        overall=overall(
            megapixels=sample.megapixels / (enlargement or 1.0) ** 2,
            sharpness=sharp,
            noise=noisy,
            compression=left if left is not None else 1.0 if pixelated else by_blocks,
            exposure=light,
            contrast=spread,
        ),
        sharpness=sharp,
        effective_megapixels=sample.megapixels / found.factor**2 if found else None,
        colourfulness=colourfulness(glance),
        exposure=light,
        compression=left,
        contrast=spread,
        noise=noisy,
        blocking=blocks,
        enlargement=enlargement,
        jpeg_quality=file.jpeg_quality,
        was_lossy=lossy,
        moved_grid=moved_grid(sample.grey),
        bit_depth=file.bit_depth,
        metadata_kept=kept,
        camera_named=file.camera is not None if file.marks_readable else None,
        margin=margin(small),
        earlier_jpeg_quality=earlier.quality if earlier else None,
        tones_changed=earlier.tones_changed if earlier else None,
        tones_stretched=earlier.stretch if earlier else None,
        lights_cut_at=cut_at,
        unknown={
            name: why
            for name, value, why in (
                ("effective_megapixels", enlargement, TOO_LITTLE),
                ("enlargement", enlargement, TOO_LITTLE),
                ("compression", left, NOT_TOLD),
                ("jpeg_quality", file.jpeg_quality, NOT_JPEG),
                ("was_lossy", lossy, LOSSY),
                ("bit_depth", file.bit_depth, NO_DEPTH),
                ("metadata_kept", kept, UNREAD),
                ("camera_named", kept, UNREAD),
                ("earlier_jpeg_quality", earlier, NO_EARLIER),
                ("tones_changed", earlier, NO_EARLIER),
                ("tones_stretched", earlier, NO_EARLIER),
                ("lights_cut_at", cut_at, NOT_CUT),
            )
            if value is None
        },
    )


def _left_by_compression(file: FileFacts, by_blocks: float, *, lossy: bool | None) -> float | None:
    """A JPEG's quality; of a lossless file 1, or what its blocks tell if they show that it was a JPEG once."""
    if file.jpeg_quality is not None:
        return file.jpeg_quality / 100
    if lossy is None:
        return None
    return by_blocks if lossy else 1.0
