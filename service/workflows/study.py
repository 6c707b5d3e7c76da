"""A picture's bytes to all that a verdict needs of it; afterwards its full pixels are let go."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from service.assess.authenticity import assess_authenticity
from service.assess.quality import assess_quality
from service.compare.appearance import Look, look
from service.descriptors import sizes
from service.descriptors.hashes import Frequencies, frequencies, hamming
from service.descriptors.insets import insets, with_parts
from service.descriptors.keypoints import MOST_ASKED, extract, extract_closely
from service.domain.dihedral import POSES
from service.domain.file_facts import FileFacts
from service.domain.values import Assessed
from service.pictures.admit import HEAD_BYTES, sniff
from service.pictures.file_facts import read_file_facts
from service.workflows.faces import presented
from service.workflows.spaces import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from service.domain.keypoints import Keypoints
    from service.domain.values import Region
    from service.pictures.pool import DecodePool
    from service.workflows.faces import FaceJudge
    from service.workflows.parts import Parts
    from service.workflows.spaces import Descriptions, FurtherSpace
    from service.workflows.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True)
class Subject:
    """A picture under question. `working` is (h, w, 3) uint8, upright, with a long side of at most 512 pixels."""

    assessed: Assessed
    spectrum: Frequencies
    posed_phashes: list[bytes]
    vectors: NDArray[np.float32]
    """(n, dimension): what it is searched by. The first is its own, the others are those of pictures that may
    lie in it; there are none where it is searched for as a whole alone."""
    working: NDArray[np.uint8]
    described: Descriptions = field(default_factory=dict)
    """What further spaces have of it, by their names; only those that were asked, and None where a model failed."""
    _insets: list[list[Region]] = field(default_factory=list)
    _looks: dict[int, Look] = field(default_factory=dict)
    _keypoints: list[tuple[Keypoints, Keypoints]] = field(default_factory=list)
    _close_keypoints: list[tuple[Keypoints, Keypoints]] = field(default_factory=list)

    def __reduce__(self) -> tuple[type[Subject], tuple[Any, ...]]:
        # Looks are made again sooner than they are carried to another process: they weigh twice what all else does.
        told = (self.assessed, self.spectrum, self.posed_phashes, self.vectors, self.working, self.described)
        return Subject, (*told, self._insets, {}, self._keypoints)

    def nearest_pose(self, phash: bytes) -> tuple[int, int]:
        """The pose whose hash comes closest to another picture's, and by how many bits they differ."""
        distances = [hamming(posed, phash) for posed in self.posed_phashes]
        pose = min(range(len(distances)), key=distances.__getitem__)
        return pose, distances[pose]

    @property
    def insets(self) -> list[Region]:
        """Where in it other pictures may lie, as shares, looked for when first asked for."""
        if not self._insets:
            self._insets.append(insets(self.working))
        return self._insets[0]

    @property
    def has_keypoints(self) -> bool:
        """Whether they have been asked for: they cost more than all else that is done with a picture."""
        return bool(self._keypoints)

    @property
    def keypoints(self) -> tuple[Keypoints, Keypoints]:
        """The picture's local features and those of its mirror image, looked for when first asked for."""
        if not self._keypoints:
            self._keypoints.append(extract(self.working, MOST_ASKED, self.insets))
        return self._keypoints[0]

    @property
    def close_keypoints(self) -> tuple[Keypoints, Keypoints]:
        """The same with those of a closer look."""
        if not self._close_keypoints:
            plain, mirrored = extract_closely(self.working, self.insets)
            self._close_keypoints.append((self.keypoints[0].joined(plain), self.keypoints[1].joined(mirrored)))
        return self._close_keypoints[0]

    def look_in_pose(self, pose: int) -> Look:
        """How the picture looks when laid in one of the eight poses."""
        if pose not in self._looks:
            self._looks[pose] = look(POSES[pose].lay(self.working))
        return self._looks[pose]


def looked_at(
    data: bytes,
    pool: DecodePool,
    watch: Stopwatch,
    *,
    wait_s: float | None,
    told: Callable[[NDArray[np.uint8]], None] = lambda _: None,
    faces: FaceJudge | None = None,
) -> tuple[Assessed, Frequencies, NDArray[np.uint8]]:
    """Decode and assess alone: with what was assessed, the frequencies and the working pixels. Raises as `study`.

    `told` is handed the full pixels, while they are there.
    """
    with watch.step("assess"):
        file = _told_by_file(data, pool, wait_s)
    with watch.step("decode"):
        decoded = pool.decode(data, wait_s=wait_s)
    with decoded:
        with watch.step("assess"):
            quality = assess_quality(decoded.pixels, decoded.working, file)
            found = faces.judge(decoded.pixels) if faces else ()
            authenticity = assess_authenticity(decoded.pixels, file, presented(faces, found))
        # A copy: the shared memory goes back with the rest of the picture.
        working = np.array(decoded.working)
        told(decoded.pixels)
        facts = decoded.facts
    with watch.step("embed"):
        spectrum = frequencies(working)
    assessed = Assessed(facts, quality, authenticity, spectrum.too_little_detail, found if faces else None)
    return assessed, spectrum, working


def _told_by_file(data: bytes, pool: DecodePool, wait_s: float | None) -> FileFacts:
    """What a file says of itself, and whether its manifest holds. Nothing of one that will not be decoded.

    Asked before it is decoded: both take of one budget, and whoever waits for more of that must hold none.
    """
    name = sniff(data[:HEAD_BYTES])
    if name is None or len(data) > pool.limits.max_bytes:
        return FileFacts()
    file = read_file_facts(data, name)
    if not file.has_manifest:
        return file
    return replace(file, manifest=pool.verify_manifest(data, name, wait_s=wait_s))


def study(
    data: bytes,
    parts: Parts,
    watch: Stopwatch,
    *,
    wait_s: float | None,
    spaces: Sequence[FurtherSpace] = (),
    as_a_whole: bool = False,
) -> Subject:
    """Decode, embed and assess, and describe in these spaces. Raises what `DecodePool.decode` raises.

    `as_a_whole`: it is not to be searched for by what may lie in it.
    """
    full: list[NDArray[np.uint8]] = []

    def keep(pixels: NDArray[np.uint8]) -> None:
        if spaces:  # a copy: a slow model must not hold what other pictures are decoded into
            full.append(sizes.copied(pixels))

    assessed, spectrum, working = looked_at(data, parts.pool, watch, wait_s=wait_s, told=keep, faces=parts.faces)
    with watch.step("embed"):
        described: Descriptions = dict.fromkeys((one.name for one in spaces), ())
        if full and not spectrum.too_little_detail:
            described = describe(full.pop(), spaces)
        full.clear()
        parted = [] if as_a_whole else [insets(working)]
        return Subject(
            assessed=assessed,
            spectrum=spectrum,
            posed_phashes=spectrum.posed_phashes(),
            vectors=parts.embedder.embed(with_parts(working, *parted)),
            working=working,
            described=described,
            _insets=parted,
        )
