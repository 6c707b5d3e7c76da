"""The network that ships: its file is checked, and its numbers are those that were stored."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from service.descriptors.builtin import Builtin, squared
from service.descriptors.registry import BUILTIN
from service.domain.errors import WeightsError


@pytest.fixture(scope="module")
def network():
    return Builtin(BUILTIN)


def test_a_descriptor_has_unit_length(network, photographs):
    """So that a dot product is the cosine; a blank picture has one, too."""
    rows = network.embed([*photographs.values(), np.zeros((40, 30, 3), np.uint8)])
    assert rows.shape == (len(photographs) + 1, BUILTIN.dimension)
    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(len(rows)), abs=1e-5)


def test_the_first_numbers_are_pinned(network):
    """If this fails the numbers have changed, and stored vectors no longer fit: raise the registry's revision, then
    pin the new numbers here beside it.
    """
    y, x = np.indices((150, 200))
    made = np.stack([x * y // 90 % 256, (x * x // 60 + y) % 256, (3 * y + x) % 256], axis=2).astype(np.uint8)
    expected = [-0.1221, -0.0607, -0.0424, -0.0054, -0.0129, 0.0314, -0.0126, -0.0316]
    assert network.embed([made])[0, : len(expected)] == pytest.approx(expected, abs=2e-3)
    assert BUILTIN.model_id == "builtin-1"


def test_many_at_once_have_the_numbers_of_each_alone(network, photographs):
    """Nothing of one picture may reach another."""
    pictures = list(photographs.values())
    together = network.embed(pictures)
    for row, picture in zip(together, pictures, strict=True):
        assert np.abs(network.embed([picture])[0] - row).max() < 1e-4


def test_threads_share_it(network, photographs):
    """Requests ask at the same time."""
    pictures = list(photographs.values()) * 4
    alone = [network.embed([picture])[0] for picture in pictures]
    with ThreadPoolExecutor(8) as pool:
        for row, expected in zip(pool.map(lambda picture: network.embed([picture])[0], pictures), alone, strict=True):
            assert np.array_equal(row, expected)


def test_copies_lie_nearer_than_any_stranger(network, photographs, resized, saved_as_jpeg):
    """A mirrored one, half of it, a small rough one, and one without colour."""
    own = network.embed(list(photographs.values()))
    for place, picture in enumerate(photographs.values()):
        height, width = picture.shape[:2]
        grey = np.repeat(picture.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
        copies = [
            np.ascontiguousarray(picture[:, ::-1]),
            picture[height // 8 : -height // 8, width // 8 : -width // 8],
            saved_as_jpeg(resized(picture, 0.5), 30),
            grey,
        ]
        assert ((network.embed(copies) @ own.T).argmax(axis=1) == place).all()


def test_it_tells_nobody_that_it_is_used(tmp_path):
    """The runtime would leave an identifier and a queue of what it is about to send, and open a connection."""
    script = """
from service.descriptors.builtin import Builtin
from service.descriptors.registry import BUILTIN
import numpy as np
Builtin(BUILTIN).embed([np.zeros((40, 40, 3), np.uint8)])
"""
    traces = {name: str(tmp_path) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    # Runs for tests are left alone by it, so that nobody notices.
    kept = {name: value for name, value in os.environ.items() if name != "CI" and not name.startswith("ORT_")}
    subprocess.run([sys.executable, "-c", script], env=kept | traces, check=True)
    assert list(tmp_path.rglob("*")) == []


def test_a_file_that_is_not_the_named_one_is_refused():
    """Numbers of other weights would be compared with stored ones."""
    with pytest.raises(WeightsError, match=BUILTIN.weights):
        Builtin(replace(BUILTIN, weights_sha256="0" * 64))


@pytest.mark.parametrize("size", [(100, 512), (300, 120), (512, 512)])
def test_what_gets_smaller_is_averaged(size):
    """Also where the other side grows: stripes as fine as a pixel become grey, and no stripes of another width."""
    stripes = np.zeros((*size, 3), np.uint8)
    stripes[::2] = 255
    stripes = stripes if size[0] > BUILTIN.side else np.ascontiguousarray(np.zeros((*size, 3), np.uint8))
    if size[0] <= BUILTIN.side:
        stripes[:, ::2] = 255
    square = squared(stripes, BUILTIN.side).astype(int)
    assert abs(square.mean() - 127.5) < 2
    assert square.std() < 40


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (128, 128), (341, 512)])
def test_any_shape_becomes_a_square(size):
    """Nothing is cut away, and what is all of one colour stays so."""
    square = squared(np.full((*size, 3), 77, np.uint8), BUILTIN.side)
    assert square.shape == (BUILTIN.side, BUILTIN.side, 3)
    assert (square == 77).all()
