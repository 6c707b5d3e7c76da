"""Models compared: what is measured of each, what is lost, and what is recommended."""

import numpy as np
import pytest

from service.descriptors.protocol import Described
from service.domain.errors import WeightsError
from service.workflows.compare_models import LabelledPair, as_json, compare, recommended


class ByColour:
    """A model whose vector is the mean colour; of a black picture it finds nothing. Some noise makes it worse."""

    dimension = 3
    of_faces = True

    def __init__(self, noise=0.0):
        self.thresholds = {"euclidean": 40.0}
        self.closed, self._noise, self._chance = 0, noise, np.random.default_rng(1)

    def describe(self, pictures):
        return [self._one(picture) for picture in pictures]

    def _one(self, picture):
        mean = picture.reshape(-1, 3).mean(axis=0) + self._noise * self._chance.normal(size=3)
        return (Described(mean.astype(np.float32)),) if picture.any() else ()

    def close(self):
        self.closed += 1


@pytest.fixture
def people():
    """Twelve persons in three shades each, and a black picture; every two of them a pair."""
    chance = np.random.default_rng(7)
    colours = chance.integers(60, 200, (12, 3))
    pictures = [np.full((8, 8, 3), colour + shade, np.uint8) for colour in colours for shade in (0, 6, 12)]
    pairs = [LabelledPair(left, right, same=left // 3 == right // 3) for left in range(36) for right in range(left)]
    return [*pictures, np.zeros((8, 8, 3), np.uint8)], [*pairs, LabelledPair(0, 36, same=True)]


def test_the_better_model_is_recommended_and_its_threshold_named(people):
    """By pictures that did not choose the threshold."""
    good, bad = ByColour(), ByColour(noise=60.0)
    found = compare(*people, {"bad": lambda: bad, "good": lambda: good}, memory=lambda: 0)
    said = recommended(found)
    assert said.startswith("Take good by ")
    assert "Next comes bad" in said
    best = max(found.measured, key=lambda one: one.trusted_accuracy)
    assert best.trusted_accuracy > 0.95
    assert best.equal_error_rate < 0.05
    assert good.closed == bad.closed == 1


def test_pairs_with_nothing_to_describe_are_lost_and_counted(people):
    """They are on no curve, and not forgotten."""
    found = compare(*people, {"good": ByColour}, memory=lambda: 0)
    assert {(one.judged, one.lost) for one in found.measured} == {(630, 1)}
    assert "It says nothing of 1 of 631 pairs" in recommended(found)


def test_who_judges_easy_pictures_alone_is_not_ranked_first(people):
    """It is right wherever it says something, and says nothing of half the persons."""

    class Picky(ByColour):
        def _one(self, picture):
            return super()._one(picture) if picture[0, 0, 0] % 2 else ()

    class Flawed(ByColour):
        def _one(self, picture):
            return super()._one(picture if picture[0, 0, 0] % 8 else np.full_like(picture, 128))

    found = compare(*people, {"picky": Picky, "flawed": Flawed}, memory=lambda: 0)
    [picky, flawed] = [
        max((one for one in found.measured if one.model == name), key=lambda one: one.trusted_accuracy)
        for name in ("picky", "flawed")
    ]
    assert picky.held_out.balanced_accuracy > flawed.held_out.balanced_accuracy
    assert picky.trusted_accuracy < flawed.trusted_accuracy
    assert recommended(found).startswith("Take flawed by ")
    assert next(one for one in found.measured if one.makers_accuracy).makers_accuracy < 0.6


def test_a_model_is_shown_what_the_service_shows_it(people):
    """Where that is another size than the others see."""
    seen = []

    class Watched(ByColour):
        def _one(self, picture):
            seen.append(picture.shape)
            return super()._one(picture)

    pictures, pairs = people
    small = [picture[:4] for picture in pictures]
    compare(pictures, pairs, {"small": Watched}, memory=lambda: 0, shown={"small": small})
    assert set(seen) == {(4, 8, 3)}


def test_the_makers_threshold_is_judged_as_it_is(people):
    """Where they name one."""
    found = compare(*people, {"good": ByColour}, memory=lambda: 0)
    by_metric = {one.metric: one for one in found.measured}
    assert by_metric["euclidean"].makers_threshold == 40.0
    assert by_metric["euclidean"].makers_accuracy > 0.7
    assert by_metric["cosine"].makers_accuracy is None


def test_the_nearest_two_of_several_faces_count(people):
    """One of a group is enough."""

    class Group(ByColour):
        def _one(self, picture):
            return (*super()._one(picture), Described(np.array([0, 0, 255], np.float32)))

    pictures, _ = people
    pairs = [LabelledPair(0, 4, same=True), LabelledPair(0, 7, same=False)]
    found = compare(pictures, pairs, {"group": Group}, memory=lambda: 0)
    assert found.measured[0].curve.thresholds[1:].tolist() == pytest.approx([0.0], abs=1e-9)


def test_a_model_that_cannot_be_opened_is_named_and_the_others_measured(people):
    """With what is missing."""

    def missing():
        raise WeightsError("put it at /models/x")

    found = compare(*people, {"missing": missing, "good": ByColour}, memory=lambda: 0)
    assert found.refused == {"missing": "put it at /models/x"}
    assert {one.model for one in found.measured} == {"good"}


def test_what_a_model_costs_is_told(people):
    """By how much the process grew, and its time of the processor."""
    sizes = iter([1000, 5000])
    found = compare(*people, {"good": ByColour}, memory=lambda: next(sizes))
    assert found.costs["good"].memory_bytes == 4000
    assert found.costs["good"].dimension == 3


def test_without_pairs_of_both_kinds_nothing_is_recommended(people):
    """There would be nothing to tell apart."""
    pictures, pairs = people
    found = compare(pictures, [pair for pair in pairs if pair.same], {"good": ByColour}, memory=lambda: 0)
    assert recommended(found).startswith("No model could be measured")


def test_as_json_a_curve_has_at_most_fifty_points(people):
    """From nothing accepted to everything."""
    written = as_json(compare(*people, {"good": ByColour}, memory=lambda: 0))
    roc = written["measured"][0]["roc"]
    assert 2 < len(roc) <= 50
    assert (roc[0], roc[-1]) == ([0.0, 0.0], [1.0, 1.0])
    assert written["pairs"] == {"same": 37, "different": 594}
