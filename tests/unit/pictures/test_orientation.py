"""T4: eight orientations, five formats, one upright picture."""

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

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


XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    b'xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def in_xmp(name):
    if name == "PNG":
        notes = PngImagePlugin.PngInfo()
        notes.add_itxt("XML:com.adobe.xmp", XMP.decode())
        return {"pnginfo": notes}
    return {"tiffinfo": {700: XMP}} if name == "TIFF" else {"xmp": XMP}


@pytest.mark.parametrize("name", ["PNG", "WEBP", "TIFF", "JPEG", "AVIF"])
def test_the_orientation_in_xmp_turns_nothing(decode, encode, scene, name):
    """Only EXIF's and TIFF's own count. Editors leave XMP behind that speaks of an earlier state."""
    facts, _ = decode(encode(scene, name, **in_xmp(name)))
    assert (facts.width, facts.height) == scene.size


def test_the_orientation_that_imagemagick_hides_in_a_png_counts(decode, encode, scene):
    """It is EXIF all the same, as hex in a text chunk."""
    stored, exif = as_stored(scene, 6)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Raw profile type exif", f"\nexif\n{len(exif):8}\n{exif.hex()}\n", zip=True)
    _, pixels = decode(encode(stored, "PNG", pnginfo=notes))
    assert np.array_equal(pixels, np.asarray(scene))


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
