"""T10: a small file that claims a huge picture is refused by its header, quickly and cheaply."""

import struct
import time
import zlib
from pathlib import Path

import pytest
from PIL import Image

from service.domain.errors import BrokenPictureError, PictureTooLargeError


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, *extra):
    """A 1-bit black picture of any size, whose rows are made one at a time."""
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    chunks = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", body), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def gif_with_lying_extents():
    """A 10 x 10 screen, and a frame that says it reaches to 60,000."""
    frame = b"," + struct.pack("<HHHH", 0, 0, 60_000, 60_000) + b"\0\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0x80, 0, 0) + bytes(6) + frame + b";"


def webp_with_lying_canvas():
    """The canvas takes 100 MP, which libwebp would allocate before it looks at a pixel."""
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + (9999).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", len(body)) + body


BOMBS = {
    "177 MP in 21 KB": lambda: png(13_300, 13_300),
    "400 MP": lambda: png(20_000, 20_000),
    "just over": lambda: png(10_000, 5_001),
    "long and thin": lambda: png(16_385, 1),
    "gif extents": gif_with_lying_extents,
    "webp canvas": webp_with_lying_canvas,
}


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.parametrize("make", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_by_its_header(pool, make):
    """No pixel is decoded, no memory is taken here, no child is lost, and the reason has the figures."""
    bomb = make()
    memory, lost = resident(), pool.stats().replaced_total
    times = []
    for _ in range(3):
        start = time.perf_counter()
        with pytest.raises(PictureTooLargeError, match=r"\d"):
            pool.decode(bomb, wait_s=60)
        times.append(time.perf_counter() - start)
    assert min(times) <= 0.05
    assert resident() - memory <= 64 * 2**20
    assert pool.stats().replaced_total == lost


@pytest.mark.parametrize("sides", [(0, 64), (64, 0), (0, 0)])
def test_a_webp_without_extent_is_broken_and_costs_no_child(pool, sides):
    """Forty-eight bytes must not be enough to have a process started anew."""
    frame = b"\x10\2\0\x9d\x01\x2a" + struct.pack("<HH", *sides) + bytes(18)
    body = b"WEBPVP8 " + struct.pack("<I", len(frame)) + frame
    lost = pool.stats().replaced_total
    with pytest.raises(BrokenPictureError):
        pool.decode(b"RIFF" + struct.pack("<I", len(body)) + body, wait_s=60)
    assert pool.stats().replaced_total == lost


def test_metadata_that_unpack_beyond_the_limit_are_refused(decode):
    """T9: a zTXt chunk of some kilobytes that unpacks to 60 MB."""
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(60_000_000), 9))
    with pytest.raises(PictureTooLargeError, match="metadata"):
        decode(png(8, 8, text))


def test_plain_metadata_over_the_limit_are_refused(decode, encode, scene):
    """T9: five megabytes of profile on a thumbnail."""
    with pytest.raises(PictureTooLargeError, match="metadata"):
        decode(encode(scene, "JPEG", icc_profile=bytes(5 * 2**20)))


def test_a_picture_at_the_limit_is_decoded(pool, encode):
    """The memory ceiling of a child leaves room for the largest picture allowed, in a hungry format."""
    data = encode(Image.new("RGBA", (10_000, 5_000), (1, 2, 3, 200)), "WEBP", lossless=True, method=0)
    with pool.decode(data, wait_s=60) as decoded:
        assert decoded.pixels.shape == (5_000, 10_000, 3)
        assert decoded.working.shape == (256, 512, 3)
