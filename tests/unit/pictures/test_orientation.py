"""T4: eight orientations, five formats, one upright picture."""

import numpy as np
import pytest
from PIL import Image

STORED = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How the pixels lie in a file with that tag: the inverse of what a viewer does."""


def as_stored(scene, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn = STORED[orientation]
    return (scene if turn is None else scene.transpose(turn)), exif.tobytes()


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF"])
def test_lossless_files_of_any_orientation_have_the_very_same_pixels(decode, encode, scene, name, orientation):
    """Turned upright exactly once: neither forgotten nor done twice."""
    stored, exif = as_stored(scene, orientation)
    options = {"lossless": True} if name == "WEBP" else {}
    _, pixels = decode(encode(stored, name, exif=exif, **options))
    assert np.array_equal(pixels, np.asarray(scene))


@pytest.mark.parametrize("orientation", STORED)
def test_lossy_files_of_any_orientation_show_the_same_picture(decode, encode, scene, psnr, orientation):
    """HEIC and AVIF are turned by their container as well, and must not be turned twice."""
    stored, exif = as_stored(scene, orientation)
    for name in ("JPEG", "HEIF", "AVIF"):
        facts, pixels = decode(encode(stored, name, exif=exif, quality=95))
        assert (name, facts.width, facts.height) == (name, *scene.size)
        assert psnr(pixels, scene) >= 30


@pytest.mark.parametrize("value", [0, 9, 65_535])
def test_an_orientation_that_does_not_exist_is_ignored(decode, encode, scene, value):
    """Cameras write zeros."""
    exif = Image.Exif()
    exif[0x0112] = value
    _, pixels = decode(encode(scene, "PNG", exif=exif))
    assert np.array_equal(pixels, np.asarray(scene))


def test_damaged_exif_is_noted_and_does_not_spoil_the_picture(decode, encode, scene):
    """The pixels are whole; only the note about how to hold them is not."""
    facts, pixels = decode(encode(scene, "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f"))
    assert np.array_equal(pixels, np.asarray(scene))
    assert set(facts.notes) <= {"exif_unusable"}
