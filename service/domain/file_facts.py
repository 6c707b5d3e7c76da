"""What a picture's file says of itself beside its pixels. All of it is claimed, and none of it proved."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Read from the container without decoding. None means that the file, or the format, does not say."""

    jpeg_quality: int | None = None
    """1..100 on the scale of the Independent JPEG Group, of whose luminance tables the file's comes closest to."""
    lossless: bool | None = None
    """Whether the format, as used here, keeps every level that it was handed."""
    bit_depth: int | None = None
    """Bits a channel."""
    metadata: frozenset[str] = frozenset()
    """Of `exif`, `xmp`, `icc`, `iptc`, `c2pa`, `text`: the kinds that the file carries."""
    camera: str | None = None
    """Make and model, by EXIF."""
    software: str | None = None
    """What wrote the file last, by EXIF, XMP or PNG's text."""
    source_type: str | None = None
    """IPTC's digital source type, its last word, e.g. `trainedAlgorithmicMedia`; from XMP or a C2PA manifest."""
    generator: str | None = None
    """What generated the picture, by the marks that generators leave; such as `Stable Diffusion`."""
    edits: tuple[str, ...] = ()
    """Edits that a C2PA manifest tells of, e.g. `cropped`."""
    called_screenshot: bool = False
    """Whether a mark calls the picture a screenshot."""
    marks_readable: bool = False
    """Whether marks are looked for in this format at all: JPEG, PNG and WebP."""
