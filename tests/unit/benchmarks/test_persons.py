"""What the benchmark of persons counts as right, wrong and missed."""

import pytest

from benchmarks.persons import Made, judged

TRUTH = {
    "P1": {
        "a.jpg": Made("original", "a"),
        "a2.jpg": Made("reencoded", "a"),
        "a3.jpg": Made("resized", "a"),
        "a4.jpg": Made("captioned", "a"),
        "a5.jpg": Made("mirrored", "a"),
        "b.jpg": Made("original", "b"),
        "f.jpg": Made("frame", "f"),
    }
}
NAMES = {name: name for name in TRUTH["P1"]}


def told(*pairs):
    duplicates = [{"image_id": loser, "keeper": keeper} for loser, keeper in pairs]
    results = [{"person_id": "P1", "duplicates_found": len(pairs), "duplicates": duplicates, "doubtful": []}]
    return judged(results, TRUTH, NAMES, "appearance")


def test_whoever_of_the_copies_stays_is_right():
    """The original may go for a better rendering of it."""
    for pairs in ((("a2.jpg", "a.jpg"), ("a3.jpg", "a.jpg")), (("a.jpg", "a2.jpg"), ("a3.jpg", "a2.jpg"))):
        seen = told(*pairs)
        assert (seen["expected"], sum(seen["right"].values()), seen["wrong"], seen["missed"]) == (2, 2, {}, {})


@pytest.mark.parametrize(
    ("pair", "kind"),
    [(("a5.jpg", "a.jpg"), "mirrored"), (("f.jpg", "a.jpg"), "frame"), (("a2.jpg", "b.jpg"), "reencoded")],
)
def test_what_goes_and_should_not_or_for_anothers_sake_is_wrong(pair, kind):
    """By kind."""
    assert told(pair)["wrong"] == {kind: 1}


def test_what_may_go_is_not_wrong_and_what_did_not_is_missed():
    """By kind, too."""
    seen = told(("a4.jpg", "a.jpg"), ("a2.jpg", "a.jpg"))
    assert (seen["wrong"], seen["missed"]) == ({}, {"resized": 1})


def test_a_source_of_which_nothing_is_left_is_counted():
    """It must never be."""
    everything = [(name, "b.jpg") for name in TRUTH["P1"] if name.startswith("a")]
    assert told(*everything)["sources_without_a_picture_left"] == 1
    assert told()["sources_without_a_picture_left"] == 0
