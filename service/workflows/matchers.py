"""Criteria that form removal sets inside one person or one folder. The caller chooses one; none of them is a verdict.

A matcher is handed pictures one after the other and numbers them. `candidates` names those that a picture could agree
with, by a bound that loses none, so that nobody compares everything with everything; `agreement` then looks closely.
What is large (a grey square of each picture, a frame) lies in a file that the system may keep on disk, not in memory.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Protocol

import numpy as np

from service.compare import appearance, scene
from service.compare.appearance import COLOUR_WEIGHT, HASH_WEIGHT, STRUCTURE_WEIGHT
from service.descriptors.hashes import HASH_BITS, frequencies

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Numbers = NDArray[np.intp]

APPEARANCE_THRESHOLD = 0.90
HASH_MAX_DISTANCE = 31
"""Bits of 256."""
_SQUARE = (appearance.STRUCTURE_SIDE, appearance.STRUCTURE_SIDE)
_WORDS = HASH_BITS // 64


class Matcher(Protocol):
    """Whether two pictures show the same, by one criterion."""

    name: str

    def add(self, picture: Picture, group: str = "") -> None:
        """The next picture, upright RGB (H, W, 3); pictures of two groups, such as two cameras, never agree."""
        ...

    def candidates(self, one: int) -> Numbers:
        """Numbers of all other pictures that could agree with this one, and perhaps of some that do not."""
        ...

    def agreement(self, one: int, other: int) -> float | None:
        """How well they agree, in the criterion's own unit; None where they do not."""
        ...

    def close(self) -> None:
        """Give back what lies on disk."""
        ...


def pairs(matcher: Matcher, count: int) -> Iterator[tuple[int, int, float]]:
    """Every pair that agrees, the lower number first."""
    for one in range(count):
        for other in matcher.candidates(one).tolist():
            if other > one and (agreement := matcher.agreement(one, other)) is not None:
                yield one, other, agreement


class ByAppearance:
    """`compare.appearance` at or above a threshold.

    Structure and colour give 0.60 at most, so a threshold above that asks for a hash of a certain likeness: a bound on
    the bits that differ, which loses nothing. A second bound is the sum with a perfect structure, which needs no pixels.
    """

    name = "appearance"

    def __init__(self, threshold: float = APPEARANCE_THRESHOLD) -> None:
        self._threshold = threshold
        self._most_differing = most_differing(threshold)
        self._groups = Groups()
        self._codes = Codes()
        self._histograms: list[NDArray[np.float32]] = []
        self._greys = Shelf(_SQUARE)

    def add(self, picture: Picture, group: str = "") -> None:
        seen = appearance.look(picture)
        self._groups.add(group)
        self._codes.add(np.packbits(seen.bits).tobytes())
        self._histograms.append(seen.histograms)
        self._greys.add(seen.grey.astype(np.uint8))

    def candidates(self, one: int) -> Numbers:
        return self._groups.beside(one, self._codes.distances(one) <= self._most_differing)

    def agreement(self, one: int, other: int) -> float | None:
        alike = appearance.hash_term(self._codes.distance(one, other) / HASH_BITS)
        without = HASH_WEIGHT * alike
        without += COLOUR_WEIGHT * appearance.colour_term(self._histograms[one], self._histograms[other])
        if without + STRUCTURE_WEIGHT < self._threshold:
            return None
        left, right = (self._greys[number].astype(np.float32) for number in (one, other))
        combined = without + STRUCTURE_WEIGHT * appearance.structure_term(left, right)
        return combined if combined >= self._threshold else None

    def close(self) -> None:
        self._greys.close()


def most_differing(threshold: float) -> int:
    """Bits of the difference hash that may differ where appearance can still reach the threshold."""
    least_alike = (threshold - STRUCTURE_WEIGHT - COLOUR_WEIGHT) / HASH_WEIGHT
    if least_alike <= 0:
        return HASH_BITS
    # A hair more than the bound: rounding must not lose a pair that lies on it.
    return int(min(appearance.MOST_DIFFERING_SHARE, 1 - least_alike) * HASH_BITS + 1e-6)


class ByHash:
    """The perceptual hash alone, upright: at most so many of its 256 bits differ."""

    name = "hash"

    def __init__(self, max_distance: int = HASH_MAX_DISTANCE) -> None:
        self._max_distance = max_distance
        self._groups = Groups()
        self._codes = Codes()
        self._detailed = Column()

    def add(self, picture: Picture, group: str = "") -> None:
        spectrum = frequencies(picture)
        self._groups.add(group)
        self._codes.add(spectrum.phash())
        self._detailed.add(not spectrum.too_little_detail)

    def candidates(self, one: int) -> Numbers:
        """Exactly those that agree. The hash of a picture without detail is made of noise, and agrees with none."""
        detailed = self._detailed.array == 1
        if not detailed[one]:
            return np.empty(0, np.intp)
        return self._groups.beside(one, (self._codes.distances(one) <= self._max_distance) & detailed)

    def agreement(self, one: int, other: int) -> float | None:
        if not self._detailed.array[[one, other]].all():
            return None
        distance = self._codes.distance(one, other)
        return float(distance) if distance <= self._max_distance else None

    def close(self) -> None:
        """Nothing lies on disk."""


