"""T2: a file that ends early is said to end early, and half a picture is never taken for a whole one."""

import os
import time

import numpy as np
import pytest
from PIL import Image, ImageFile

from service.domain.errors import BrokenPictureError, TruncatedPictureError
from service.pictures import container, wholeness

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


def emptied(data, share):
    """What a downloader leaves that makes room for the whole file first and then stops: zeros to the end."""
    kept = int(len(data) * share)
    return data[:kept] + bytes(len(data) - kept)


@pytest.fixture(scope="session")
def busy():
    """Noise over a ramp: enough coded data for half of it to be long."""
    noise = np.random.default_rng(3).integers(0, 120, (160, 240, 3))
    return Image.fromarray((noise + np.linspace(0, 130, 240).astype(int)[None, :, None]).astype(np.uint8))


UNCODED = {"tiff", "lzw tiff", "bmp"}
"""Zeros are black there, as good as any other colour; and Pillow writes a TIFF's directory last."""


@pytest.mark.parametrize(("name", "options"), [KINDS[kind] for kind in KINDS if kind not in UNCODED], ids=str)
@pytest.mark.parametrize("share", [0.4, 0.7, 0.95])
def test_a_file_whose_rest_is_zeros_is_refused(decode, encode, busy, name, options, share):
    """It has its full length, so no length tells; and several decoders take the zeros for a picture."""
    data = emptied(encode(busy, name, **options), share)
    with pytest.raises((TruncatedPictureError, BrokenPictureError)):
        decode(data)


def test_an_animated_webp_whose_first_frame_ends_in_zeros_is_refused(decode, encode, busy):
    """And one whose second frame does is not: only the first counts."""
    whole = encode(busy, "WEBP", save_all=True, append_images=[busy.transpose(Image.Transpose.ROTATE_180)])
    second = whole.rindex(b"ANMF")
    with pytest.raises(TruncatedPictureError):
        decode(emptied(whole[:second], 0.7) + whole[second:])
    assert decode(emptied(whole, 0.9))[0].pixel_hash == decode(whole)[0].pixel_hash


@pytest.mark.parametrize("options", [{"lossless": True, "method": 0}, {"quality": 100, "method": 2}], ids=str)
def test_a_webp_whose_lower_half_is_flat_is_whole_though_it_ends_in_zeros(decode, encode, busy, options):
    """Its zeros are code, more than half of the file. No count of zeros could tell."""
    image = Image.new("RGB", (1600, 1200), "white")
    image.paste(busy.resize((1600, 24)), (0, 0))
    data = encode(image, "WEBP", **options)
    assert data.endswith(bytes(64))
    decode(data)


@pytest.mark.parametrize("name", ["AVIF", "HEIF"])
def test_exif_that_ends_in_zeros_does_not_make_a_file_cut(decode, encode, busy, name):
    """It may be the last thing in the file, behind the pixels."""
    exif = Image.Exif()
    exif[0x927C] = bytes(500)
    exif = exif.tobytes() + bytes(500)
    data = encode(busy, name, exif=exif)
    assert bytes(64) in data
    decode(data)


JPEGS = {
    "baseline": {},
    "4:4:4": {"subsampling": 0},
    "restarts": {"restart_marker_blocks": 7},
    "progressive": {"progressive": True},
}


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
def test_a_jpeg_that_was_cut_and_closed_is_refused(decode, encode, busy, mode, options):
    """With an end marker behind the cut the decoder fills the rest with grey, and is silent.

    Not found out, and said so in the documents: a progressive one whose very last scan is cut.
    """
    whole = encode(busy.convert(mode), "JPEG", **options)
    start = whole.index(b"\xff\xda")
    for share in (0.2, 0.45):
        cut = whole[: start + int((len(whole) - start) * share)].rstrip(b"\xff") + b"\xff\xd9"
        with pytest.raises(TruncatedPictureError):
            decode(cut)


@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_whole_jpeg_with_a_grey_corner_is_whole(decode, encode, busy, mode, options):
    """The grey of what is missing is only a reason to look closer."""
    image = busy.copy()
    image.paste((128, 128, 128), (100, 60, 240, 160))
    decode(encode(image.convert(mode), "JPEG", **options))
    decode(encode(Image.new("RGB", (9, 9), (128, 128, 128)).convert(mode), "JPEG", **options))


def test_a_progressive_jpeg_that_leaves_out_a_scan_is_whole(decode, encode, busy):
    """Coarser than it could be, but everything that it announces is there."""
    whole = encode(busy, "JPEG", progressive=True)
    last_scan = whole.rindex(b"\xff\xda")
    tables = whole.rindex(b"\xff\xc4", 0, last_scan)
    decode(whole[:tables] + b"\xff\xd9")


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", bytes(200), b"\xff" * 200, b"\xff\xd8" + b"\xff\xda\0\2" * 900])
def test_looking_closer_at_nonsense_raises_nothing(data):
    """A decoder has seen it by then, which proves little."""
    assert wholeness.jpeg_stops_early(data, Image.new("RGB", (8, 8), (128, 128, 128))) is False
    assert wholeness.webp_has_idle_zeros(data, 10**6) is False


def test_boxes_that_promise_endless_items_are_walked_quickly():
    """Entries without width cost the file nothing, so their number must be bounded here."""
    for sizes in (b"\0\0", b"\4\4", b"\x40\0"):
        iloc = b"\0\0\0\0" + sizes + b"\xff\xff" + (b"\0\1\0\0\xff\xff" * 20_000)
        box = (len(iloc) + 8).to_bytes(4, "big") + b"iloc" + iloc
        meta = (len(box) + 12).to_bytes(4, "big") + b"meta" + bytes(4) + box
        start = time.perf_counter()
        assert container.is_cut_short(meta + b"\0\0\0\x08mdat", "HEIC") is False
        assert time.perf_counter() - start < 1


def test_pillow_is_never_told_to_patch_up_cut_files():
    """The switch that makes half pictures pass for whole ones is off here, and every child asserts it."""
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIC"])
@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 40, bytes(200)], ids=["empty", "one byte", "ones", "zeros"])
def test_walking_nonsense_raises_nothing(name, data):
    """The walks see strangers' bytes before any decoder does."""
    assert container.is_cut_short(data, name) in {True, False}
