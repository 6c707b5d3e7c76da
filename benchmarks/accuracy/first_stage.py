"""How well a descriptor alone proposes the right reference, whichever descriptor it is.

A descriptor is a name and a function from pictures to unit rows. A query may have several rows (its mirror image, its
crops); a gallery picture's score is the best of them. Everything is compared with everything: what is measured is the
descriptor, not an index.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.accuracy.collection import pixels
from benchmarks.accuracy.judge import share
from benchmarks.accuracy.metrics import Share, recall_at_k
from benchmarks.accuracy.stirmark import VALUES, attacked
from benchmarks.accuracy.transforms import generator
from service.descriptors.builtin import Builtin
from service.descriptors.insets import insets, with_parts
from service.descriptors.registry import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from benchmarks.accuracy.collection import Collection

    Pixels = NDArray[np.uint8]
    Vectors = NDArray[np.float32]


SOURCES = 25
"""References that StirMark's attacks are tried on, each with all 104 values."""


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


def built_in() -> Descriptor:
    """The one that ships, asked as the service asks it."""
    name = f"{BUILTIN.model_id}, {BUILTIN.dimension}-d, pictures in pictures"
    return Descriptor(name, Builtin(BUILTIN).embed, lambda picture: with_parts(picture, insets(picture)))


class Timed:
    """A descriptor that counts the processor's time it takes."""

    def __init__(self, descriptor: Descriptor) -> None:
        self._descriptor = descriptor
        self.seconds = 0.0

    def gallery(self, named: Collection) -> Vectors:
        """(g, d): one row for each picture of the gallery."""
        return np.concatenate([self._described([pixels(named.picture(sha))]) for sha in named.gallery])

    def query(self, picture: Pixels) -> Vectors:
        """(v, d): the rows a picture is asked with."""
        return self._described(self._descriptor.views(picture))

    def _described(self, pictures: Sequence[Pixels]) -> Vectors:
        began = time.process_time()
        rows = self._descriptor.describe(pictures)
        self.seconds += time.process_time() - began
        return rows


def scored(named: Collection, descriptor: Descriptor) -> Scores:
    """Every query against the whole gallery. Decoding is not timed."""
    describing, asking = Timed(descriptor), Timed(descriptor)
    gallery = describing.gallery(named)
    values = np.stack([best(asking.query(pixels(named.query(query))), gallery) for query in named.queries])
    return Scores(
        values,
        round(describing.seconds * 1000 / len(gallery), 2),
        round(asking.seconds * 1000 / len(named.queries), 2),
    )


def stirmarked(named: Collection, descriptor: Descriptor, depth: int, sources: int = SOURCES) -> dict[str, Any]:
    """Of the first references, after each attack of StirMark: how many stand among the first `depth` of the gallery."""
    timed = Timed(descriptor)
    gallery = timed.gallery(named)
    originals = [pixels(named.picture(sha)) for sha in named.references[:sources]]
    told: dict[str, Any] = {"depth": depth}
    for name, values in VALUES.items():
        found = {}
        for value in values:
            ranks = []
            for at, (sha, original) in enumerate(zip(named.references, originals, strict=False)):
                picture = attacked(original, name, value, generator(named.seed, sha, name, str(value)))
                row = best(timed.query(picture), gallery)
                ranks.append(int((row >= row[at]).sum()) - 1)
            found[value] = recall_at_k(ranks, depth)
        total = Share(sum(one.found for one in found.values()), sum(one.n for one in found.values()))
        told[name] = share(total) | {"by_value": {f"{value:g}": one.value for value, one in found.items()}}
    return told


def best(rows: Vectors, gallery: Vectors) -> NDArray[np.float32]:
    """(g,): each gallery picture's closest row of the query."""
    closest: NDArray[np.float32] = (gallery @ rows.T).max(axis=1)
    return closest
