"""Pictures that ship with scikit-image, files of them in memory, and a process without settings of its own."""

import io
import logging
import os

import numpy as np
import pytest
import skimage.data
from PIL import Image

SHIPPED = [
    "astronaut",
    "brick",
    "camera",
    "chelsea",
    "clock",
    "coffee",
    "coins",
    "grass",
    "gravel",
    "hubble_deep_field",
    "immunohistochemistry",
    "moon",
    "page",
    "retina",
    "rocket",
]
"""What `skimage.data` holds inside its wheel, so that nothing is fetched."""


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch):
    """A developer's own `KEEPONE_` variables must not decide what passes."""
    for name in [name for name in os.environ if name.startswith("KEEPONE_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def photographs():
    """By name: RGB pictures (H, W, 3), uint8, the longest side at most 512, as every step after decoding sees them."""
    found = {}
    for name in SHIPPED:
        image = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
        image.thumbnail((512, 512))
        found[name] = np.asarray(image)
    return found


@pytest.fixture(scope="session")
def astronaut(photographs):
    return photographs["astronaut"]


@pytest.fixture(scope="session")
def coffee(photographs):
    """512 x 341: shows every mix-up of width and height."""
    return photographs["coffee"]


@pytest.fixture(scope="session")
def written():
    """The bytes of a file with that picture."""

    def write(picture, kind="JPEG", **options):
        out = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(picture)).save(out, kind, **options)
        return out.getvalue()

    return write


@pytest.fixture(scope="session")
def resized():
    """The picture at another scale."""

    def resize(picture, scale):
        height, width, _ = picture.shape
        return np.asarray(Image.fromarray(picture).resize((round(width * scale), round(height * scale))))

    return resize


@pytest.fixture(scope="session")
def saved_as_jpeg(written):
    """The picture as it comes back from a JPEG file."""

    def save(picture, quality):
        return np.asarray(Image.open(io.BytesIO(written(picture, quality=quality))))

    return save


@pytest.fixture
def logging_kept():
    """Puts logging back as it was: the code under test takes over the root logger."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("uvicorn.access").disabled = False
    for name in ("alembic", "PIL", "httptools"):
        logging.getLogger(name).setLevel(logging.NOTSET)
