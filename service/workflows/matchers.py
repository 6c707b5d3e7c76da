"""Criteria that form removal sets inside one person or one folder. The caller chooses one; none of them is a verdict.

A matcher is handed pictures one after the other and numbers them. `candidates` names those that a picture could agree
with, by a bound that loses none, so that nobody compares everything with everything; `agreement` then looks closely.
What is large (a grey square of each picture, a frame) lies in a file that the system may keep on disk, not in memory.
A picture is first reduced to what its matcher needs of it, which may be done where the picture was decoded: in another
process, that then sends a small part of it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from service.compare import appearance, scene
from service.compare.appearance import COLOUR_WEIGHT, HASH_WEIGHT, STRUCTURE_WEIGHT
from service.compare.covers import spots_apart
from service.descriptors.hashes import HASH_BITS, frequencies
from service.domain.edits import is_tinted, stands_out
from service.workflows.columns import Codes, Detailed, Groups, Shelf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from service.domain.values import Assessed

    Picture = NDArray[np.uint8]
    Numbers = NDArray[np.intp]
    Sight = Callable[[Picture], Any]

APPEARANCE_THRESHOLD = 0.90
HASH_MAX_DISTANCE = 31
"""Bits of 256."""
_SQUARE = (appearance.STRUCTURE_SIDE, appearance.STRUCTURE_SIDE)


class Matcher(Protocol):
    """Whether two pictures show the same, by one criterion."""

    name: str

    @property
    def sight(self) -> Sight:
        """Reduces an upright RGB picture (H, W, 3) to what is needed of it. Can be pickled, and so can what it makes."""
        ...

    def keep(self, seen: Any, group: str = "") -> None:
        """The next picture, as reduced; pictures of two groups, such as two cameras, never agree."""
        ...

    def add(self, picture: Picture, group: str = "") -> None:
        """Reduce a picture and keep what is needed of it."""
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


NOTED, NOTED_BY_FAR = 20.0, 6.0
"""Grey levels by which a spot of the square must differ, and times as much as nineteen in twenty do, for something to lie
there in one of the two. Of 1,100 copies of 60 photographs (fitting half) saved, scaled, softened, brightened or tinted three
have as much; with a note of 12 pixels' height or a patch made coarse nine in ten."""
ELSEWHERE = 0.04
"""Share of the spots from which on they are too much unlike: next to no save, scaling or grain leaves as much, and 58 of 61
neighbours in a row of photographs do."""
LAID_ON = "something lies on one of the two that the other does not show"
LIGHT = "one of the two was made lighter, darker or of another contrast"
UNLIKE = "the two differ in many places: they may be two shots of one scene"


class Squares:
    """A grey square of each picture, to see where two that agree differ. What is small changes no hash and no mean."""

    def __init__(self) -> None:
        self._greys = Shelf(_SQUARE)

    def know(self, assessed: Assessed) -> None:
        """Nothing but its pixels is needed of the picture that is added next."""

    def doubt(self, one: int, other: int) -> str | None:
        """Why `other` should not go for the sake of `one`, with which it agrees."""
        apart = spots_apart(self._greys[one], self._greys[other])
        if apart.covered > ELSEWHERE:
            return UNLIKE
        if stands_out(apart.worst, apart.usual, NOTED, NOTED_BY_FAR):
            return LAID_ON
        return LIGHT if is_tinted(apart.tone_distance, apart.tone_residual) else None

    def close(self) -> None:
        """Give back what lies on disk."""
        self._greys.close()


class SeenByAppearance(NamedTuple):
    """What is needed of a picture: 32 bytes of difference hash, (3, 64) histograms, (256, 256) grey levels."""

    code: bytes
    histograms: NDArray[np.float32]
    grey: Picture


def _seen_by_appearance(picture: Picture) -> SeenByAppearance:
    seen = appearance.look(picture)
    return SeenByAppearance(np.packbits(seen.bits).tobytes(), seen.histograms, seen.grey.astype(np.uint8))


