"""Figures over small sets that can be worked out by hand."""

import math

import numpy as np
import pytest

from benchmarks.accuracy.metrics import Pooled, Prediction, Share, recall_at_k
from service.domain.regions import overlap

TRUTH = {"a": "1", "b": "2", "c": "3", "stranger": None}


def pooled(*said, truth=TRUTH):
    return Pooled.of([Prediction(*one) for one in said], truth)


def test_average_precision_pools_all_queries():
    """Right at rank 1 and 3 of the pool, and one of three never found: (1/1 + 2/3) / 3."""
    curve = pooled(("a", "1", 9.0), ("stranger", "2", 8.0), ("b", "2", 7.0), ("c", "1", 6.0)).curve()
    assert curve.average_precision() == pytest.approx((1 + 2 / 3) / 3)


def test_the_order_of_equal_scores_does_not_matter():
    """Both are admitted at once: one right of two, whichever stands first."""
    said = [("a", "1", 5.0), ("stranger", "2", 5.0)]
    assert pooled(*said).curve().average_precision() == pytest.approx(0.5 / 3)
    assert pooled(*reversed(said)).curve().average_precision() == pytest.approx(0.5 / 3)


def test_predictions_of_other_queries_are_left_out():
    """So that single edits can be judged without the chains."""
    truth = {"a": "1"}
    assert pooled(("a", "1", 1.0), ("b", "1", 2.0), truth=truth).curve().average_precision() == 1


def test_recall_at_a_precision_comes_with_its_threshold():
    """Down to the score 7 two of three are right; below it a fourth is wrong."""
    curve = pooled(("a", "1", 9.0), ("stranger", "2", 8.0), ("b", "2", 7.0), ("c", "1", 6.0)).curve()
    assert curve.recall_at(0.6) == (pytest.approx(2 / 3), 7.0)
    assert curve.recall_at(0.999) == (pytest.approx(1 / 3), 9.0)


def test_a_precision_that_is_never_reached_has_no_threshold():
    """The first answer is wrong already."""
    assert pooled(("stranger", "2", 8.0), ("b", "2", 7.0)).curve().recall_at(0.9) == (0.0, None)
    assert pooled().curve().recall_at(0.9) == (0.0, None)


def test_bounds_of_the_average_precision_hold_it():
    """And are the same for the same seed."""
    rng = np.random.default_rng(1)
    truth = {str(n): str(n) for n in range(200)}
    said = [(str(n), str(n if rng.random() < 0.8 else n + 1), float(rng.random())) for n in range(200)]
    all_of_them = pooled(*said, truth=truth)
    low, high = all_of_them.average_precision_bounds(7, rounds=100)
    assert low < all_of_them.curve().average_precision() < high
    assert 0.05 < high - low < 0.3
    assert (low, high) == all_of_them.average_precision_bounds(7, rounds=100)


def test_recall_at_k_counts_the_first_k():
    """Rank 19 is among the first 20, rank 20 is not, nor is one that was never listed."""
    ranks = [0, 19, 20, None]
    assert recall_at_k(ranks, 20) == Share(2, 4)
    assert recall_at_k(ranks, 1) == Share(1, 4)


def test_a_share_has_wilsons_bounds():
    """Those of the textbook: 8 of 10 is between 0.490 and 0.943."""
    assert Share(8, 10).bounds == (pytest.approx(0.4902, abs=1e-4), pytest.approx(0.9433, abs=1e-4))
    assert Share(0, 10).bounds[0] == 0
    assert Share(10, 10).bounds[1] == pytest.approx(1)


def test_none_of_three_thousand_is_at_most_three_in_three_thousand():
    """The rule of three; and for one of 3,000 the table's 4.74."""
    assert Share(0, 3000).at_most == pytest.approx(1 - 0.05 ** (1 / 3000))
    assert Share(0, 3000).at_most == pytest.approx(3 / 3000, rel=0.01)
    assert Share(1, 3000).at_most * 3000 == pytest.approx(4.74, abs=0.01)
    assert Share(5, 5).at_most == 1


def test_a_share_of_nothing_says_nothing():
    """Any value is possible."""
    assert math.isnan(Share(0, 0).value)
    assert Share(0, 0).bounds == (0, 1)
    assert Share(0, 0).at_most == 1


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ((0, 0, 1, 1), 1),
        ((0, 0, 0.5, 1), 0.5),
        ((0.5, 0, 1.5, 1), 1 / 3),
        ((2, 0, 3, 1), 0),
        ((0, 2, 1, 3), 0),
        ((0.5, 0.5, 0.5, 0.5), 0),
    ],
)
def test_overlap_is_intersection_over_union(right, expected):
    """With the unit square."""
    assert overlap((0, 0, 1, 1), right) == pytest.approx(expected)
