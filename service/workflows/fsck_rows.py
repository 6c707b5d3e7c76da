"""What `fsck` keeps of the rows while it goes through them: little, for it keeps it of every picture.

Contents and images are numbered as they come, and what is known of each lies in arrays by that number, its *place*. A
name that other rows or the log speak of gets a place too: that it has no row of its own is one more thing known of it.
Measured with 100,000 of one content, one image and one vector each: 550 bytes a picture for all of `fsck --deep`.
"""

from __future__ import annotations

import sys
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from index_store.entries import is_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from index_store.inspection import ContentRow, ImageRow
    from index_store.records import Space

HAS_ROW, TOLD = 1, 2
"""Of contents and images: there is a row, the log tells of it."""
LITTLE_DETAIL, NAMED, KEPT, DESCRIBED = 4, 8, 16, 32
"""Of contents: an image names it, one that is not purged does, a good vector describes it."""
NOWHERE = -1
_ODD = bytes(33)
_NAMED_AT_MOST = 3


class Numbers:
    """Some numbers for each place, nearly always none or one."""

    _NONE = -(2**63)

    def __init__(self) -> None:
        self._first = array("q")
        self._more: dict[int, list[int]] = {}

    def at(self, place: int) -> list[int]:
        first = self._first[place] if place < len(self._first) else self._NONE
        return [] if first == self._NONE else [first, *self._more.get(place, ())]

    def add(self, place: int, number: int) -> None:
        self._first.extend([self._NONE] * (place + 1 - len(self._first)))
        if self._first[place] == self._NONE:
            self._first[place] = number
        else:
            self._more.setdefault(place, []).append(number)

    def forget(self, place: int) -> None:
        if place < len(self._first):
            self._first[place] = self._NONE
            self._more.pop(place, None)


@dataclass(slots=True)
class Contents:
    """By place: size, marks, and how many images are active as the log tells it."""

    places: dict[bytes, int] = field(default_factory=dict)
    keys: list[bytes] = field(default_factory=list)
    sizes: array[int] = field(default_factory=lambda: array("q"))
    marks: bytearray = field(default_factory=bytearray)
    active: array[int] = field(default_factory=lambda: array("q"))

    def place(self, name: str) -> int:
        """Its place, a new one if it has none."""
        key = _key(name)
        place = self.places.setdefault(key, len(self.keys))
        if place == len(self.keys):
            self.keys.append(key)
            self.sizes.append(0)
            self.marks.append(0)
            self.active.append(0)
        return place

    def name(self, place: int) -> str:
        return _name(self.keys[place])

    def keep(self, row: ContentRow) -> None:
        place = self.place(row.sha256)
        self.sizes[place] = row.bytes
        self.marks[place] |= HAS_ROW | (LITTLE_DETAIL if row.too_little_detail else 0)

    def needs(self, name: str) -> bool:
        """Whether there is a row of this content, and an image that is not purged may name it."""
        place = self.places.get(_key(name))
        return place is not None and bool(self.marks[place] & HAS_ROW) and self._is_kept(place)

    def with_row(self) -> Iterator[int]:
        return (place for place, marks in enumerate(self.marks) if marks & HAS_ROW)

    def wanted(self) -> Iterator[int]:
        """Those whose originals must be there: of all but the purged, and but a name that has changed to none."""
        return (place for place in self.with_row() if self._is_kept(place) and not self.keys[place].startswith(_ODD))

    def _is_kept(self, place: int) -> bool:
        """Of those that images name, all but those whose images are all purged."""
        return self.marks[place] & (NAMED | KEPT) != NAMED


@dataclass(slots=True)
class Images:
    """By place: state and sequence of the row, the content it names, and the one the log says it is active in."""

    places: dict[str, int] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)
    sequences: array[int] = field(default_factory=lambda: array("q"))
    marks: bytearray = field(default_factory=bytearray)
    contents: array[int] = field(default_factory=lambda: array("q"))
    active_in: array[int] = field(default_factory=lambda: array("q"))

    def place(self, name: str) -> int:
        """Its place, a new one if it has none."""
        place = self.places.setdefault(name, len(self.states))
        if place == len(self.states):
            self.states.append("")
            self.sequences.append(0)
            self.marks.append(0)
            self.contents.append(NOWHERE)
            self.active_in.append(NOWHERE)
        return place

    def keep(self, row: ImageRow, content: int) -> None:
        place = self.place(row.image_id)
        self.states[place] = sys.intern(row.state)
        self.sequences[place] = row.sequence
        self.marks[place] |= HAS_ROW
        self.contents[place] = content

    def with_row(self) -> Iterator[tuple[str, int]]:
        return ((name, place) for name, place in self.places.items() if self.marks[place] & HAS_ROW)

    def named(self, contents: Collection[int]) -> dict[int, str]:
        """The images of each of those contents, for people: a few of them."""
        found: dict[int, list[str]] = {content: [] for content in contents}
        for name, place in self.with_row() if found else ():
            if self.contents[place] in found:
                found[self.contents[place]].append(name)
        return {content: _told(names) for content, names in found.items()}


@dataclass(slots=True)
class Further:
    """What there is of a further space, by the place of its content."""

    described: Numbers = field(default_factory=Numbers)
    """How many vectors the log says it has."""
    vectors: Numbers = field(default_factory=Numbers)
    """Their ids."""

    def said(self, place: int) -> int:
        """How many vectors there should be; 0 of what is not described."""
        return next(iter(self.described.at(place)), 0)


@dataclass(slots=True)
class Rows:
    """All rows, without their documents."""

    space: Space | None
    """The space of the model in use; None while nothing was described by it."""
    contents: Contents = field(default_factory=Contents)
    images: Images = field(default_factory=Images)
    vectors: Numbers = field(default_factory=Numbers)
    """Ids of the vectors in the space, by the place of their content."""
    further: dict[int, Further] = field(default_factory=dict)
    """By space id, of all but the spaces of copy detection."""
    head: int = 0
    """The last change that was read."""
    log_end: int = 0
    """The log's head after all images were read."""
    checked: dict[str, int] = field(default_factory=dict)


def _told(names: list[str]) -> str:
    more = " …" if len(names) > _NAMED_AT_MOST else ""
    return f"images {', '.join(names[:_NAMED_AT_MOST])}{more}" if names else "no image"


def _key(name: str) -> bytes:
    """The 32 bytes of a hash. A name that changed to something else keeps its letters, behind what makes it longer."""
    return bytes.fromhex(name) if is_hash(name) else _ODD + name.encode("utf-8", "surrogateescape")


def _name(key: bytes) -> str:
    return key.removeprefix(_ODD).decode("utf-8", "surrogateescape") if key.startswith(_ODD) else key.hex()
