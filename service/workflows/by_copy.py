"""A matcher by proof: descriptor search, then geometry, as a check does it, among pictures that no store holds.

The picture that could go is laid on the one that could stay, as a query on a reference. What is large, the working
pixels, lies in a file; local features are looked for when two pictures are first laid on one another.
"""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from service.descriptors.hashes import frequencies, hamming
from service.descriptors.insets import insets, with_parts
from service.descriptors.registry import MODELS
from service.domain.direction import SAME_SIZE, direction_by_size
from service.domain.edits import WHOLE
from service.domain.values import Direction, Edit, OperatingPoint, Relation
from service.domain.verdict import FITTED, could_be_copies
from service.workflows.account import account
from service.workflows.columns import Groups
from service.workflows.described import described
from service.workflows.known import handed_in
from service.workflows.study import Subject
from service.workflows.verify import inspect

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from service.domain.values import Assessed, PictureFacts, Region
    from service.workflows.account import Account
    from service.workflows.matchers import Numbers, Picture

EDIT = "one of the two is an edit of the other, and it is not sure that the one that would stay is the source"
_LOSES_NOTHING = frozenset({Edit.CROPPED, Edit.ROTATED, Edit.FLIPPED, Edit.COMPRESSED})
"""Edits that leave nothing to be seen in the edited picture that its source does not show."""
_NEAREST = 12
"""Of so many by descriptor a closer look is taken, as a check does unless told otherwise."""
_HELD = 32
"""Pictures with their local features in memory at once, about two megabytes each."""


class SeenByCopy(NamedTuple):
    """Working pixels (h, w, 3), the hash in all eight poses, and what a check would search by; see `study.Subject`."""

    working: Picture
    posed_phashes: list[bytes]
    vectors: NDArray[np.float16]
    insets: list[Region]


def _seen(picture: Picture) -> SeenByCopy:
    spectrum = frequencies(picture)
    parted = insets(picture)
    vectors = described(with_parts(picture, parted))
    return SeenByCopy(picture, spectrum.posed_phashes(), vectors.astype(np.float16), parted)


