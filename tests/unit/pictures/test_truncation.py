"""T2: a file that ends early is said to end early, and half a picture is never taken for a whole one."""

import os

import pytest
from PIL import Image, ImageFile

from service.domain.errors import TruncatedPictureError
from service.pictures import container

CUTS = int(os.environ.get("KEEPONE_TEST_CUTS", "10"))
"""Points to cut each file at; the full plan has 200."""

KINDS = {
    "jpeg": ("JPEG", {}),
    "progressive jpeg": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {}),
    "lossless webp": ("WEBP", {"lossless": True}),
    "gif": ("GIF", {}),
    "tiff": ("TIFF", {}),
    "lzw tiff": ("TIFF", {"compression": "tiff_lzw"}),
    "bmp": ("BMP", {}),
    "avif": ("AVIF", {}),
    "heic": ("HEIF", {}),
}


@pytest.mark.parametrize(("name", "options"), KINDS.values(), ids=KINDS)
def test_a_cut_file_is_refused_as_cut(decode, encode, scene, name, options):
    """Neither patched up nor called merely damaged. Only what lacks no pixel may pass: a PNG without its last chunk."""
    whole = encode(scene, name, **options)
    expected = decode(whole)[0].pixel_hash
    refused = 0
    for step in range(1, CUTS + 1):
        try:
            facts, _ = decode(whole[: 20 + (len(whole) - 20) * step // (CUTS + 1)])
        except TruncatedPictureError:
            refused += 1
        else:
            assert facts.pixel_hash == expected
    assert refused >= 0.9 * CUTS


def test_an_animated_gif_cut_in_a_later_frame_is_refused_or_has_the_same_pixels(decode, encode, scene):
    """Only the first frame counts, so its pixels may pass when they are all there."""
    frames = [
        scene.transpose(turn).quantize(64) for turn in (Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180)
    ]
    whole = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    expected = decode(whole)[0].pixel_hash
    seen = set()
    for step in range(1, CUTS + 1):
        try:
            seen.add(decode(whole[: 13 + (len(whole) - 13) * step // (CUTS + 1)])[0].pixel_hash)
        except TruncatedPictureError:
            seen.add("refused")
    assert seen == {expected, "refused"}


def test_a_gif_whose_first_frame_is_cut_is_seen_without_a_decoder(encode, scene):
    """Many a decoder fills the missing rows and is silent, so the blocks are counted first."""
    whole = encode(scene.quantize(64), "GIF")
    assert not container.is_cut_short(whole, "GIF")
    assert container.is_cut_short(whole[:-200], "GIF")


def test_a_trailer_after_the_last_box_does_not_make_a_heic_cut(encode, scene):
    """Some cameras append notes of their own that are no boxes."""
    assert not container.is_cut_short(encode(scene, "HEIF") + b"\xff\xff\xff\xffSEFTnotes", "HEIC")


def test_pillow_is_never_told_to_patch_up_cut_files():
    """The switch that makes half pictures pass for whole ones is off here, and every child asserts it."""
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIC"])
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 40, bytes(200)], ids=["empty", "one byte", "ones", "zeros"])
def test_walking_nonsense_raises_nothing(name, data):
    """The walks see strangers' bytes before any decoder does."""
    assert container.is_cut_short(data, name) in {True, False}
