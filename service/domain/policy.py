"""What is held to make one copy better than another, as data: weights, ranks, and what may go without a person's look.

A policy is a value. It never changes once it has a name; another opinion is another policy with another name, and every
recommendation says by which it was made.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from service.domain.values import Relation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.domain.values import PictureFormat


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each thing counts, 0..1: what a full lead in it adds. docs/explanation/keeper.md says what is full."""

    detail: float = 0.5
    shows_more: float = 0.3
    compression: float = 0.8
    saved_before: float = 0.3
    tones: float = 0.3
    sharpness: float = 0.5
    noise: float = 0.6
    exposure: float = 0.05
    frame: float = 0.4
    overlay: float = 0.3
    screenshot: float = 0.4
    generated: float = 0.3
    camera: float = 0.15
    format: float = 0.01
    bytes: float = 0.01
    centre: float = 0.1


@dataclass(frozen=True, slots=True)
class Protected:
    """Pictures that are never recommended to go, whatever their copies are like."""

    folders: tuple[str, ...] = ()
    """Of files, or of external ids that are written like paths; whatever lies below is meant, too."""
    sources: tuple[str, ...] = ()
    """As the field `source` of an image's metadata names them."""

    def hold(self, name: str | None, metadata: Mapping[str, Any]) -> bool:
        """Whether a picture of that name, handed in with this metadata, is protected."""
        if metadata.get("source") in self.sources:
            return True
        return name is not None and any(_lies_in(name, folder) for folder in self.folders)


def _lies_in(name: str, folder: str) -> bool:
    """However either is spelled: what is protected must not go for a stroke, a dot, a capital or an accent."""
    return _plain(name).startswith(_plain(folder) + "/")


def _plain(path: str) -> str:
    """Folding may take composed letters apart again, and `normpath` leaves two leading strokes as they are."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
    return re.sub("^/+", "/", posixpath.normpath(folded.replace("\\", "/"))).rstrip("/")


@dataclass(frozen=True, slots=True)
class Policy:
    """A keeper's opinion, by name."""

    name: str = "keeper-2"
    weights: Weights = field(default_factory=Weights)
    formats: tuple[PictureFormat, ...] = ("PNG", "TIFF", "BMP", "HEIC", "AVIF", "WEBP", "JPEG", "GIF")
    """Best first. Counts where all else is nearly equal; a format that is not named comes last."""
    without_review: frozenset[Relation] = frozenset({Relation.IDENTICAL, Relation.SAME_PIXELS, Relation.REENCODED})
    """The relations to its keeper in which a picture may go without a person's look."""
    clear_lead: float = 0.03
    """The least lead, all told, with which one may stay for another's sake where they differ at all."""
    protected: Protected = field(default_factory=Protected)


DEFAULT = Policy()
