"""What a picture's file says of itself beside its pixels. All of it is claimed, and none of it proved."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

EDIT_ACTIONS: Final = frozenset(
    {
        *("addedText", "adjustedColor", "color_adjustments", "cropped", "drawing", "edited", "enhanced", "filtered"),
        *("orientation", "placed", "removed", "resized", "resized.proportional", "watermarked"),
    }
)
"""Actions of C2PA 2.x, without their `c2pa.`, that change what a picture shows."""


class Holds(StrEnum):
    """What came of verifying a C2PA manifest."""

    TRUSTED = "trusted"
    """It fits the file, its signature is valid, and the signer's certificate leads to one that is trusted here."""
    VALID = "valid"
    """It fits the file and its signature is valid; nobody vouches for the signer."""
    INVALID = "invalid"
    """The file was changed after it was signed, or the manifest was."""
    UNVERIFIED = "unverified"
    """It was not verified, or could not be."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a C2PA manifest claims, and whether it holds. What it claims is empty where it was not verified."""

    holds: Holds
    why: str | None = None
    """Why it does not hold, or was not verified, in words."""
    signer: str | None = None
    program: str | None = None
    """What made the claim."""
    actions: tuple[str, ...] = ()
    """What was done to the picture, without `c2pa.`, as `opened` or `cropped`."""
    source_types: tuple[str, ...] = ()
    """The digital source types that actions declare, their last words."""
    earlier_actions: tuple[str, ...] = ()
    """What the manifests of what it was made from tell of. `holds` says nothing of them, nor of their signers."""
    earlier_source_types: tuple[str, ...] = ()


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
    """Edits that a C2PA manifest tells of, e.g. `cropped`, as far as its plain bytes show them."""
    manifest: Manifest | None = None
    """The C2PA manifest, once somebody tried to verify it."""
    called_screenshot: bool = False
    """Whether a mark calls the picture a screenshot."""
    marks_readable: bool = False
    """Whether marks are looked for in this format at all: JPEG, PNG and WebP."""

    @property
    def has_manifest(self) -> bool:
        """Whether it carries a C2PA manifest, whatever that is worth."""
        return "c2pa" in self.metadata
