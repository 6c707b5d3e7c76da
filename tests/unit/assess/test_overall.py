"""The one number: what each loss does to it when all else stays."""

import itertools

import pytest

from service.assess.overall import overall

GOOD = {"megapixels": 2.0, "sharpness": 0.8, "noise": 1.0, "compression": 0.9, "exposure": 0.9, "contrast": 0.8}


@pytest.mark.parametrize(
    ("name", "worse"),
    [
        ("megapixels", (30, 8, 2, 0.5, 0.01)),
        ("sharpness", (0.99, 0.8, 0.5, 0.1)),
        ("noise", (0, 1, 5, 20, 60)),
        ("compression", (1, 0.95, 0.75, 0.3)),
        ("exposure", (1, 0.8, 0.3)),
        ("contrast", (1, 0.6, 0.1)),
    ],
)
def test_it_falls_with_every_part(name, worse):
    """Strictly, and stays within 0..1."""
    read = [overall(**GOOD | {name: value}) for value in worse]
    assert all(better > lesser for better, lesser in itertools.pairwise(read))
    assert all(0 <= each <= 1 for each in read)


def test_a_perfect_picture_reads_nearly_1():
    """Sharpness itself never reaches 1."""
    assert overall(megapixels=50, sharpness=0.999, noise=0, compression=1, exposure=1, contrast=1) > 0.99


def test_a_picture_without_any_sharpness_reads_0():
    """One colour."""
    assert overall(**GOOD | {"sharpness": 0.0}) == 0


def test_what_noise_adds_to_sharpness_does_not_count():
    """A soft picture (variance 50) with noise of 5 levels, whose Laplacian has a variance of 500 more."""
    soft = overall(**GOOD | {"sharpness": 50 / 250, "noise": 0})
    assert overall(**GOOD | {"sharpness": 550 / 750, "noise": 5}) < soft
