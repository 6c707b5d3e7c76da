"""What a file says of itself: tables, depth, marks; read without decoding."""

import io

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from service.domain.file_facts import FileFacts
from service.pictures.exif import BITS, read_tags
from service.pictures.file_facts import read_file_facts

PICTURE = Image.fromarray(np.random.default_rng(1).integers(0, 256, (24, 32, 3), np.uint8))
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def saved(kind="JPEG", picture=PICTURE, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def store(text):
    """One manifest, which holds nothing but a text, in a store."""
    kind = bytes.fromhex("00110010800000aa00389b71")
    manifest = box(b"jumb", box(b"jumd", b"c2ma" + kind + b"\3urn:uuid:1\0") + text)
    return box(b"jumb", box(b"jumd", b"c2pa" + kind + b"\3c2pa\0") + manifest)


def box(kind, body):
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def with_exif(**tags):
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[int(tag[1:])] = value
    return read_file_facts(saved(exif=exif.tobytes()), "JPEG")


def png_text(key, value):
    info = PngImagePlugin.PngInfo()
    info.add_text(key, value)
    return read_file_facts(saved("PNG", pnginfo=info), "PNG")


def jpeg_with_manifest(text):
    body = b"JP\0\1\0\0\0\1" + store(text)
    plain = saved()
    data = plain[:2] + b"\xff\xeb" + (len(body) + 2).to_bytes(2, "big") + body + plain[2:]
    return read_file_facts(data, "JPEG")


@pytest.mark.parametrize("quality", [1, 10, 35, 50, 75, 90, 95, 99, 100])
def test_the_quality_that_pillow_was_told_is_read_from_the_tables(quality):
    """Exactly: Pillow uses the IJG's tables."""
    assert read_file_facts(saved(quality=quality), "JPEG").jpeg_quality == quality


def test_tables_of_another_kind_read_as_the_closest():
    """Each value 10: what quality 75 to 95 have on the mean."""
    facts = read_file_facts(saved(qtables=[[10] * 64, [10] * 64]), "JPEG")
    assert 75 <= facts.jpeg_quality <= 95


@pytest.mark.parametrize(
    ("name", "options", "lossless"),
    [
        ("JPEG", {}, False),
        ("PNG", {}, True),
        ("BMP", {}, True),
        ("TIFF", {}, True),
        ("TIFF", {"compression": "jpeg"}, False),
        ("WEBP", {"lossless": True}, True),
        ("WEBP", {}, False),
        ("GIF", {}, False),
    ],
)
def test_lossless_formats_are_known(name, options, lossless):
    """GIF is none of them: most pictures lose colours to its palette."""
    assert read_file_facts(saved(name, **options), name).lossless is lossless


@pytest.mark.parametrize(
    ("name", "picture", "bits"),
    [
        ("JPEG", PICTURE, 8),
        ("PNG", PICTURE, 8),
        ("PNG", Image.fromarray(np.zeros((8, 8), np.uint16)), 16),
        ("PNG", PICTURE.quantize(4), 8),
        ("PNG", PICTURE.convert("1"), 1),
        ("TIFF", PICTURE, 8),
        ("TIFF", Image.fromarray(np.zeros((8, 8), np.uint16)), 16),
        ("AVIF", PICTURE, 8),
        ("WEBP", PICTURE, 8),
    ],
)
def test_the_bits_of_a_channel_are_read(name, picture, bits):
    """Those that the file keeps, whatever they are decoded to."""
    assert read_file_facts(saved(name, picture), name).bit_depth == bits


def test_camera_and_software_are_those_of_exif():
    """Make and model together."""
    facts = with_exif(t271="Canon", t272="EOS 5D", t305="Adobe Photoshop 25.0")
    assert (facts.camera, facts.software) == ("Canon EOS 5D", "Adobe Photoshop 25.0")
    assert facts.metadata == {"exif"}


def test_software_is_read_from_xmp_and_from_pngs_text_too():
    """Where EXIF is silent."""
    xmp = b'<rdf:Description xmp:CreatorTool="GIMP 2.10"/>'
    assert read_file_facts(saved(xmp=xmp), "JPEG").software == "GIMP 2.10"
    assert png_text("Software", "gnome-screenshot").software == "gnome-screenshot"


def test_the_digital_source_type_is_read_from_xmp():
    """As IPTC writes it."""
    xmp = f'<rdf:Description Iptc4xmpExt:DigitalSourceType="{IPTC}trainedAlgorithmicMedia"/>'.encode()
    assert read_file_facts(saved(xmp=xmp), "JPEG").source_type == "trainedAlgorithmicMedia"


def test_a_manifest_tells_source_type_generator_and_edits():
    """Which stand in it as plain text between CBOR."""
    text = b"\xa2factionlc2pa.createdqdigitalSourceType" + f"{IPTC}trainedAlgorithmicMedia".encode()
    facts = jpeg_with_manifest(text + b"\x00claim_generatorfOpenAI\x00c2pa.actions\x00c2pa.resized\x00c2pa.cropped\x00")
    assert facts.metadata == {"c2pa"}
    assert (facts.source_type, facts.generator) == ("trainedAlgorithmicMedia", "OpenAI")
    assert facts.edits == ("resized", "cropped")


@pytest.mark.parametrize(
    ("key", "value", "who"),
    [
        ("parameters", "a cat\nSteps: 20, Sampler: Euler a, CFG scale: 7", "Stable Diffusion"),
        ("prompt", '{"3": {"class_type": "KSampler"}}', "ComfyUI"),
        ("invokeai_metadata", "{}", "InvokeAI"),
        ("Software", "NovelAI", "NovelAI"),
    ],
)
def test_marks_of_generators_are_known(key, value, who):
    """By what they write into PNG's text."""
    assert png_text(key, value).generator == who


def test_a_caption_that_speaks_of_a_generator_is_no_mark():
    """People write about them."""
    assert png_text("Description", "A talk about OpenAI, Midjourney and Stable Diffusion").generator is None


@pytest.mark.parametrize("words", ["Screenshot", "screen shot 2024"])
def test_a_mark_calls_a_picture_a_screenshot(words):
    """As phones write into EXIF's comment, and desktops into the description."""
    assert with_exif(t270=words).called_screenshot
    assert not with_exif(t270="a harbour").called_screenshot


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_any_cut_and_any_damage_are_survived(name):
    """Facts may be missing; nothing is raised."""
    data = saved(name)
    for at in [*range(0, min(len(data), 400), 3), len(data) // 2]:
        assert isinstance(read_file_facts(data[:at], name), FileFacts)
        assert isinstance(read_file_facts(data[:at] + b"\xff" * 5 + data[at + 5 :], name), FileFacts)


def test_marks_of_some_formats_are_not_read_and_the_facts_say_so():
    """So that silence is not taken for innocence."""
    assert [read_file_facts(saved(name), name).marks_readable for name in ("JPEG", "PNG", "WEBP", "AVIF", "GIF")] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_a_big_tiff_is_not_read_as_a_classic_one():
    """Its directories are laid out otherwise, so nothing is said of it."""
    facts = read_file_facts(b"II+\0" + saved("TIFF")[4:], "TIFF")
    assert (facts.lossless, facts.bit_depth, facts.camera) == (None, None, None)


def test_a_number_that_is_cut_off_is_not_there():
    """Half of it would be another number."""
    three_shorts = b"\2\1\3\0\3\0\0\0"
    tiff = b"II*\0\x08\0\0\0\1\0" + three_shorts + b"\x16\0\0\0"
    assert read_tags(tiff + b"\x08\0") == {BITS: 8}
    assert read_tags(tiff + b"\x08") == {}
