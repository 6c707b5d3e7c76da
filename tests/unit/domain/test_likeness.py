"""What the order of an index by the cosine says of other distances."""

import numpy as np
import pytest

from service.domain.likeness import Distance, distance, least_distance


@pytest.mark.parametrize("metric", list(Distance))
def test_nothing_behind_a_cosine_lies_nearer_than_is_said(metric):
    """Of vectors of all lengths; and some lie not much farther, so that it is worth asking."""
    chance = np.random.default_rng(5)
    query = chance.normal(size=8) * 3
    others = query + chance.normal(size=(4000, 8)) * chance.uniform(0, 6, (4000, 1))
    length = np.linalg.norm(query)
    units = others / np.linalg.norm(others, axis=1, keepdims=True)
    cosines = units @ query / length
    # As long as they happen to be, and as long as brings each direction nearest.
    others = np.concatenate([others, units * np.maximum(cosines, 1e-3)[:, None] * length])
    cosines = np.tile(cosines, 2)
    far = np.array([distance(query, other, metric) for other in others])
    for cosine in (-0.5, 0.0, 0.3, 0.7, 0.95):
        nearest = far[cosines <= cosine].min()
        least = least_distance(query, cosine, metric)
        assert least <= nearest < least + 0.3


def test_of_what_points_the_same_way_nothing_is_said():
    """It may lie anywhere, down to the very place."""
    assert [least_distance(np.ones(4), 1.0, metric) for metric in Distance] == [0.0, 0.0, 0.0]
