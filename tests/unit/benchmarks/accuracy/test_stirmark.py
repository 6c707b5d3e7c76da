"""StirMark's attacks do what its table says, as we read it."""

import numpy as np
import pytest
from skimage import data
from skimage.metrics import peak_signal_noise_ratio
from skimage.transform import resize

from benchmarks.accuracy.stirmark import ATTACKS, VALUES, attacked

PICTURE = np.rint(resize(data.astronaut(), (100, 160), anti_aliasing=True) * 255).astype(np.uint8)
WHITE = np.full((100, 160, 3), 255, np.uint8)
EVERY = [(name, value) for name, values in VALUES.items() for value in values]


def done(name, value, picture=PICTURE, seed=1):
    return attacked(picture, name, value, np.random.default_rng(seed))


def test_every_test_of_the_table_has_its_attack():
    """And no other."""
    assert list(ATTACKS) == list(VALUES)
    assert len(EVERY) == 104


@pytest.mark.parametrize(("name", "value"), EVERY)
def test_every_attack_makes_a_picture_and_the_same_one_again(name, value):
    """RGB bytes, whatever is drawn at random, and other bytes than before but for no noise at all."""
    made = done(name, value)
    assert made.dtype == np.uint8
    assert made.shape[2] == 3
    assert np.array_equal(made, done(name, value))
    assert np.array_equal(made, PICTURE) == ((name, value) == ("AddNoise", 0))


def test_noise_of_twenty_has_the_published_strength():
    """9.6 dB, a little less after what leaves the range is cut off."""
    grey = np.full((200, 200, 3), 128, np.uint8)
    assert peak_signal_noise_ratio(grey, done("AddNoise", 20, grey)) == pytest.approx(9.6, abs=0.4)


@pytest.mark.parametrize(
    ("name", "value", "shape"),
    [
        ("RemoveLines", 10, (90, 144)),
        ("RemoveLines", 100, (99, 159)),
        ("Cropping", 75, (25, 40)),
        ("Cropping", 1, (99, 158)),
        ("Rescale", 150, (150, 240)),
        ("Rotation", 90, (160, 100)),
        ("RotationScale", 2, (100, 160)),
        ("Affine", 5, (100, 160)),
    ],
)
def test_sizes_are_those_of_the_table(name, value, shape):
    """As we read its per cents."""
    assert done(name, value).shape[:2] == shape


def test_a_crop_keeps_the_centre():
    """Half of each side."""
    assert np.array_equal(done("Cropping", 50), PICTURE[25:75, 40:120])


@pytest.mark.parametrize("angle", [-2, 0.25, 2])
def test_a_rotation_that_is_cropped_has_no_black_corners(angle):
    """One that is not has."""
    assert done("RotationCrop", angle, WHITE).min() > 250
    assert done("Rotation", angle, WHITE).min() == 0


def test_similar_blocks_change_places_in_as_many_channels_as_asked():
    """With 1 the colour differences stay as they are."""
    luma, everything = (done("SelfSimilarities", value).astype(float) for value in (1, 3))
    assert np.abs(luma - PICTURE).mean() > 1
    red_over_green = [made[..., 0] - made[..., 1] for made in (luma, everything, PICTURE.astype(float))]
    assert np.abs(red_over_green[0] - red_over_green[2]).mean() < 3
    assert np.abs(red_over_green[1] - red_over_green[2]).mean() > 3
    assert peak_signal_noise_ratio(PICTURE, done("SelfSimilarities", 3)) > 15


@pytest.mark.parametrize("name", ["SmallRandomDistortions", "LatestSmallRandomDistortions"])
def test_a_bend_moves_things_a_little(name):
    """Still alike at a glance, and another one with another seed."""
    made, other = done(name, 1.1), done(name, 1.1, seed=2)
    assert made.shape == PICTURE.shape
    assert not np.array_equal(made, other)
    assert 10 < peak_signal_noise_ratio(PICTURE, made) < 30


def test_the_latest_bend_is_the_finer_one():
    """Drawn with the same numbers, it is another."""
    assert not np.array_equal(done("SmallRandomDistortions", 1), done("LatestSmallRandomDistortions", 1))
