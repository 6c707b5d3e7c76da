"""From scores and found pairs to the figures of the report."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.accuracy.judge import judged, judged_pairs, predicted, ranks_of

SCORES = np.array([[0.9, 0.1, 0.1], [0.2, 0.3, 0.8], [0.5, 0.4, 0.5], [0.1, 0.6, 0.2]], np.float32)
"""Against a, b, c. Found, second behind the distractor, level with the distractor; and a stranger close to b."""


def test_a_reference_stands_behind_those_that_are_as_close(small_set):
    """A tie is no find: the distractor could be listed first. A stranger has no rank."""
    assert ranks_of(small_set, SCORES) == [0, 1, 1, None]


def test_in_a_smaller_gallery_fewer_stand_before_a_reference(small_set):
    """References come first in it, so they are always there."""
    assert ranks_of(small_set, SCORES, 2) == [0, 0, 0, None]
    assert judged(small_set, SCORES, (1,))["single"]["by_gallery_size"]["3"]["value"] == 1


def test_predictions_are_the_closest_first(small_set):
    """By the names of the query's file and of the picture."""
    first = [one for one in predicted(small_set, SCORES) if one.query == "1.jpg"]
    assert [one.reference for one in first] == ["c", "b", "a"]


def test_single_edits_and_chains_are_judged_apart(small_set):
    """Each among all strangers: here, one of two single queries is found first, and none of the chains."""
    told = judged(small_set, SCORES, (1, 2))
    assert told["single"]["recall@1"]["value"] == 0.5
    assert told["single"]["recall@2"]["value"] == 1
    assert told["chain"]["recall@1"] == {"value": 0, "n": 1, "bounds_95": [0, 0.7935]}
    # Pooled: a 0.9, c 0.8, the stranger's b 0.6, b 0.3.
    assert told["single"]["uap"] == pytest.approx((1 + 2 / 4) / 2)
    assert told["single"]["recall_at_p90"]["value"] == 0.5
    assert told["single"]["recall_at_p90"]["threshold"] == pytest.approx(0.9)


def test_each_edit_has_its_recall_at_the_last_depth(small_set):
    """Of single edits alone; an edit that was not asked has no value."""
    told = judged(small_set, SCORES, (1,))["per_transform"]
    assert told["depth"] == 1
    assert told["blur"]["value"] == 1
    assert (told["crop"]["value"], told["crop"]["n"]) == (0, 1)
    assert (told["skew"]["value"], told["skew"]["n"]) == (None, 0)


def test_found_pairs_are_judged_whichever_file_is_named_first(small_set):
    """One is right, one takes a distractor for the source, one a stranger for a reference."""
    pairs = [("0.jpg", "a.jpg"), ("c.jpg", "1.jpg"), ("3.jpg", "b.jpg")]
    told = judged_pairs(small_set, pairs)
    assert (told["pairs"], told["false_pairs"]) == (3, 2)
    assert told["single"]["found"]["value"] == 0.5
    assert told["chain"]["found"]["value"] == 0
    assert told["strangers_matched"]["value"] == 1


def test_pairs_among_queries_or_among_the_gallery_are_not_judged(small_set):
    """Two queries of one source are copies of one another, and nobody asked."""
    told = judged_pairs(small_set, [("0.jpg", "2.jpg"), ("a.jpg", "c.jpg"), ("0.jpg", "a.jpg"), ("a.jpg", "0.jpg")])
    assert (told["pairs"], told["false_pairs"]) == (1, 0)


def test_what_a_query_was_made_of_is_neither_right_nor_wrong(small_set):
    """A stranger whose own source lies in the gallery finds it, and that is no mistake."""
    made_of_c = replace(small_set.queries[3], source="c")
    named = replace(small_set, queries=[*small_set.queries[:3], made_of_c])
    scores = SCORES.copy()
    scores[3] = [0.1, 0.2, 0.95]
    told = judged(named, scores, (1,))
    # Pooled: a 0.9, c 0.8, b 0.3, the stranger's b 0.2.
    assert told["single"]["uap"] == pytest.approx((1 + 2 / 3) / 2, abs=1e-4)
    assert judged_pairs(named, [("3.jpg", "c.jpg")])["pairs"] == 0
