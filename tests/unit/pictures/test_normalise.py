"""T5: every pixel format comes out as the colours that a viewer shows."""

import hashlib
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from service.pictures.colour import to_srgb
from service.pictures.normalise import NORMALISE_VERSION, normalise, pixel_hash, reduce_to_working


def grey(scene):
    return np.repeat(np.asarray(scene.convert("L"))[:, :, None], 3, axis=2)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "HSV", "LAB", "P", "RGBa"])
def test_a_colour_mode_shows_the_same_picture(scene, psnr, mode):
    """Within 30 dB of the source, whatever numbers the mode stores."""
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(scene, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    elif mode == "P":
        image = scene.quantize(256)
    else:
        image = (scene.convert("RGBA") if mode == "RGBa" else scene).convert(mode)
    out, _ = normalise(image)
    assert out.mode == "RGB"
    assert psnr(out, scene) >= 30


@pytest.mark.parametrize("mode", ["L", "LA", "La", "I;16", "I", "F"])
def test_a_grey_mode_shows_the_same_grey(scene, psnr, mode):
    """Sixteen bits and floats are scaled to eight, not clipped."""
    levels = np.asarray(scene.convert("L"))
    images = {
        "I;16": lambda: Image.fromarray(levels.astype(np.uint16) * 257),
        "I": lambda: Image.fromarray(levels.astype(np.int32) * 257),
        "F": lambda: Image.fromarray(levels.astype(np.float32) / 255),
        "La": lambda: Image.fromarray(levels).convert("LA").convert("La"),
    }
    image = images.get(mode, lambda: Image.fromarray(levels).convert(mode))()
    assert image.mode == mode
    assert psnr(normalise(image)[0], grey(scene)) >= 45


def test_black_and_white_stay_black_and_white(scene):
    """Mode 1 has 0 and 255, nothing else."""
    assert set(np.unique(np.asarray(normalise(scene.convert("1"))[0]))) == {0, 255}


def test_twenty_sixteen_bit_pictures_stay_twenty_pictures(decode, encode):
    """Clipping would make each of them one white picture, and all of them duplicates."""
    ramp = np.linspace(3_000, 60_000, 64 * 48).reshape(48, 64)
    hashes = set()
    for turn in range(20):
        facts, pixels = decode(encode(Image.fromarray(np.roll(ramp, 97 * turn).astype(np.uint16)), "PNG"))
        hashes.add(facts.pixel_hash)
        assert pixels.min() < 50
        assert pixels.max() < 250
    assert len(hashes) == 20


def test_floats_that_are_no_numbers_count_as_black(scene):
    """NaN and infinity must not poison the scale of the rest."""
    values = np.asarray(scene.convert("L")).astype(np.float32)
    values[0, :3] = [np.nan, np.inf, -np.inf]
    out = np.asarray(normalise(Image.fromarray(values))[0])
    assert out[0, :3].max() == 0
    assert np.array_equal(out[1:], grey(scene)[1:])


def test_values_without_a_known_scale_are_stretched_and_noted():
    """Measured heights, say: what matters is that the picture stays to be seen."""
    out, notes = normalise(Image.fromarray(np.array([[-1000.0, 0.0], [500.0, 1000.0]], np.float32)))
    assert np.asarray(out)[:, :, 0].tolist() == [[0, 128], [191, 255]]
    assert notes == ("range_stretched",)


def test_an_opaque_picture_with_alpha_has_the_pixels_of_one_without(decode, encode, scene):
    """RGBA that hides nothing is RGB."""
    assert decode(encode(scene.convert("RGBA"), "PNG"))[0].pixel_hash == decode(encode(scene, "PNG"))[0].pixel_hash


def test_colours_under_full_transparency_vanish(decode, encode):
    """Two pictures that look the same are the same, whatever lies under their alpha."""
    red, blue = (Image.new("RGBA", (8, 8), (*colour, 0)) for colour in [(255, 0, 0), (0, 0, 255)])
    (one, pixels), (other, _) = decode(encode(red, "PNG")), decode(encode(blue, "PNG"))
    assert one.pixel_hash == other.pixel_hash
    assert pixels.min() == 255


def test_half_transparency_is_laid_over_white():
    """The one fixed background."""
    out, notes = normalise(Image.new("RGBA", (2, 2), (0, 100, 200, 128)))
    assert out.getpixel((0, 0)) == (127, 177, 227)
    assert notes == ("alpha_composited",)


@pytest.mark.parametrize("name", ["PNG", "GIF"])
def test_a_palette_entry_declared_transparent_becomes_white(decode, encode, name):
    """By tRNS in PNG, by the graphic control block in GIF."""
    image = Image.new("P", (4, 4), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((0, 0), 0)
    _, pixels = decode(encode(image, name, transparency=0))
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert pixels[3, 3].tolist() == [0, 0, 255]


def test_a_sixteen_bit_grey_declared_transparent_becomes_white():
    """PNG's tRNS names one 16-bit grey."""
    image = Image.fromarray(np.array([[1000, 1001]], np.uint16))
    image.info["transparency"] = 1000
    assert np.asarray(normalise(image)[0])[0, :, 0].tolist() == [255, 4]


def png(width, height, depth, colour, rows, *chunks):
    """Written by hand, for Pillow writes neither 2-bit grey nor 16-bit colours."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [(b"IHDR", head), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize(("depth", "row"), [(2, [0b00011011]), (4, [0x05, 0xAF])])
def test_a_shallow_grey_declared_transparent_becomes_white(decode, depth, row):
    """A tRNS counts in the file's own levels: 1 of 3, or 5 of 15, is a third of the way to white."""
    clear = {2: 1, 4: 5}[depth]
    _, pixels = decode(png(4, 1, depth, 0, [bytes(row)], (b"tRNS", struct.pack(">H", clear))))
    assert pixels[0, :, 0].tolist() == [0, 255, 170, 255]


@pytest.mark.parametrize("clear", [(0, 0, 0), (0x0102, 0x0304, 0x0506), (1, 3, 5)])
def test_a_sixteen_bit_colour_declared_transparent_is_left_alone_and_noted(decode, clear):
    """Eight bits are left when it would have to be found, and many a colour shares those."""
    row = struct.pack(">12H", 0, 0, 0, 1, 2, 3, 0x0102, 0x0304, 0x0506, 0x01FF, 0x03FF, 0x05FF)
    facts, pixels = decode(png(4, 1, 16, 2, [row], (b"tRNS", struct.pack(">3H", *clear))))
    assert pixels[0].tolist() == [[0, 0, 0], [0, 0, 0], [1, 3, 5], [1, 3, 5]]
    assert facts.notes == ("transparency_dropped",)


@pytest.mark.parametrize("compression", [None, "tiff_lzw"])
def test_a_sixteen_bit_tiff_whose_zero_is_white_comes_out_positive(decode, encode, scene, psnr, compression):
    """Pillow turns those of eight bits and less round, and leaves sixteen."""
    dark = Image.fromarray(65_535 - np.asarray(scene.convert("L")).astype(np.uint16) * 257)
    data = encode(dark, "TIFF", compression=compression)
    black_is_zero, white_is_zero = (struct.pack("<HHIHH", 262, 3, 1, value, 0) for value in (1, 0))
    assert data.count(black_is_zero) == 1
    assert psnr(decode(data.replace(black_is_zero, white_is_zero))[1], grey(scene)) >= 45


def grey_profile():
    """An ICC profile of one grey with gamma 1: far from sRGB's curve."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63_190, 65_536, 54_061)
    curve = b"curv\0\0\0\0" + struct.pack(">I", 0)
    tags = struct.pack(">I", 2) + b"wtpt" + struct.pack(">II", 156, 20) + b"kTRC" + struct.pack(">II", 176, 12)
    rest = tags + white + curve
    head = struct.pack(">I4sI", 128 + len(rest), b"lcms", 0x02400000) + b"mntrGRAYXYZ " + bytes(12) + b"acsp"
    return head + bytes(28) + struct.pack(">3i", 63_190, 65_536, 54_061) + bytes(48) + rest


def with_alpha(levels, kind, encode, profile):
    """A grey ramp as PNG with that profile, its first pixel fully transparent, in each way that PNG knows."""
    if kind == "LA":
        image = Image.fromarray(levels).convert("LA")
        image.putpixel((0, 0), (int(levels[0, 0]), 0))
        return encode(image, "PNG", icc_profile=profile)
    if kind == "L and tRNS":
        return encode(Image.fromarray(levels), "PNG", icc_profile=profile, transparency=int(levels[0, 0]))
    if kind == "I;16 and tRNS":
        wide = Image.fromarray(levels.astype(np.uint16) * 257)
        return encode(wide, "PNG", icc_profile=profile, transparency=int(levels[0, 0]) * 257)
    pairs = np.stack([levels.astype(">u2") * 257, np.full(levels.shape, 65_535)], -1).astype(">u2")
    pairs[0, 0, 1] = 0
    named = b"grey\0\0" + zlib.compress(profile)
    return png(levels.shape[1], levels.shape[0], 16, 4, [row.tobytes() for row in pairs], (b"iCCP", named))


@pytest.mark.parametrize("kind", ["LA", "L and tRNS", "I;16 and tRNS", "LA of sixteen bits"])
def test_a_grey_profile_is_applied_beside_alpha(decode, encode, kind):
    """The opaque pixels are those of the same picture without alpha; the transparent one is white."""
    levels = np.arange(40, 240, dtype=np.uint8).reshape(10, 20)
    facts, pixels = decode(with_alpha(levels, kind, encode, grey_profile()))
    plain, expected = decode(encode(Image.fromarray(levels), "PNG", icc_profile=grey_profile()))
    assert plain.notes == ("icc_applied",)
    assert np.abs(expected[:, :, 0].astype(int) - levels).max() > 20
    assert {"icc_applied", "alpha_composited"} <= set(facts.notes)
    assert pixels[0, 0].tolist() == [255, 255, 255]
    assert np.array_equal(pixels.reshape(-1, 3)[1:], expected.reshape(-1, 3)[1:])


def test_inverted_cmyk_of_a_jpeg_is_turned_back(decode, encode, scene, psnr):
    """Adobe writes CMYK upside down, and says so in a marker."""
    _, pixels = decode(encode(scene.convert("CMYK"), "JPEG", quality=95))
    assert psnr(pixels, scene) >= 30


def test_an_srgb_profile_changes_no_pixel(decode, encode, scene):
    """A tagged picture and its untagged copy have the same pixels."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tagged, plain = decode(encode(scene, "PNG", icc_profile=profile))[0], decode(encode(scene, "PNG"))[0]
    assert tagged.pixel_hash == plain.pixel_hash
    assert tagged.notes == ()


def swapped_profile():
    """The sRGB profile with the red and blue primaries exchanged: any use of it shows."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile.replace(b"rXYZ", b"qXYZ", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"qXYZ", b"bXYZ", 1)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_a_profile_that_matters_is_applied(mode):
    """Red tagged as blue comes out blue, with or without alpha and palette."""
    image = Image.new("RGB", (4, 4), (255, 0, 0)).convert(mode)
    image.info["icc_profile"] = swapped_profile()
    out, notes = normalise(image)
    assert out.getpixel((0, 0))[2] > 250
    assert out.getpixel((0, 0))[0] < 5
    assert notes == ("icc_applied",)


@pytest.mark.parametrize("profile", [b"no profile at all", swapped_profile()[:200]], ids=["nonsense", "cut"])
def test_a_damaged_profile_is_noted_and_left_aside(decode, encode, scene, profile):
    """The numbers are then taken as sRGB, as viewers do."""
    facts, pixels = decode(encode(scene, "PNG", icc_profile=profile))
    assert np.array_equal(pixels, np.asarray(scene))
    assert facts.notes == ("icc_unusable",)


def test_a_profile_of_another_colour_space_is_noted_and_left_aside(decode, encode, scene):
    """A colour profile on a CMYK file cannot be meant."""
    facts, _ = decode(encode(scene.convert("CMYK"), "JPEG", icc_profile=swapped_profile()))
    assert facts.notes == ("icc_unusable",)


def test_a_profile_is_built_once(scene, monkeypatch):
    """Building a transform costs more than using it."""
    profile = swapped_profile() + b"\0"
    to_srgb(scene, profile)
    monkeypatch.setattr(ImageCms, "buildTransform", lambda *_: pytest.fail("built again"))
    to_srgb(scene, profile)


def test_the_pixel_hash_is_over_version_size_and_rgb_bytes(scene):
    """Written out, so that others can compute it."""
    pixels = np.asarray(scene).tobytes()
    assert pixel_hash(scene) == hashlib.sha256(struct.pack("<3I", NORMALISE_VERSION, 96, 64) + pixels).hexdigest()


def test_pictures_of_other_shape_but_the_same_bytes_differ_in_pixel_hash():
    """A 4 x 2 black picture is not a 2 x 4 black picture."""
    assert pixel_hash(Image.new("RGB", (4, 2))) != pixel_hash(Image.new("RGB", (2, 4)))


def test_the_working_picture_averages_what_falls_together():
    """A fine chequerboard becomes grey, not a pattern that was never there."""
    board = np.indices((2048, 2048)).sum(axis=0) % 2 * 255
    small = np.asarray(reduce_to_working(Image.fromarray(board.astype(np.uint8)).convert("RGB")))
    assert small.shape == (512, 512, 3)
    assert np.abs(small.astype(int) - 128).max() <= 1


def test_a_small_picture_is_its_own_working_picture(scene):
    """Nothing is enlarged, and nothing is copied."""
    assert reduce_to_working(scene) is scene
