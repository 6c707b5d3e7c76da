"""Thumbnails are ours from pen to eye."""

import io

import numpy as np
import pytest
from PIL import Image

from service.domain.errors import BrokenPictureError
from service.pictures import thumbnails


def test_a_thumbnail_comes_back_as_the_same_picture(scene, psnr):
    """Quality 90: close, not equal."""
    working = np.asarray(scene)
    assert psnr(thumbnails.load(thumbnails.encode(working)), working) >= 30


def test_a_thumbnail_carries_no_metadata(scene):
    """T9: no EXIF, profile or comment can leak, for the pixels are all that goes in."""
    with Image.open(io.BytesIO(thumbnails.encode(np.asarray(scene)))) as image:
        assert not {"exif", "icc_profile", "xmp", "comment"} & set(image.info)


@pytest.mark.parametrize("kind", ["png", "large", "cut", "grey", "heavy"])
def test_what_is_not_our_thumbnail_is_refused(scene, encode, kind):
    """It runs in the serving process, so it takes nothing but what `encode` writes."""
    data = {
        "png": lambda: encode(scene, "PNG"),
        "large": lambda: encode(Image.new("RGB", (513, 2)), "JPEG"),
        "cut": lambda: encode(scene, "JPEG")[:-300],
        "grey": lambda: encode(scene.convert("L"), "JPEG"),
        "heavy": lambda: encode(scene, "JPEG") + bytes(2 * 2**20),
    }[kind]()
    with pytest.raises(BrokenPictureError):
        thumbnails.load(data)
