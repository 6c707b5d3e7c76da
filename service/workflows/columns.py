"""What is known of many pictures, kept so that all of them are asked at once: groups, numbers, hashes, small pictures."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import numpy as np

from service.descriptors.hashes import HASH_BITS

if TYPE_CHECKING:
    from collections.abc import Hashable

    from numpy.typing import NDArray

    Picture = NDArray[np.uint8]
    Numbers = NDArray[np.intp]

_WORDS = HASH_BITS // 64


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


class Detailed:
    """Groups of pictures of which some have too little detail: what is made of those is noise, and agrees with none."""

    def __init__(self) -> None:
        self._groups = Groups()
        self._has_detail = Column()

    def add(self, group: Hashable, *, has_detail: bool) -> None:
        self._groups.add(group)
        self._has_detail.add(has_detail)

    def all(self, *numbers: int) -> bool:
        """Whether all of these have detail."""
        return bool(self._has_detail.array[list(numbers)].all())

    def beside(self, one: int, among: NDArray[np.bool_]) -> Numbers:
        """Those of picture `one`'s group among others that have detail; none if it has not."""
        return self._groups.beside(one, among & (self._has_detail.array == 1) & self.all(one))


class Codes:
    """256 bits of each picture, and in how many of them they differ."""

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._words = np.empty((_WORDS, 0), np.uint64)
        """(words, n): numpy adds up long rows much sooner than many short ones."""

    def add(self, code: bytes) -> None:
        self._rows.append(code)

    def distances(self, one: int) -> NDArray[np.uint16]:
        """(n,): from this picture to each."""
        if self._words.shape[1] < len(self._rows):
            self._words = np.frombuffer(b"".join(self._rows), np.uint64).reshape(-1, _WORDS).T.copy()
        distances = np.zeros(len(self._rows), np.uint16)
        for words in self._words:
            distances += np.bitwise_count(words ^ words[one])
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
