"""Telling pairs apart by distance: curves, rates and thresholds against hand-made cases and slow twins."""

import numpy as np
import pytest

from service.domain.verification import (
    balanced_accuracy,
    balanced_over_all,
    best_threshold,
    disjoint_folds,
    distance,
    held_out,
    roc,
)


@pytest.fixture
def overlapping():
    """Distances of 200 same and 300 different pairs that overlap."""
    chance = np.random.default_rng(3)
    distances = np.concatenate([chance.normal(0.4, 0.1, 200), chance.normal(0.6, 0.1, 300)])
    return distances, np.arange(500) < 200


def test_pairs_that_lie_apart_are_told_apart_wholly():
    """Area one, no error, a threshold half way between."""
    distances, same = np.array([0.1, 0.2, 0.8, 0.9]), np.array([True, True, False, False])
    curve = roc(distances, same)
    assert (curve.area, curve.equal_error_rate) == (1.0, 0.0)
    assert best_threshold(distances, same) == pytest.approx(0.5)
    assert balanced_accuracy(distances, same, 0.5) == 1.0


def test_distances_that_say_nothing_are_worth_a_coin():
    """All equal: half of everything is wrong."""
    distances, same = np.full(10, 0.5), np.arange(10) < 5
    curve = roc(distances, same)
    assert curve.area == pytest.approx(0.5)
    assert curve.equal_error_rate == pytest.approx(0.5)
    assert balanced_accuracy(distances, same, 0.5) == 0.5


def test_the_area_is_the_odds_that_the_same_lie_nearer(overlapping):
    """Counted over every two pairs."""
    distances, same = overlapping
    odds = (distances[same][:, None] < distances[~same][None]).mean()
    assert roc(distances, same).area == pytest.approx(odds, abs=1e-9)


def test_at_the_equal_error_rate_misses_and_false_accepts_are_alike(overlapping):
    """Close to what two normal curves a deviation from their middle have: 16 %."""
    distances, same = overlapping
    rate = roc(distances, same).equal_error_rate
    threshold = np.quantile(distances[~same], rate)
    assert (distances[same] > threshold).mean() == pytest.approx(rate, abs=0.01)
    assert rate == pytest.approx(0.16, abs=0.03)


def test_no_threshold_is_worth_more_than_the_best(overlapping):
    """Every one there is, tried."""
    distances, same = overlapping
    best = balanced_accuracy(distances, same, best_threshold(distances, same))
    assert best == pytest.approx(max(balanced_accuracy(distances, same, one) for one in distances))


def test_balanced_accuracy_does_not_follow_the_larger_kind():
    """Nine of ten are different; to call all different is worth half."""
    assert balanced_accuracy(np.ones(10), np.arange(10) < 1, 0.5) == 0.5


def test_no_picture_chooses_and_is_tested():
    """Nor is a pair lost for both only because of its place in the list."""
    pairs = [(left, right) for left in range(12) for right in range(left)]
    tested = set()
    for choosing, testing in disjoint_folds(pairs, folds=3, repeats=5):
        chosen_by = {end for at in choosing for end in pairs[at]}
        assert not chosen_by & {end for at in testing for end in pairs[at]}
        tested.update(testing.tolist())
    assert len(tested) > len(pairs) / 2


def test_thresholds_held_out_are_worth_less_than_those_fitted():
    """Distances by chance, often: what was fitted looks better than a coin, what is held out does not."""
    pairs = [(left, right) for left in range(12) for right in range(left)]
    fitted, held = [], []
    for seed in range(20):
        chance = np.random.default_rng(seed)
        distances, same = chance.random(len(pairs)), chance.random(len(pairs)) < 0.4
        fitted.append(balanced_accuracy(distances, same, best_threshold(distances, same)))
        found = held_out(distances, same, pairs, repeats=10)
        held.append(found.balanced_accuracy)
        assert found.lowest <= found.threshold <= found.highest
    assert np.mean(fitted) > 0.57
    assert np.mean(held) == pytest.approx(0.5, abs=0.03)


def test_too_few_pictures_are_not_judged():
    """Two pairs cannot be parted by picture."""
    assert held_out(np.array([0.1, 0.9]), np.array([True, False]), [(0, 1), (0, 2)]) is None


def test_each_metric_is_what_its_name_says():
    """Lengths count for the plain Euclidean distance alone."""
    left, right = np.array([[3.0, 0.0]], np.float32), np.array([[0.0, 1.0], [6.0, 0.0]], np.float32)
    assert distance("cosine", left, right)[0] == pytest.approx([1.0, 0.0])
    assert distance("euclidean", left, right)[0] == pytest.approx([10**0.5, 3.0])
    assert distance("euclidean_l2", left, right)[0] == pytest.approx([2**0.5, 0.0])


def test_a_lost_pair_is_told_wrongly_whichever_kind_it_is_of():
    """Not even of a different one it says that it is."""
    distances, same = np.array([0.1, np.nan, 0.9, np.nan]), np.array([True, True, False, False])
    assert balanced_over_all(distances, same, 0.5) == 0.5
    assert balanced_over_all(distances[[0, 2]], same[[0, 2]], 0.5) == 1.0


def test_lost_pairs_choose_no_threshold_and_are_wrong_where_they_are_tested():
    """Of pictures in two heaps, one of which cannot be described: every pair with it is lost."""
    heap = np.arange(24) % 2
    pairs = [(left, right) for left in range(24) for right in range(left)]
    same = np.array([heap[left] == heap[right] for left, right in pairs])
    distances = np.where(same, 0.2, 0.8)
    whole = held_out(distances, same, pairs)
    lost = np.array([min(pair) < 4 for pair in pairs])
    told = held_out(np.where(lost, np.nan, distances), same, pairs)
    assert (whole.balanced_accuracy, whole.over_all) == (1.0, 1.0)
    assert told.balanced_accuracy == 1.0
    assert told.over_all == pytest.approx(1 - lost.mean(), abs=0.05)
    assert told.threshold == pytest.approx(0.5)
