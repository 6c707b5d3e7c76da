"""What is let in, and what is turned away before anything is started for it (T3)."""

import pytest

from service.domain.errors import PictureTooLargeError, UnsupportedPictureError
from service.pictures.admit import Header, Limits, sniff, working_size


def box(major, *brands):
    body = b"ftyp" + major + b"\0\0\0\0" + b"".join(brands)
    return (4 + len(body)).to_bytes(4, "big") + body + b"\0\0\0\x10mdat" + bytes(8)


ADMITTED = {
    "jpeg": (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
    "webp": (b"RIFF\x10\0\0\0WEBPVP8 ", "WEBP"),
    "gif87": (b"GIF87a", "GIF"),
    "gif89": (b"GIF89a", "GIF"),
    "tiff little": (b"II*\0\x08\0\0\0", "TIFF"),
    "tiff big": (b"MM\0*\0\0\0\x08", "TIFF"),
    "bigtiff": (b"II+\0\x08\0\0\0", "TIFF"),
    "bmp": (b"BM" + bytes(12) + b"\x28\0\0\0", "BMP"),
    "avif": (box(b"avif", b"mif1"), "AVIF"),
    "avif sequence": (box(b"avis"), "AVIF"),
    "avif in mif1": (box(b"mif1", b"miaf", b"avif"), "AVIF"),
    "heic": (box(b"heic", b"mif1"), "HEIC"),
    "heic in mif1": (box(b"mif1", b"heic", b"avif"), "HEIC"),
    "heif sequence": (box(b"msf1", b"hevc"), "HEIC"),
}
REFUSED = {
    "nothing": b"",
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "pdf": b"%PDF-1.7\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "html": b"<!doctype html><script>",
    "ico": b"\0\0\1\0\1\0\x10\x10",
    "psd": b"8BPS\0\1" + bytes(8),
    "tga": bytes([0, 0, 2]) + bytes(15),
    "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "jpeg 2000 stream": b"\xff\x4f\xff\x51\0\x2f",
    "ppm": b"P6 1 1 255 abc",
    "pcx": b"\x0a\x05\x01\x08",
    "sgi": b"\x01\xda\x01\x01",
    "fli": bytes(4) + b"\x11\xaf",
    "dds": b"DDS |\0\0\0",
    "icns": b"icns\0\0\0\x08",
    "wmf": b"\xd7\xcd\xc6\x9a",
    "hdf": b"\x89HDF\r\n\x1a\n",
    "mp4": box(b"isom", b"mp42"),
    "text that starts like a bitmap": b"BMW drivers of the world, unite at once!",
    "riff that is sound": b"RIFF\x10\0\0\0WAVEfmt ",
    "zip": b"PK\3\4",
    "elf": b"\x7fELF",
}


@pytest.mark.parametrize(("head", "expected"), ADMITTED.values(), ids=ADMITTED)
def test_a_format_on_the_list_is_known_by_its_first_bytes(head, expected):
    """The name of the file plays no part."""
    assert sniff(head) == expected


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_a_format_off_the_list_reaches_no_child(pool, monkeypatch, data):
    """T3: refused as unsupported, and the pool never asks for a child."""
    monkeypatch.setattr(pool._nursery, "borrow", lambda _: pytest.fail("a child was asked for"))
    with pytest.raises(UnsupportedPictureError):
        pool.decode(data)


def test_a_file_over_the_byte_limit_is_refused_with_both_figures(pool, monkeypatch):
    """The reason says how large it is and how large it may be."""
    monkeypatch.setattr(pool._nursery, "borrow", lambda _: pytest.fail("a child was asked for"))
    with pytest.raises(PictureTooLargeError, match=r"26,214,401 bytes; the limit is 26,214,400"):
        pool.decode(b"\xff\xd8\xff" + bytes(25 * 2**20 - 2))


@pytest.mark.parametrize(
    ("width", "height", "metadata", "words"),
    [
        (10_000, 5_001, 0, "50,010,000 pixels"),
        (16_385, 10, 0, "16,384 a side"),
        (10, 10, 4 * 2**20 + 1, "metadata"),
    ],
)
def test_a_header_over_a_limit_is_refused_with_its_figures(width, height, metadata, words):
    """Pixels, sides and metadata each have their limit."""
    header = Header("PNG", width, height, "RGB", animated=False, has_profile=False, metadata_bytes=metadata)
    with pytest.raises(PictureTooLargeError, match=words):
        Limits().check_header(header)


def test_a_header_at_the_limits_passes():
    """The limits are the largest allowed, not the smallest refused."""
    Limits().check_header(Header("PNG", 10_000, 5_000, "RGB", False, False, 4 * 2**20))


@pytest.mark.parametrize(
    ("size", "small"),
    [((512, 9), (512, 9)), ((1024, 768), (512, 384)), ((3, 5000), (1, 512)), ((513, 513), (512, 512))],
)
def test_the_working_picture_keeps_its_shape_and_never_vanishes(size, small):
    """Longest side 512 at most, no side 0, small pictures untouched."""
    assert working_size(*size) == small
