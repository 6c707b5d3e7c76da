"""For tests and for authors of back ends: two small models that need no library, and the suite that every model passes.

The twins keep the promises of `SpaceModel` and nothing else: what they see in a picture is counted from its pixels. A
back end passes by subclassing the suite and saying how it is opened:

    class TestMyModel(SpaceModelContract):
        def make_model(self): return opened("clip:…", settings)

pytest is not needed to import any of this.
"""

# ruff: noqa: S101 - a contract suite is tests: their names tell and they assert

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from service.descriptors.protocol import Described

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from service.descriptors.protocol import SpaceModel

_LEVELS = 4
_SQUARE = 16
"""Pixels that a face of the twin has at the least."""
_ONLY_RED = (255, 0)


class ColourTwin:
    """A picture space: how much there is of each of 64 colours."""

    dimension = _LEVELS**3
    of_faces = False

    def __init__(self, name: str, weights: str = "1") -> None:
        self.name = name
        self.state: Mapping[str, object] = {"weights": weights}
        self.thresholds: Mapping[str, float] = {"cosine": 0.1, "euclidean": 0.3}
        self.asked = 0
        self.closed = False

    def describe(self, pictures: Sequence[NDArray[np.uint8]]) -> list[tuple[Described, ...]]:
        self.asked += len(pictures)
        return [(Described(_colours(picture)),) for picture in pictures]

    def close(self) -> None:
        self.closed = True


class SquareTwin:
    """A face space: each patch of (255, 0, n) is a face, and n is whose it is."""

    dimension = 4
    of_faces = True

    def __init__(self, name: str, weights: str = "1") -> None:
        self.name = name
        self.state: Mapping[str, object] = {"weights": weights}
        self.thresholds: Mapping[str, float] = {"cosine": 0.01}
        self.asked = 0
        self.closed = False

    def describe(self, pictures: Sequence[NDArray[np.uint8]]) -> list[tuple[Described, ...]]:
        self.asked += len(pictures)
        return [tuple(_faces(picture)) for picture in pictures]

    def close(self) -> None:
        self.closed = True


def opened(name: str, settings: object) -> SpaceModel:
    """As a back end's own: squares for `deepface:…`, colours for `clip:…`."""
    del settings
    twin = SquareTwin if name.startswith("deepface:") else ColourTwin
    return twin(name)


def _colours(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    levels = (picture // (256 // _LEVELS)).reshape(-1, 3).astype(np.intp)
    bins = (levels[:, 0] * _LEVELS + levels[:, 1]) * _LEVELS + levels[:, 2]
    counted = np.bincount(bins, minlength=_LEVELS**3)
    return np.asarray(counted / len(bins), np.float32)


def _faces(picture: NDArray[np.uint8]) -> list[Described]:
    height, width = picture.shape[:2]
    red = (picture[..., 0] == _ONLY_RED[0]) & (picture[..., 1] == _ONLY_RED[1])
    found = []
    for whose in np.unique(picture[red][:, 2]).tolist() if red.any() else []:
        rows, columns = np.nonzero(red & (picture[..., 2] == whose))
        if len(rows) < _SQUARE:
            continue
        angle = whose / 255 * np.pi / 2
        vector = np.array([np.cos(angle), np.sin(angle), 0.5, 0.0], np.float32) * 2
        edges = (columns.min() / width, rows.min() / height, (columns.max() + 1) / width, (rows.max() + 1) / height)
        left, top, right, bottom = map(float, edges)
        found.append(Described(vector, (left, top, right, bottom)))
    return found


def a_picture(seed: int, *faces: int, smaller: int = 0) -> NDArray[np.uint8]:
    """(240, 320, 3): blocks of colours drawn from a seed, with a patch for each face that the twin is to find, the last
    so many of them smaller.
    """
    blocks = np.random.default_rng(seed).integers(0, 200, (12, 16, 3), np.uint8)
    picture = np.kron(blocks, np.ones((20, 20, 1), np.uint8))
    for number, whose in enumerate(faces):
        bottom = 60 if number >= len(faces) - smaller else 100
        picture[40:bottom, 20 + 80 * number : 80 + 80 * number] = (*_ONLY_RED, whose)
    return picture


class SpaceModelContract:
    """Subclass it, and say how the model is opened, and which pictures it should find something in."""

    def make_model(self) -> SpaceModel:
        raise NotImplementedError

    def pictures(self) -> list[NDArray[np.uint8]]:
        """At least two that differ, upright sRGB, each with something to describe."""
        raise NotImplementedError

    def test_every_picture_is_told_of_in_order_and_in_its_shape(self) -> None:
        model, pictures = self.make_model(), self.pictures()
        try:
            told = model.describe(pictures)
            assert len(told) == len(pictures)
            for one in (one for of_picture in told for one in of_picture):
                assert one.vector.shape == (model.dimension,)
                assert one.vector.dtype == np.float32
                assert np.isfinite(one.vector).all()
                assert one.vector.any()
                assert (one.box is not None) is model.of_faces
            assert all(told)
            assert model.of_faces or all(len(of_picture) == 1 for of_picture in told)
        finally:
            model.close()

    def test_a_picture_is_told_the_same_alone_and_among_others(self) -> None:
        model, pictures = self.make_model(), self.pictures()
        try:
            together = model.describe(pictures)
            for picture, expected in zip(pictures, together, strict=True):
                [alone] = model.describe([picture])
                assert len(alone) == len(expected)
                for one, other in zip(alone, expected, strict=True):
                    assert _cosine(one.vector, other.vector) > _SAME
                    assert one.box == other.box
            assert _cosine(together[0][0].vector, together[1][0].vector) < _SAME
        finally:
            model.close()

    def test_many_threads_may_ask_at_once(self) -> None:
        model, pictures = self.make_model(), self.pictures()
        try:
            expected = model.describe(pictures)
            with ThreadPoolExecutor(8) as pool:
                asked = [pool.submit(model.describe, pictures) for _ in range(16)]
                for answer in asked:
                    for told, wanted in zip(answer.result(), expected, strict=True):
                        assert all(_cosine(a.vector, b.vector) > _SAME for a, b in zip(told, wanted, strict=True))
        finally:
            model.close()

    def test_nothing_asked_is_nothing_told(self) -> None:
        model = self.make_model()
        try:
            assert model.describe([]) == []
        finally:
            model.close()

    def test_its_state_can_be_digested_and_its_thresholds_are_distances(self) -> None:
        model = self.make_model()
        try:
            assert json.loads(json.dumps(dict(model.state)))
            assert set(model.thresholds) <= {"cosine", "euclidean", "euclidean_l2"}
            assert all(threshold > 0 for threshold in model.thresholds.values())
        finally:
            model.close()


_SAME = 0.9999


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))