class ByCopy:
    """Two pictures that are proved to come from one source, at an operating point."""

    name = "copy"

    def __init__(self, operating_point: str = OperatingPoint.BALANCED) -> None:
        self._least = FITTED.operating_points[OperatingPoint(operating_point)]
        self._least_similarity = MODELS["builtin"].least_similarity
        self._groups = Groups()
        self._pixels = Pile()
        self._assessed: list[Assessed] = []
        self._phashes: list[list[bytes]] = []
        self._vectors: list[NDArray[np.float16]] = []
        self._insets: list[list[Region]] = []
        self._stacked: tuple[NDArray[np.float32], NDArray[np.intp]] | None = None
        self._subjects: OrderedDict[int, Subject] = OrderedDict()
        self._last: tuple[int, int, Account] | None = None

    def know(self, assessed: Assessed) -> None:
        """What is known of the picture that is added next."""
        self._assessed.append(assessed)

    @property
    def sight(self) -> Callable[[Picture], SeenByCopy]:
        """Looks at an upright RGB picture (H, W, 3)."""
        return _seen

    def keep(self, seen: SeenByCopy, group: str = "") -> None:
        """The next picture, as seen."""
        self._groups.add(group)
        self._pixels.add(seen.working)
        self._phashes.append(seen.posed_phashes)
        self._vectors.append(seen.vectors)
        self._insets.append(seen.insets)
        self._stacked = None

    def add(self, picture: Picture, group: str = "") -> None:
        self.keep(self.sight(picture), group)

    def candidates(self, one: int) -> Numbers:
        """Those that a search proposes, either for the sake of the other: the nearest by descriptor, and of whole frames
        all whose hashes could be copies' in any pose.
        """
        near = np.zeros(len(self._phashes), bool)
        beside = self._groups.beside(one, np.ones(len(near), bool))
        for similar in self._similarities(one):
            # The nearest of the whole picture, and those of what may lie in it: neither takes the others' places.
            rest = similar[beside]
            among = beside[np.argpartition(rest, -min(_NEAREST, len(rest)))[-_NEAREST:]] if len(rest) else beside
            near[among] |= similar[among] >= self._least_similarity
        frames = [could_be_copies(FITTED, self._distance(one, other)) for other in range(len(self._phashes))]
        return self._groups.beside(one, near | np.array(frames, bool))

    def agreement(self, one: int, other: int) -> float | None:
        """The probability that the two come from one source, where it reaches the operating point."""
        query, known = self._subject(other), handed_in(self._subject(one))
        similarity = float((query.vectors @ self._vectors[one][0].astype(np.float32)).max())
        found = inspect(query, known, FITTED, by_geometry=similarity >= self._least_similarity)
        if found.says_nothing:
            return None
        told = account(found.frames, found.proof, FITTED)
        self._last = (one, other, told)
        return told.probability if told.probability >= self._least else None

    def doubt(self, one: int, other: int) -> str | None:
        """Why `other` should not go for the sake of `one`, with which it agreed just now."""
        if self._last is None or self._last[:2] != (one, other):
            return None
        told = self._last[2]
        is_edit = told.relation is Relation.EDITED
        return EDIT if is_edit and not self._keeps_all(told, one, other) else None

    def _keeps_all(self, told: Account, one: int, other: int) -> bool:
        """Whether all that an edited picture shows is surely shown by the one it would go for, as well or better.

        Traces alone do not say which of the two was captioned, say; a part and a larger picture are told by measure.
        """
        if not set(told.edits) <= _LOSES_NOTHING:
            return False
        stays, goes = self._assessed[one], self._assessed[other]
        if Edit.CROPPED in told.edits:
            return _is_a_part(told, stays.facts, goes.facts)
        return direction_by_size(goes, stays, told.relation) is Direction.QUERY_FROM_REFERENCE

    def close(self) -> None:
        self._pixels.close()

    def _similarities(self, one: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """(n,) each: how near the two come as wholes, and where a picture in one of them is the other."""
        if self._stacked is None:
            owners = np.repeat(np.arange(len(self._vectors)), [len(rows) for rows in self._vectors])
            self._stacked = np.concatenate(self._vectors).astype(np.float32), owners
        rows, owners = self._stacked
        mine = self._vectors[one].astype(np.float32)
        is_first = np.diff(owners, prepend=-1) > 0
        wholes, parts = rows[is_first], np.full(len(self._vectors), -1.0, np.float32)
        np.maximum.at(parts, owners[~is_first], rows[~is_first] @ mine[0])
        if len(mine) > 1:
            parts = np.maximum(parts, (wholes @ mine[1:].T).max(axis=1))
        return wholes @ mine[0], parts

    def _distance(self, one: int, other: int) -> int:
        return min(hamming(posed, self._phashes[other][0]) for posed in self._phashes[one])

    def _subject(self, number: int) -> Subject:
        if number not in self._subjects:
            working = self._pixels[number]
            self._subjects[number] = Subject(
                assessed=self._assessed[number],
                spectrum=frequencies(working),
                posed_phashes=self._phashes[number],
                vectors=self._vectors[number].astype(np.float32),
                working=working,
                _insets=[self._insets[number]],
            )
            if len(self._subjects) > _HELD:
                self._subjects.popitem(last=False)
        self._subjects.move_to_end(number)
        return self._subjects[number]


def _is_a_part(told: Account, stays: PictureFacts, goes: PictureFacts) -> bool:
    """Whether all of the one lies within the other, which shows it in as many pixels."""
    shown, of, way = told.evidence.query_overlap, told.evidence.reference_overlap, told.evidence.transform
    if shown is None or of is None or way is None or shown < WHOLE or shown <= of:
        return False
    (a, b, _), (c, d, _), _ = way  # query shares to reference shares
    return abs(a * d - b * c) * stays.megapixels >= (1 - SAME_SIZE) * goes.megapixels


class Pile:
    """Pictures of any shape in a temporary file without a name."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the pile is
        self._places: list[tuple[int, tuple[int, ...]]] = []

    def add(self, picture: Picture) -> None:
        self._places.append((self._file.seek(0, 2), picture.shape))
        self._file.write(picture.tobytes())

    def __getitem__(self, number: int) -> Picture:
        start, shape = self._places[number]
        self._file.seek(start)
        return np.frombuffer(self._file.read(int(np.prod(shape))), np.uint8).reshape(shape)

    def close(self) -> None:
        self._file.close()
