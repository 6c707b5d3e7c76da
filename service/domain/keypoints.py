"""Local features of a picture: where its most telling spots lie, how large and how turned they are, and what they show.

Places and sizes are in units of the picture's longer side, so a turned picture keeps its shape. Packed for keeping, a
feature takes 54 bytes: two for each coordinate, one each for size and angle, and 48 for its code.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CODE_LENGTH = 48
CODE_SCALE = 200.0
"""A code is a unit vector times this, rounded: its numbers seldom pass 0.6, so little is cut off."""
MOST_KEPT = 200
"""Features of a reference that are remembered: about 10 KB."""

_MAGIC = b"KP1"
_HEADER = struct.Struct("<3sxHHH")
"""Magic, count, and the extents as 1/65535 of the longer side."""
_CHECKSUM = struct.Struct("<I")
_GRAIN = 65535
_OCTAVES_BELOW, _STEPS = 12, 16
"""Sizes are kept in sixteenths of an octave, from 2^-12 of the longer side."""
_TURN = 256 / (2 * np.pi)


@dataclass(frozen=True, slots=True, eq=False)
class Keypoints:
    """Of one picture, most telling first. `width` and `height` are its extents: one of them is 1."""

    places: NDArray[np.float32]
    """(n, 2): x and y of the centres."""
    sizes: NDArray[np.float32]
    """(n,): diameters."""
    angles: NDArray[np.float32]
    """(n,): radians, clockwise on the screen."""
    codes: NDArray[np.int8]
    """(n, 48): unit vectors times `CODE_SCALE`, rounded."""
    width: float
    height: float

    def __len__(self) -> int:
        return len(self.sizes)

    def first(self, most: int) -> Keypoints:
        """The most telling ones."""
        return Keypoints(
            self.places[:most], self.sizes[:most], self.angles[:most], self.codes[:most], self.width, self.height
        )

    def joined(self, other: Keypoints) -> Keypoints:
        """With those of another look at the same picture behind them."""
        return Keypoints(
            np.concatenate([self.places, other.places]),
            np.concatenate([self.sizes, other.sizes]),
            np.concatenate([self.angles, other.angles]),
            np.concatenate([self.codes, other.codes]),
            self.width,
            self.height,
        )

    def as_kept(self) -> Keypoints:
        """As they come back once they were packed."""
        kept = unpack(self.pack())
        if kept is None:
            raise AssertionError
        return kept

    def pack(self) -> bytes:
        """As bytes, with a checksum."""
        header = _HEADER.pack(_MAGIC, len(self), round(self.width * _GRAIN), round(self.height * _GRAIN))
        size = np.round((np.log2(np.maximum(self.sizes, 2.0**-_OCTAVES_BELOW)) + _OCTAVES_BELOW) * _STEPS)
        body = b"".join(
            (
                header,
                np.round(self.places.clip(0, 1) * _GRAIN).astype("<u2").tobytes(),
                size.clip(0, 255).astype(np.uint8).tobytes(),
                (np.round(self.angles * _TURN).astype(np.int64) % 256).astype(np.uint8).tobytes(),
                self.codes.tobytes(),
            )
        )
        return body + _CHECKSUM.pack(zlib.crc32(body))


def unpack(data: bytes) -> Keypoints | None:
    """What `pack` wrote; None if it is anything else, torn by a power cut say: make them again."""
    if len(data) < _HEADER.size + _CHECKSUM.size:
        return None
    magic, count, width, height = _HEADER.unpack_from(data)
    body = memoryview(data)[: -_CHECKSUM.size]
    expected = _HEADER.size + count * (4 + 1 + 1 + CODE_LENGTH)
    if magic != _MAGIC or len(body) != expected or _CHECKSUM.unpack(data[-_CHECKSUM.size :])[0] != zlib.crc32(body):
        return None
    places, sizes, angles = _HEADER.size, _HEADER.size + 4 * count, _HEADER.size + 5 * count
    return Keypoints(
        places=np.frombuffer(data, "<u2", 2 * count, places).reshape(count, 2).astype(np.float32) / np.float32(_GRAIN),
        sizes=np.exp2(np.frombuffer(data, np.uint8, count, sizes).astype(np.float32) / _STEPS - _OCTAVES_BELOW),
        angles=np.frombuffer(data, np.uint8, count, angles).astype(np.float32) / np.float32(_TURN),
        codes=np.frombuffer(data, np.int8, CODE_LENGTH * count, angles + count).reshape(count, CODE_LENGTH),
        width=width / _GRAIN,
        height=height / _GRAIN,
    )