class ByAppearance(Squares):
    """`compare.appearance` at or above a threshold.

    Structure and colour give 0.60 at most, so a threshold above that asks for a hash of a certain likeness: a bound on
    the bits that differ, which loses nothing. A second bound is the sum with a perfect structure, which needs no pixels.
    """

    name = "appearance"

    def __init__(self, threshold: float = APPEARANCE_THRESHOLD) -> None:
        super().__init__()
        self._threshold = threshold
        self._most_differing = most_differing(threshold)
        self._groups = Groups()
        self._codes = Codes()
        self._histograms: list[NDArray[np.float32]] = []

    @property
    def sight(self) -> Sight:
        return _seen_by_appearance

    def keep(self, seen: SeenByAppearance, group: str = "") -> None:
        self._groups.add(group)
        self._codes.add(seen.code)
        self._histograms.append(seen.histograms)
        self._greys.add(seen.grey)

    def add(self, picture: Picture, group: str = "") -> None:
        self.keep(self.sight(picture), group)

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


def most_differing(threshold: float) -> int:
    """Bits of the difference hash that may differ where appearance can still reach the threshold."""
    least_alike = (threshold - STRUCTURE_WEIGHT - COLOUR_WEIGHT) / HASH_WEIGHT
    if least_alike <= 0:
        return HASH_BITS
    # A hair more than the bound: rounding must not lose a pair that lies on it.
    return int(min(appearance.MOST_DIFFERING_SHARE, 1 - least_alike) * HASH_BITS + 1e-6)


class SeenByHash(NamedTuple):
    """The hash, whether there is enough in the picture for it to mean anything, and (256, 256) grey levels."""

    code: bytes
    has_detail: bool
    grey: Picture


def _seen_by_hash(picture: Picture) -> SeenByHash:
    spectrum = frequencies(picture)
    return SeenByHash(spectrum.phash(), not spectrum.too_little_detail, appearance.grey_square(picture))


class ByHash(Squares):
    """The perceptual hash alone, upright: at most so many of its 256 bits differ."""

    name = "hash"

    def __init__(self, max_distance: int = HASH_MAX_DISTANCE) -> None:
        super().__init__()
        self._max_distance = max_distance
        self._pictures = Detailed()
        self._codes = Codes()

    @property
    def sight(self) -> Sight:
        return _seen_by_hash

    def keep(self, seen: SeenByHash, group: str = "") -> None:
        self._pictures.add(group, has_detail=seen.has_detail)
        self._codes.add(seen.code)
        self._greys.add(seen.grey)

    def add(self, picture: Picture, group: str = "") -> None:
        self.keep(self.sight(picture), group)

    def candidates(self, one: int) -> Numbers:
        """Exactly those that agree. The hash of a picture without detail is made of noise, and agrees with none."""
        return self._pictures.beside(one, self._codes.distances(one) <= self._max_distance)

    def agreement(self, one: int, other: int) -> float | None:
        if not self._pictures.all(one, other):
            return None
        distance = self._codes.distance(one, other)
        return float(distance) if distance <= self._max_distance else None


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

    @property
    def sight(self) -> Sight:
        return partial(scene.frame, working_width=self._working_width)

    def keep(self, seen: Picture, group: str = "") -> None:
        if seen.shape not in self._shelves:
            self._shelves[seen.shape] = Shelf(seen.shape)
        shelf = self._shelves[seen.shape]
        self._groups.add((group, seen.shape))
        self._frames.append((shelf, len(shelf)))
        shelf.add(seen)

    def add(self, picture: Picture, group: str = "") -> None:
        self.keep(self.sight(picture), group)

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


MATCHERS: dict[str, tuple[Callable[..., Matcher], tuple[str, ...]]] = {
    "appearance": (ByAppearance, ("threshold",)),
    "scene_change": (BySceneChange, ("working_width", "min_contour_area", "max_change")),
    "hash": (ByHash, ("max_distance",)),
}
"""Each with its own parameters."""
