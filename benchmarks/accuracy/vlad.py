"""RootSIFT-VLAD, the classical descriptor to beat: local features counted against 128 words, whitened to 512 numbers.

RootSIFT: Arandjelović and Zisserman, CVPR 2012. VLAD: Jégou et al., CVPR 2010; each word's residuals at unit length:
Arandjelović and Zisserman, CVPR 2013. Words and whitening are fitted on trainable pictures of data/train alone.
"""

from __future__ import annotations

import io
from itertools import islice
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from benchmarks.accuracy.first_stage import Descriptor, mirrored
from service.descriptors.keypoints import rooted
from training.descriptor.pictures import parted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

WORDS = 128
LENGTH = 512
FITTED_ON = 4000
"""Trainable pictures, every other one."""
SAMPLED = 200_000
"""Local features that the words are found among."""
LONGEST = 480
"""Pixels; a larger picture is looked at in this size."""
FEATURES = 400
FAINT = 0.02
"""SIFT's contrast threshold, half the usual one: washed-out copies have few features above it."""


def rootsift(picture: NDArray[np.uint8]) -> Floats:
    """(n, 128) local features at unit length, n up to `FEATURES`; none for a blank picture."""
    scale = LONGEST / max(picture.shape[:2])
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    places, found = cv2.SIFT.create(nfeatures=FEATURES, contrastThreshold=FAINT).detectAndCompute(grey, None)
    if not places:
        return np.zeros((0, 128), np.float32)
    return rooted(np.asarray(found))


def residuals(features: Floats, words: Floats) -> Floats:
    """(WORDS * 128,) VLAD at unit length, or zeros where nothing was found."""
    nearest = (features @ words.T - (words**2).sum(axis=1) / 2).argmax(axis=1)
    summed = np.zeros_like(words)
    np.add.at(summed, nearest, features - words[nearest])
    return _unit(_unit(summed).ravel())


def fitted(shared: Path, cache: Path) -> Descriptor:
    """The descriptor; its words and whitening come from the cache, or are fitted in some minutes."""
    path = cache / f"vlad-{WORDS}-{LENGTH}.npz"
    if not path.exists():
        _fit(shared, path)
    with np.load(path, allow_pickle=False) as saved:
        words, mean, whitening = saved["words"], saved["mean"], saved["whitening"]

    def describe(pictures: Sequence[NDArray[np.uint8]]) -> Floats:
        rows = np.stack([residuals(rootsift(picture), words) for picture in pictures])
        return _unit((rows - mean) @ whitening)

    return Descriptor(f"RootSIFT-VLAD {LENGTH}-d, mirrored", describe, mirrored)


def _fit(shared: Path, path: Path) -> None:
    features = [rootsift(picture) for picture in islice(_trainable(shared), 0, 2 * FITTED_ON, 2)]
    rng = np.random.default_rng(1)
    pool = np.concatenate(features)
    pool = pool[rng.permutation(len(pool))[:SAMPLED]]
    cv2.setRNGSeed(1)
    stop = (cv2.TERM_CRITERIA_MAX_ITER, 30, 0.0)
    _, _, centres = cv2.kmeans(pool, WORDS, np.empty(0, np.int32), stop, 1, cv2.KMEANS_PP_CENTERS)
    words = np.asarray(centres, np.float32)
    rows = np.stack([residuals(one, words) for one in features])
    mean = rows.mean(axis=0)
    rows -= mean
    # Fewer pictures than numbers: the directions come from the pictures' products with one another.
    values, vectors = np.linalg.eigh(rows @ rows.T)
    values, vectors = values[-LENGTH:], vectors[:, -LENGTH:]
    whitening = (rows.T @ vectors) / values * np.sqrt(len(rows))
    beside = path.with_suffix(".part.npz")
    np.savez(beside, words=words, mean=mean, whitening=whitening.astype(np.float32))
    beside.replace(path)


def _trainable(shared: Path) -> Iterator[NDArray[np.uint8]]:
    for _, data in parted(shared, trained=True):
        with Image.open(io.BytesIO(data)) as image:
            yield np.asarray(image.convert("RGB"))


def _unit(rows: Floats) -> Floats:
    unit: Floats = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return unit
