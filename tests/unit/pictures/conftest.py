"""Pictures made in code, and one pool for the tests that do not break it."""

import io

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from service.pictures.budget import MachineBudget
from service.pictures.pool import DecodePool

pillow_heif.register_heif_opener()


@pytest.fixture(scope="session")
def pool(tmp_path_factory):
    budget = MachineBudget(2**31, tmp_path_factory.mktemp("budget") / "lock")
    with DecodePool(2, budget=budget) as made:
        yield made


@pytest.fixture(scope="session")
def decode(pool):
    """Facts and a copy of the pixels, for tests that look at many files. Patient: the machine may be busy."""

    def run(data):
        with pool.decode(data, wait_s=60) as decoded:
            return decoded.facts, decoded.pixels.copy()

    return run


@pytest.fixture(scope="session")
def encode():
    def run(image, name, **options):
        out = io.BytesIO()
        image.save(out, name, **options)
        return out.getvalue()

    return run


@pytest.fixture(scope="session")
def scene():
    """A smooth picture without symmetry, 96 x 64: survives lossy codecs, and shows every wrong turn."""
    x, y = np.meshgrid(np.linspace(0, 1, 96), np.linspace(0, 1, 64))
    red = 255 * x
    green = 255 * y
    blue = 127 + 120 * np.sin(5 * x + 3 * y**2)
    return Image.fromarray(np.stack([red, green, blue], axis=-1).round().astype(np.uint8))


@pytest.fixture(scope="session")
def psnr():
    def measure(one, other):
        error = float(np.mean((np.asarray(one, np.float64) - np.asarray(other, np.float64)) ** 2))
        return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))

    return measure
