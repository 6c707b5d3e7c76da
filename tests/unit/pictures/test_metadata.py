"""Blocks of metadata as the containers keep them, written here byte by byte or by Pillow."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from service.pictures.metadata import MOST_BLOCKS, MOST_STEPS, MOST_UNPACKED, Block, metadata_blocks

PICTURE = Image.fromarray(np.zeros((16, 16, 3), np.uint8))


def saved(kind, **options):
    out = io.BytesIO()
    PICTURE.save(out, kind, **options)
    return out.getvalue()


def png_with(*chunks):
    """A PNG with these chunks behind its header."""
    plain = saved("PNG")
    packed = b"".join(
        len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big") for kind, body in chunks
    )
    return plain[:33] + packed + plain[33:]


def kinds(data, name):
    return [block.kind for block in metadata_blocks(data, name)]


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
def test_what_pillow_writes_is_found(name):
    """EXIF and a profile, in the order of the file."""
    exif = Image.Exif()
    exif[271] = "Maker"
    data = saved(name, exif=exif.tobytes(), icc_profile=b"not really a profile")
    assert sorted(kinds(data, name)) == ["exif", "icc"]
    body = next(block.body for block in metadata_blocks(data, name) if block.kind == "exif")
    assert body[:2] in {b"II", b"MM"}


def test_jpegs_comment_and_xmp_are_told_apart():
    """Both lie in segments before the first scan."""
    data = saved("JPEG", comment=b"by hand", xmp=b"<x/>")
    assert set(metadata_blocks(data, "JPEG")) == {Block("text", b"by hand"), Block("xmp", b"<x/>")}


def test_pngs_text_is_unpacked():
    """Plain, compressed and international."""
    info = PngImagePlugin.PngInfo()
    info.add_text("a", "plain")
    info.add_text("b", "packed", zip=True)
    info.add_itxt("c", "international", zip=True)
    found = list(metadata_blocks(saved("PNG", pnginfo=info), "PNG"))
    assert [block.body for block in found] == [b"a\0plain", b"b\0packed", b"c\0international"]


def test_text_that_unpacks_to_too_much_is_cut():
    """A bomb costs its limit and no more."""
    bomb = zlib.compress(bytes(20 * MOST_UNPACKED))
    block = next(metadata_blocks(png_with((b"zTXt", b"k\0\0" + bomb)), "PNG"))
    assert len(block.body) == MOST_UNPACKED + 2


def test_many_texts_unpack_to_no_more_together():
    """Else a small file would fill the memory with its thousands."""
    bomb = (b"zTXt", b"k\0\0" + zlib.compress(bytes(MOST_UNPACKED)))
    blocks = metadata_blocks(png_with(*[bomb] * 5, (b"tEXt", b"a\0plain")), "PNG")
    *unpacked, last = (block.body for block in blocks)
    assert sum(map(len, unpacked)) < 2 * MOST_UNPACKED
    assert last == b"a\0plain"


NOTHING = {"JPEG": b"\xff\xd0", "PNG": bytes(4) + b"noNe" + bytes(4), "WEBP": b"NONE" + bytes(4)}
SOMETHING = {"JPEG": b"\xff\xfe\0\2", "PNG": bytes(4) + b"tEXt" + bytes(4), "WEBP": b"XMP " + bytes(4)}
STARTS = {"JPEG": 2, "PNG": 8, "WEBP": 12}


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
def test_a_walk_goes_so_far_and_reads_so_much(name):
    """A file of millions of empty chunks holds nobody up."""
    nothing, something = bytes(STARTS[name]) + NOTHING[name] * (MOST_STEPS - 1), SOMETHING[name]
    assert len(kinds(nothing + something + bytes(8), name)) == 1
    assert kinds(nothing + NOTHING[name] + something + bytes(8), name) == []
    assert len(kinds(bytes(STARTS[name]) + something * (MOST_BLOCKS + 1), name)) == MOST_BLOCKS


def test_fill_bytes_are_passed_at_once():
    """As many as there are before a marker."""
    assert kinds(b"\xff\xd8" + b"\xff" * (2 * MOST_STEPS) + SOMETHING["JPEG"], "JPEG") == ["text"]


@pytest.mark.parametrize(("kind", "name"), [(b"caBX", "PNG"), (b"C2PA", "WEBP")])
def test_a_manifest_is_found(kind, name):
    """In the chunk that C2PA 2.1 assigns to the format."""
    if name == "PNG":
        data = png_with((kind, b"jumb"))
    else:
        plain = saved("WEBP")
        data = plain + kind + (4).to_bytes(4, "little") + b"jumb"
    assert kinds(data, name) == ["c2pa"]


def test_a_manifest_in_a_jpeg_is_found():
    """In a segment APP11 that begins with JP."""
    plain = saved("JPEG")
    body = b"JP\0\1\0\0\0\1jumb"
    data = plain[:2] + b"\xff\xeb" + (len(body) + 2).to_bytes(2, "big") + body + plain[2:]
    assert kinds(data, "JPEG") == ["c2pa"]


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP"])
def test_any_cut_and_any_flipped_byte_are_survived(name):
    """The walk ends, and says what it has found so far."""
    exif = Image.Exif()
    exif[305] = "x"
    data = saved(name, exif=exif.tobytes())
    for at in range(0, len(data), 3):
        list(metadata_blocks(data[:at], name))
        list(metadata_blocks(data[:at] + b"\xff\x00" + data[at + 2 :], name))


def test_of_other_formats_nothing_is_read():
    """They have walks of their own, which are not known here."""
    assert kinds(saved("GIF"), "GIF") == []
