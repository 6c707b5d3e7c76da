"""Pictures that lost something, with the answer known; everything is made in code."""

import cv2
import numpy as np
import pytest

from service.assess.tiles import take_sample

FILTERS = {"bilinear": cv2.INTER_LINEAR, "bicubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}
DETAILED = ("astronaut", "chelsea", "coffee", "rocket", "immunohistochemistry")
"""Sharp to the pixel at half their size, as others, such as the retina, are not."""


@pytest.fixture(scope="session")
def detailed(photographs):
    """Photographs at half their size, so that each pixel holds detail of its own."""
    halves = {}
    for name in DETAILED:
        height, width, _ = photographs[name].shape
        halves[name] = cv2.resize(photographs[name], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return halves


@pytest.fixture(scope="session")
def enlarged():
    def enlarge(picture, factor, how):
        height, width, _ = picture.shape
        size = (round(width * factor), round(height * factor))
        return cv2.resize(picture, size, interpolation=FILTERS[how])

    return enlarge


@pytest.fixture(scope="session")
def noisy():
    def add(picture, level, seed=7):
        noise = np.random.default_rng(seed).normal(0, level, picture.shape)
        return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)

    return add


@pytest.fixture(scope="session")
def pixelated():
    """Blocks of `side` pixels that share one colour."""

    def blur(picture, side):
        height, width, _ = picture.shape
        small = cv2.resize(picture, (width // side, height // side), interpolation=cv2.INTER_AREA)
        return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)

    return blur


@pytest.fixture(scope="session")
def grey():
    """A picture's grey tiles."""
    return lambda picture: take_sample(picture).grey


@pytest.fixture(scope="session")
def drawn_page():
    """A page as a browser would show it: a bar, a frame, and lines of letters."""
    page = np.full((480, 640, 3), 255, np.uint8)
    page[:50] = 40, 90, 160
    cv2.rectangle(page, (20, 70), (620, 460), (210, 214, 220), 1)
    for line in range(14):
        place = (40, 110 + 24 * line)
        cv2.putText(
            page, "the letter came with the evening train", place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (30, 30, 34), 1
        )
    return page
