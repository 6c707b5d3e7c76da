"""What moves the hash, and what does not."""

import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw

from service.descriptors.hashes import BLOCK, GRID, HASH_BITS, LEAST_SIDE, _averaging, frequencies, hamming
from service.domain.dihedral import POSES

COPY = 31
"""Bits: the `hash` matcher's default."""


@pytest.fixture(scope="module")
def spectra(photographs):
    return {name: frequencies(picture) for name, picture in photographs.items()}


def plain(level=127, width=200, height=150):
    return np.full((height, width, 3), level, np.uint8)


def gradient():
    return np.tile(np.linspace(0, 255, 300).astype(np.uint8)[:, None, None], (1, 400, 3))


def vignette():
    """Bright in the middle, dark at the rim: as strong as a photograph, in a handful of frequencies."""
    y, x = np.indices((300, 400))
    light = 255 * np.cos(np.pi * (x / 400 - 0.5)) * np.cos(np.pi * (y / 300 - 0.5))
    return np.repeat(light.astype(np.uint8)[:, :, None], 3, axis=2)


def placeholder():
    image = Image.new("RGB", (400, 300), (221, 221, 221))
    ImageDraw.Draw(image).text((120, 140), "No image available", fill=(90, 90, 90), font_size=18)
    return np.asarray(image)


@pytest.mark.parametrize("pose", POSES, ids=str)
def test_a_mirrored_or_turned_copy_is_found_in_some_pose(spectra, photographs, pose):
    """Its own hash equals one of the eight, but for a bit or two that rounding moves across the median."""
    for name, spectrum in spectra.items():
        turned = frequencies(np.ascontiguousarray(pose.lay(photographs[name])))
        assert min(hamming(turned.phash(), posed) for posed in spectrum.posed_phashes()) <= 2


def test_the_first_pose_is_the_picture_as_it_stands(spectra):
    """What is stored is the first of what is asked."""
    spectrum = spectra["coffee"]
    assert spectrum.posed_phashes()[0] == spectrum.phash()


def test_a_small_rough_jpeg_keeps_its_hash(spectra, photographs, resized, saved_as_jpeg):
    """Half the size at quality 30 stays within the distance that counts as a copy."""
    for name, spectrum in spectra.items():
        rough = saved_as_jpeg(resized(photographs[name], 0.5), 30)
        assert hamming(frequencies(rough).phash(), spectrum.phash()) <= COPY


def test_unrelated_pictures_lie_far_apart(spectra):
    """In every pose: more than twice as far as a copy may lie."""
    for left, right in itertools.combinations(spectra.values(), 2):
        assert min(hamming(left.phash(), posed) for posed in right.posed_phashes()) > 2.5 * COPY


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(plain(127), id="flat"),
        pytest.param(plain(255), id="all-white"),
        pytest.param(plain(0), id="all-black"),
        pytest.param(plain(200, 1, 1), id="one-pixel"),
        pytest.param(gradient(), id="gradient"),
        pytest.param(vignette(), id="vignette"),
        pytest.param(placeholder(), id="placeholder"),
    ],
)
def test_a_picture_that_shows_nothing_has_too_little_detail(picture):
    """Else every blank page would be every other's copy."""
    assert frequencies(picture).too_little_detail


def test_a_tiny_picture_has_too_little_detail_whatever_it_shows(photographs):
    """One pixel under the least side, in either direction."""
    noise = photographs["gravel"]
    assert frequencies(noise[: LEAST_SIDE - 1]).too_little_detail
    assert frequencies(noise[:, : LEAST_SIDE - 1]).too_little_detail
    assert not frequencies(noise[:LEAST_SIDE, :LEAST_SIDE]).too_little_detail


def test_photographs_have_detail_enough(spectra):
    """None of them may fall out of the search."""
    assert [name for name, spectrum in spectra.items() if spectrum.too_little_detail] == []


def test_half_of_the_bits_are_set(spectra):
    """The median splits them evenly, whatever the contrast."""
    for spectrum in spectra.values():
        assert len(spectrum.phash()) * 8 == HASH_BITS
        assert int.from_bytes(spectrum.phash(), "big").bit_count() == HASH_BITS // 2


def test_brightness_does_not_move_the_hash(coffee):
    """The zeroth frequencies, which carry it, are left out."""
    assert hamming(frequencies(coffee // 2 + 60).phash(), frequencies(coffee // 2).phash()) <= 2


@pytest.mark.parametrize("side", [1, 2, 17, 63, 64, 65, 100, 511, 512])
def test_averaging_shares_every_pixel_out_exactly(side):
    """Each cell is a mean (its shares sum to 1), and each pixel counts as much as any other."""
    shares = _averaging(side)
    assert shares.shape == (GRID, side)
    assert shares.min() >= 0
    assert shares.sum(axis=1) == pytest.approx(np.ones(GRID), abs=1e-5)
    assert shares.sum(axis=0) == pytest.approx(np.full(side, GRID / side), rel=1e-5)


def test_the_block_holds_the_lowest_frequencies_but_the_zeroth():
    """A pure cosine of frequency (3 down, 5 across) lands in one number, row 2, column 4."""
    grid = np.arange(GRID) + 0.5
    wave = np.outer(np.cos(np.pi * 3 * grid / GRID), np.cos(np.pi * 5 * grid / GRID))
    picture = np.repeat(np.rint(127 + 100 * wave).astype(np.uint8)[:, :, None], 3, axis=2)
    block = np.abs(frequencies(picture).block)
    assert block.shape == (BLOCK, BLOCK)
    assert np.unravel_index(block.argmax(), block.shape) == (2, 4)
    assert np.sort(block.ravel())[-2] < 0.01 * block.max()


def test_hamming_counts_the_bits_that_differ():
    """Nothing against itself, everything against its complement."""
    assert hamming(b"\x0f\x00", b"\x0f\x00") == 0
    assert hamming(b"\x0f\x00", b"\xff\x01") == 5
    assert hamming(bytes(32), b"\xff" * 32) == 256


def test_a_lossless_copy_has_the_same_numbers(coffee, written):
    """PNG keeps every pixel, so nothing may move."""
    again = np.asarray(Image.open(io.BytesIO(written(coffee, "PNG"))))
    assert np.array_equal(frequencies(again).block, frequencies(coffee).block)