class BySceneChange:
    """Frames of one fixed camera between which less than so many pixels changed; see `compare.scene`."""

    name = "scene_change"

    def __init__(
        self,
        working_width: int = scene.WORKING_WIDTH,
        min_contour_area: float = scene.MIN_CONTOUR_AREA,
        max_change: float = scene.MAX_CHANGE,
    ) -> None:
        self._working_width, self._min_contour_area, self._max_change = working_width, min_contour_area, max_change
        self._groups = Groups()
        self._frames: list[tuple[Shelf, int]] = []
        self._shelves: dict[tuple[int, ...], Shelf] = {}

    def add(self, picture: Picture, group: str = "") -> None:
        frame = scene.frame(picture, self._working_width)
        if frame.shape not in self._shelves:
            self._shelves[frame.shape] = Shelf(frame.shape)
        shelf = self._shelves[frame.shape]
        self._groups.add((group, frame.shape))
        self._frames.append((shelf, len(shelf)))
        shelf.add(frame)

    def candidates(self, one: int) -> Numbers:
        """All of the same camera and shape: nothing short of looking bounds what changed."""
        return self._groups.beside(one)

    def agreement(self, one: int, other: int) -> float | None:
        left, right = (shelf[place] for shelf, place in (self._frames[one], self._frames[other]))
        changed = scene.change(left, right, self._min_contour_area)
        return changed if changed < self._max_change else None

    def close(self) -> None:
        for shelf in self._shelves.values():
            shelf.close()


class Groups:
    """The group of each picture, as numbers."""

    def __init__(self) -> None:
        self._names: dict[Hashable, int] = {}
        self._of = Column()

    def add(self, group: Hashable) -> None:
        self._of.add(self._names.setdefault(group, len(self._names)))

    def beside(self, one: int, among: NDArray[np.bool_] | None = None) -> Numbers:
        """Those that share the group of picture `one`, without itself; or those of them `among` others."""
        of = self._of.array
        there = of == of[one]
        if among is not None:
            there &= among
        there[one] = False
        return np.flatnonzero(there)


class Column:
    """A number of each picture, which are asked for together once all are there."""

    def __init__(self) -> None:
        self._values: list[int] = []
        self._array = np.empty(0, np.int64)

    def add(self, value: int) -> None:
        self._values.append(value)

    @property
    def array(self) -> NDArray[np.int64]:
        """(n,), made once however often it is asked for."""
        if len(self._array) < len(self._values):
            self._array = np.array(self._values, np.int64)
        return self._array


class Codes:
    """256 bits of each picture, and in how many of them they differ."""

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._words = np.empty((0, _WORDS), np.uint64)

    def add(self, code: bytes) -> None:
        self._rows.append(code)

    def distances(self, one: int) -> NDArray[np.int64]:
        """(n,): from this picture to each."""
        if len(self._words) < len(self._rows):
            self._words = np.frombuffer(b"".join(self._rows), np.uint64).reshape(-1, _WORDS)
        distances: NDArray[np.int64] = np.bitwise_count(self._words ^ self._words[one]).sum(axis=1, dtype=np.int64)
        return distances

    def distance(self, one: int, other: int) -> int:
        return (int.from_bytes(self._rows[one], "big") ^ int.from_bytes(self._rows[other], "big")).bit_count()


class Shelf:
    """Pictures of one shape in a temporary file without a name."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._shape, self._length = shape, int(np.prod(shape))
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the shelf is
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, picture: Picture) -> None:
        self._file.seek(0, 2)
        self._file.write(picture.tobytes())
        self._count += 1

    def __getitem__(self, number: int) -> Picture:
        self._file.seek(number * self._length)
        return np.frombuffer(self._file.read(self._length), np.uint8).reshape(self._shape)

    def close(self) -> None:
        self._file.close()


MATCHERS: dict[str, tuple[Callable[..., Matcher], tuple[str, ...]]] = {
    "appearance": (ByAppearance, ("threshold",)),
    "scene_change": (BySceneChange, ("working_width", "min_contour_area", "max_change")),
    "hash": (ByHash, ("max_distance",)),
}
"""Each with its own parameters."""
