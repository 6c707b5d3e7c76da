"""Generated, edited or photographed: what a file's marks declare. Pixels are not asked.

A mark is a claim. It can be stripped, which leaves nothing to see, or forged; so a picture without marks is not called
genuine, and a declared photograph is told as a signal and lowers no risk.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from service.domain.file_facts import FileFacts

GENERATED_TYPES: Final = frozenset(
    {"trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia", "algorithmicMedia", "compositeSynthetic"}
)
CAPTURED_TYPES: Final = frozenset({"digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "print"})
SCREEN_TYPES: Final = frozenset({"screenCapture"})
"""IPTC's digital source types, https://cv.iptc.org/newscodes/digitalsourcetype/."""

EDITORS: Final = re.compile(
    r"photoshop|lightroom|gimp|affinity|snapseed|pixelmator|capture one|darktable|rawtherapee|paint\.net|picsart|canva"
    r"|facetune|luminar|paintshop|photoscape|picasa|vsco|meitu|faceapp",
    re.IGNORECASE,
)
"""Programs for editing pictures, by what they write as software."""


def generated(file: FileFacts) -> float | None:
    """1 where a mark declares that the picture was generated, wholly or in part; None where none does."""
    return 1.0 if file.generator or file.source_type in GENERATED_TYPES else None


def is_declared_screenshot(file: FileFacts) -> bool:
    return file.called_screenshot or file.source_type in SCREEN_TYPES


def marks(file: FileFacts) -> tuple[str, ...]:
    """What the marks say, as sentences for people."""
    said = []
    if "c2pa" in file.metadata:
        said.append("carries a C2PA manifest (not verified)")
    if file.source_type:
        said.append(f"declares the digital source type {file.source_type}")
    if file.generator:
        said.append(f"marked as made with {file.generator}")
    if file.software and EDITORS.search(file.software):
        said.append(f"edited with {file.software}")
    if file.edits:
        said.append(f"its C2PA manifest tells of edits: {', '.join(file.edits)}")
    if file.called_screenshot:
        said.append("a mark calls it a screenshot")
    return tuple(said)
