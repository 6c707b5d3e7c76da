"""How well a descriptor alone proposes the right reference, whichever descriptor it is.

A descriptor is a name and a function from pictures to unit rows. A query may have several rows (its mirror image, its
crops); a gallery picture's score is the best of them. Everything is compared with everything: what is measured is the
descriptor, not an index.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.accuracy.collection import pixels
from service.descriptors.hashes import frequencies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from benchmarks.accuracy.collection import Collection

    Pixels = NDArray[np.uint8]
    Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Descriptor:
    """`describe` takes n pictures (H, W, 3) RGB to (n, d); `views` makes of a query the pictures it is asked as."""

    name: str
    describe: Callable[[Sequence[Pixels]], Vectors]
    views: Callable[[Pixels], Sequence[Pixels]] = lambda picture: [picture]


@dataclass(frozen=True, slots=True)
class Scores:
    """(queries, gallery), higher is closer, in the collection's order; with the processor's milliseconds for one picture."""

    values: NDArray[np.float32]
    gallery_cpu_ms: float
    query_cpu_ms: float


def mirrored(picture: Pixels) -> list[Pixels]:
    """As it is, and its mirror image."""
    return [picture, np.ascontiguousarray(picture[:, ::-1])]


def posed(picture: Pixels) -> list[Pixels]:
    """In all eight poses of a rectangle: turned by right angles and mirrored."""
    turned = [np.rot90(picture, turns) for turns in range(4)]
    return [np.ascontiguousarray(one) for pose in turned for one in (pose, pose[:, ::-1])]


def cosines(pictures: Sequence[Pixels]) -> Vectors:
    """Today's built-in descriptor: 256 low frequencies, for which a query's eight poses are asked."""
    return np.stack([frequencies(picture).vector() for picture in pictures])


BUILT_IN = Descriptor("DCT 256-d, 8 poses", cosines, posed)


def scored(collection: Collection, descriptor: Descriptor) -> Scores:
    """Every query against the whole gallery. Decoding is not timed."""
    spent = 0.0

    def described(pictures: Sequence[Pixels]) -> Vectors:
        nonlocal spent
        began = time.process_time()
        rows = descriptor.describe(pictures)
        spent += time.process_time() - began
        return rows

    gallery = np.concatenate([described([pixels(collection.picture(sha))]) for sha in collection.gallery])
    gallery_cpu_ms, spent = spent * 1000 / len(gallery), 0.0
    values = np.empty((len(collection.queries), len(gallery)), np.float32)
    for at, query in enumerate(collection.queries):
        values[at] = best(described(descriptor.views(pixels(collection.query(query)))), gallery)
    return Scores(values, round(gallery_cpu_ms, 2), round(spent * 1000 / len(values), 2))


def best(rows: Vectors, gallery: Vectors) -> NDArray[np.float32]:
    """(g,): each gallery picture's closest row of the query."""
    closest: NDArray[np.float32] = (gallery @ rows.T).max(axis=1)
    return closest
