"""The classical descriptor: local features against words."""

import numpy as np
from skimage import data

from benchmarks.accuracy import vlad
from benchmarks.accuracy.vlad import FEATURES, residuals, rootsift


def test_local_features_have_unit_length():
    """Roots of shares: their squares are the shares, which sum to one."""
    found = rootsift(data.astronaut())
    assert found.shape[1] == 128
    assert FEATURES / 2 < len(found) <= FEATURES + 5
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_a_blank_picture_has_no_local_features():
    """And a descriptor of zeros, which is close to nothing."""
    found = rootsift(np.full((64, 64, 3), 127, np.uint8))
    assert found.shape == (0, 128)
    assert not residuals(found, np.eye(128, dtype=np.float32)).any()


def test_what_is_left_of_a_feature_is_counted_for_its_nearest_word():
    """Here the second word's slot alone is filled, at unit length."""
    words = np.zeros((2, 128), np.float32)
    words[0, 0] = words[1, 1] = 1
    feature = np.zeros((1, 128), np.float32)
    feature[0, 1], feature[0, 5] = 0.8, 0.6
    row = residuals(feature, words).reshape(2, 128)
    assert not row[0].any()
    assert np.allclose(row[1, [1, 5]], np.array([-0.2, 0.6]) / np.hypot(0.2, 0.6))


def test_a_fitted_descriptor_is_read_from_the_cache(tmp_path, monkeypatch):
    """The second call fits nothing; a copy is closer than another picture."""
    pictures = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket(), data.astronaut()[::2, ::2]]
    monkeypatch.setattr(vlad, "_trainable", lambda _: iter(pictures * 2))
    monkeypatch.setattr(vlad, "WORDS", 8)
    monkeypatch.setattr(vlad, "LENGTH", 3)
    first = vlad.fitted(tmp_path, tmp_path)
    monkeypatch.setattr(vlad, "_trainable", None)
    again = vlad.fitted(tmp_path, tmp_path)
    rows = again.describe([pictures[0], pictures[1], pictures[0][40:480, 40:480]])
    assert np.array_equal(rows, first.describe([pictures[0], pictures[1], pictures[0][40:480, 40:480]]))
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[2] @ rows[0] > rows[2] @ rows[1] + 0.3
