"""A file's own word for what it is: how it was compressed, what it carries, and which marks call it made or edited.

C2PA manifests are not verified here: that is `provenance`. What is read of them is that they are there, and the digital
source type and actions that they declare, which stand in them as plain text.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np

from service.domain.file_facts import EDIT_ACTIONS, FileFacts
from service.domain.ijg import ijg_luminance
from service.pictures import exif
from service.pictures.manifest_stores import holds_store
from service.pictures.metadata import WALKS, jpeg_segments, metadata_blocks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from service.domain.values import PictureFormat
    from service.pictures.metadata import Block

LONGEST_TEXT: Final = 200

GENERATORS: Final = (
    ("Stable Diffusion", re.compile(rb"stable[ -]?diffusion", re.IGNORECASE)),
    ("ComfyUI", re.compile(rb"comfyui", re.IGNORECASE)),
    ("InvokeAI", re.compile(rb"invokeai", re.IGNORECASE)),
    ("Midjourney", re.compile(rb"midjourney", re.IGNORECASE)),
    ("OpenAI", re.compile(rb"dall[- \xb7\xe2]|openai|chatgpt", re.IGNORECASE)),
    ("Adobe Firefly", re.compile(rb"adobe[ _]firefly", re.IGNORECASE)),
    ("Google AI", re.compile(rb"google generative ai|made with google ai", re.IGNORECASE)),
    ("NovelAI", re.compile(rb"novelai", re.IGNORECASE)),
)
"""Names of generators, looked for where programs write their own: as software, and in C2PA manifests."""
GENERATOR_TEXTS: Final = (
    ("Stable Diffusion", re.compile(rb"^(parameters|sd-metadata|Dream)\0|\bSteps: \d+, Sampler: ")),
    ("InvokeAI", re.compile(rb"^invokeai_(metadata|graph)\0")),
    ("ComfyUI", re.compile(rb"^(prompt|workflow)\0+\s*\{")),
)
"""What generators write of how they made a picture, into PNG's text and EXIF."""

_SOURCE_TYPE: Final = re.compile(rb"digitalsourcetype/([A-Za-z]{4,60})")
_CREATOR_TOOL: Final = re.compile(rb"CreatorTool(?:=\"|>)([^\"<]{1,200})")
_ACTION: Final = re.compile(rb"c2pa\.([A-Za-z_]{4,20}(?:\.proportional)?)")
_SCREENSHOT: Final = re.compile(rb"screen ?shot|screencapture", re.IGNORECASE)
_SOFTWARE_TEXT: Final = re.compile(rb"^Software\0+(.{1,200})", re.DOTALL)


def read_file_facts(data: bytes, name: PictureFormat) -> FileFacts:
    """Everything that is read of a file beside its pixels. Takes any bytes, and never raises."""
    blocks = list(metadata_blocks(data, name))
    tags = exif.read_tags(next((block.body for block in blocks if block.kind == "exif"), b""))
    if name == "TIFF":
        tags = exif.read_tags(data)
    said = [block for block in blocks if block.kind != "icc"]
    bodies = [block.body for block in said]
    source = next((found for body in bodies if (found := _SOURCE_TYPE.search(body))), None)
    manifests = [block.body for block in said if block.kind == "c2pa"]
    software = _software(said, tags)
    camera = " ".join(filter(None, (exif.text(tags.get(exif.MAKE)), exif.text(tags.get(exif.MODEL)))))
    return FileFacts(
        jpeg_quality=jpeg_quality(data) if name == "JPEG" else None,
        lossless=_is_lossless(data, name, tags),
        bit_depth=_bit_depth(data, name, tags),
        metadata=_kinds(data, name, blocks),
        camera=camera[:LONGEST_TEXT] or None,
        software=software,
        source_type=source[1].decode("ascii") if source else None,
        generator=_generator(said, software),
        edits=tuple(dict.fromkeys(word for body in manifests for word in _edits(body))),
        called_screenshot=any(_SCREENSHOT.search(body) for body in bodies),
        marks_readable=name in WALKS,
    )


