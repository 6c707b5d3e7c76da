"""Local features as bytes and back."""

import numpy as np
import pytest

from service.domain.keypoints import CODE_LENGTH, Keypoints, unpack


@pytest.fixture
def some():
    rng = np.random.default_rng(3)
    count = 150
    return Keypoints(
        places=rng.random((count, 2), np.float32),
        sizes=(2.0 ** rng.uniform(-9, -1, count)).astype(np.float32),
        angles=rng.uniform(0, 2 * np.pi, count).astype(np.float32),
        codes=rng.integers(-127, 128, (count, CODE_LENGTH)).astype(np.int8),
        width=1.0,
        height=0.75,
    )


def test_what_is_packed_comes_back_within_its_grain(some):
    """Places to a 65,535th, sizes to a 32nd of an octave, angles to a 512th of a turn; codes exactly."""
    back = unpack(some.pack())
    assert np.abs(back.places - some.places).max() < 1 / 65535
    assert np.abs(np.log2(back.sizes / some.sizes)).max() <= 1 / 32 + 1e-4
    turns = (back.angles - some.angles + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(turns).max() <= np.pi / 256 + 1e-4
    assert (back.codes == some.codes).all()
    assert (back.width, back.height) == pytest.approx((1.0, 0.75), abs=1e-4)


def test_two_looks_at_one_picture_are_joined(some):
    """Those of the first come first, each with all that belongs to it."""
    both = some.first(100).joined(some)
    back = both.first(100)
    assert len(both) == 100 + len(some)
    for name in ("places", "sizes", "angles", "codes"):
        assert (getattr(back, name) == getattr(some, name)[:100]).all()
        assert (getattr(both, name)[100:] == getattr(some, name)).all()
    assert (both.width, both.height) == (some.width, some.height)


def test_a_feature_takes_54_bytes(some):
    """Two hundred of them are about ten kilobytes."""
    assert len(some.pack()) - len(some.first(0).pack()) == 54 * len(some)


def test_none_at_all_can_be_packed(some):
    """A picture without a single feature is remembered as one."""
    assert len(unpack(some.first(0).pack())) == 0


@pytest.mark.parametrize("cut", [0, 3, 12, 1000, -1])
def test_torn_bytes_are_not_read(some, cut):
    """A power cut may leave the beginning of a file: it is made again."""
    assert unpack(some.pack()[:cut]) is None


def test_a_changed_bit_anywhere_is_noticed(some):
    """Every byte stands under the checksum."""
    data = some.first(5).pack()
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 4
        assert unpack(bytes(changed)) is None, place