def _kinds(data: bytes, name: PictureFormat, blocks: list[Block]) -> frozenset[str]:
    """A C2PA manifest is there where a store of them is, whatever a segment or chunk calls itself."""
    kinds = {block.kind for block in blocks} - {"c2pa"}
    return frozenset({*kinds, "c2pa"} if holds_store(data, name) else kinds)


def jpeg_quality(data: bytes) -> int | None:
    """The quality, 1..100, whose luminance table by the IJG's rule comes closest to the file's first one."""
    table = next(
        (found for marker, body in jpeg_segments(data) if marker == _DQT and (found := _first_table(body))), None
    )
    if table is None:
        return None
    differences = np.abs(_ijg_tables() - np.sort(np.array(table))).sum(axis=1)
    return 100 - int(differences[::-1].argmin())  # the better one of two that are as close


def _first_table(body: bytes) -> tuple[int, ...] | None:
    """The values of the table with the number 0 if it comes first in its segment, in the file's zigzag order."""
    wide, number = body[0] >> 4 if body else 0, body[0] & 15 if body else -1
    values = body[1 : 1 + 64 * (1 + min(wide, 1))]
    if number != 0 or len(values) < 64 * (1 + min(wide, 1)):
        return None
    if not wide:
        return tuple(values)
    return tuple(int.from_bytes(values[at : at + 2], "big") for at in range(0, 128, 2))


@cache
def _ijg_tables() -> NDArray[np.int64]:
    """(100, 64): the sorted values of the luminance table at each quality; sorted, they need no zigzag."""
    return np.sort(np.stack([ijg_luminance(quality) for quality in range(1, 101)]), axis=1)


def _is_lossless(data: bytes, name: PictureFormat, tags: dict[int, bytes | int]) -> bool | None:
    if name == "WEBP":
        return None if data[12:16] == b"VP8X" else data[12:16] == b"VP8L"
    if name == "TIFF":
        return tags.get(exif.COMPRESSION) not in {6, 7} if tags else None  # JPEG, old and new
    return {"PNG": True, "BMP": True, "GIF": False, "JPEG": False}.get(name)


def _bit_depth(data: bytes, name: PictureFormat, tags: dict[int, bytes | int]) -> int | None:
    if name == "PNG":
        palette = data[25:26] == b"\3"
        return 8 if palette else data[24] if len(data) > 24 else None  # noqa: PLR2004 - where IHDR keeps it
    if name == "JPEG":
        return next((body[0] for marker, body in jpeg_segments(data) if marker in _SOF and body), None)
    if name == "TIFF":
        bits = tags.get(exif.BITS, 1) if tags else None
        return bits if isinstance(bits, int) else None
    if name in {"AVIF", "HEIC"}:
        at = data.find(b"pixi", 0, 2**16)
        return data[at + 9] if 0 <= at < len(data) - 9 and data[at + 8] else None
    return 8


def _generator(blocks: list[Block], software: str | None) -> str | None:
    names = [software.encode()] if software else []
    names.extend(block.body for block in blocks if block.kind == "c2pa")
    texts = [block.body for block in blocks if block.kind in {"text", "exif"}]
    for table, places in ((GENERATORS, names), (GENERATOR_TEXTS, texts)):
        for who, mark in table:
            if any(mark.search(place) for place in places):
                return who
    return None


def _edits(manifest: bytes) -> list[str]:
    return [word for found in _ACTION.findall(manifest) if (word := found.decode("ascii")) in EDIT_ACTIONS]


def _software(blocks: list[Block], tags: dict[int, bytes | int]) -> str | None:
    if word := exif.text(tags.get(exif.SOFTWARE)):
        return word[:LONGEST_TEXT]
    for block in blocks:
        found = _CREATOR_TOOL.search(block.body) if block.kind == "xmp" else _SOFTWARE_TEXT.search(block.body)
        if found:
            return exif.text(found[1])[:LONGEST_TEXT] or None
    return None


_DQT: Final = 0xDB
_SOF: Final = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
