"""Policies by name, and what another one would change of a stored collection."""

from dataclasses import replace

import pytest

from index_store.policy_records import NewPolicy
from index_store.records import ProvedMatch
from index_store.testing import MemoryCatalogue, a_content, a_hand_in, a_hash
from service.domain.errors import SettingsError
from service.domain.policy import DEFAULT, Protected
from service.domain.values import Relation
from service.domain.verdict import FITTED
from service.workflows.policies import difference_block, policy_named, simulate

CAREFUL = replace(DEFAULT, name="careful-1", without_review=frozenset())


def _direction(*told):
    return {"direction": told[0]} if told else {}


@pytest.fixture
def catalogue():
    return MemoryCatalogue()


@pytest.fixture
def stored(catalogue):
    """Pictures by name and width, each with the ones before it that it was proved to be a copy of."""

    def store(**pictures):
        for name, (width, *copied) in pictures.items():
            proofs = tuple(
                ProvedMatch(
                    a_hash(name), a_hash(other), relation, 0.99, {"edits": []} | _direction(*told), "model", "policy"
                )
                for other, relation, *told in copied
            )
            detail = {"effective_megapixels": width * 800 / 1e6}
            content = a_content(name, width=width, height=800, bytes=100 * width, quality=detail)
            entry = a_hand_in(name, content=content, matches=proofs, external_id=f"shelf/{name}.jpg")
            catalogue.append(entry, searched_to=catalogue.head())

    return store


@pytest.fixture
def tried(catalogue):
    def run(after, before=DEFAULT, limit=100, start=""):
        told = simulate(before, after, catalogue, FITTED, limit=limit, start=start)
        return difference_block(told, before, after, catalogue.stats().contents, limit)

    return run


def test_the_same_policy_changes_nothing(stored, tried):
    """And pictures without a copy are kept by any."""
    stored(a=(2000,), b=(1000, ("a", "reencoded")), c=(500,))
    told = tried(DEFAULT)
    assert told["before"] == told["after"] == {"keep": 2, "delete": 1, "review": 0, "bytes_deleted": 100_000}
    assert (told["changed"], told["items"], told["groups"], told["contents"]) == (0, [], 1, 3)


@pytest.mark.parametrize("names", ["ab", "ba"])
@pytest.mark.parametrize(
    ("widths", "direction", "review"),
    [
        ((1000, 2000), "query_from_reference", 1),
        ((1000, 2000), "reference_from_query", 0),
        ((2000, 1000), "query_from_reference", 0),
        ((2000, 1000), "reference_from_query", 1),
        ((1000, 2000), "unknown", 0),
    ],
)
def test_what_would_stay_and_was_made_from_what_would_go_is_looked_at(stored, tried, names, widths, direction, review):
    """As a check has it: the direction was stored with the proof, from whichever side it was seen."""
    stored(**{names[0]: (widths[0],), names[1]: (widths[1], (names[0], "reencoded", direction))})
    assert tried(DEFAULT)["after"]["review"] == review


def test_every_difference_is_told_with_both_sides(stored, tried):
    """Which image, for whose sake, and what would become of it."""
    stored(a=(2000,), b=(1000, ("a", "reencoded")), c=(500, ("a", "edited")), d=(400,))
    told = tried(CAREFUL)
    assert told["after"] == {"keep": 2, "delete": 0, "review": 2, "bytes_deleted": 0}
    assert told["moves"] == [{"before": "delete", "after": "review", "contents": 1}]
    [item] = told["items"]
    assert (item["content_id"], item["bytes"]) == (a_hash("b"), 100_000)
    assert [item[side]["action"] for side in ("before", "after")] == ["delete", "review"]
    assert item["before"]["keeper"] == item["after"]["keeper"] != item["image_id"]


def test_another_keeper_is_a_difference(stored, tried):
    """What is larger stays no more where detail weighs nothing and the smaller one is first by its bytes."""
    stored(a=(2000,), b=(1000, ("a", "reencoded")))
    blind = replace(DEFAULT, name="blind-1", weights=replace(DEFAULT.weights, detail=0.0, bytes=0.0))
    told = tried(blind)
    stays = "a" if a_hash("a") < a_hash("b") else "b"
    assert told["after"]["keep"] == 1
    assert (told["keepers_changed"] > 0) == (stays == "b")


def test_protected_pictures_stay(stored, tried):
    """By the folder that their names lie in."""
    stored(a=(2000,), b=(1000, ("a", "reencoded")))
    held = replace(DEFAULT, name="folder-1", protected=Protected(folders=("shelf",)))
    assert tried(held)["after"] == {"keep": 2, "delete": 0, "review": 0, "bytes_deleted": 0}


def test_differences_are_paged_and_pages_are_all_of_them(stored, tried):
    """In the order of content ids, none twice and none missing."""
    stored(a=(2000,), **dict.fromkeys("bcdefg", (1000, ("a", "reencoded"))))
    whole = tried(CAREFUL)["items"]
    assert len(whole) == 6
    paged, start = [], ""
    while True:
        page = tried(CAREFUL, limit=4, start=start)
        assert page["changed"] == 6
        paged += page["items"]
        if page["next_cursor"] is None:
            break
        start = page["next_cursor"]
    assert paged == whole


def test_what_was_proved_weakly_or_is_no_copy_makes_no_group(catalogue, tried):
    """An operating point is what it is everywhere."""
    for name, proofs in (("a", ()), ("b", (("a", "edited", 0.9),)), ("c", (("a", "sibling", 0.99),))):
        matches = tuple(
            ProvedMatch(a_hash(name), a_hash(other), relation, likely, {}, "model", "policy")
            for other, relation, likely in proofs
        )
        catalogue.append(a_hand_in(name, matches=matches), searched_to=catalogue.head())
    assert tried(CAREFUL)["groups"] == 0


class TestByName:
    """The shipped one, and those that were told of."""

    def test_the_shipped_one_is_always_there(self, catalogue):
        """Whatever is stored."""
        assert policy_named("keeper-2", catalogue.policies) == DEFAULT

    def test_one_that_was_told_of_is_found(self, catalogue):
        """As its document says."""
        catalogue.policies.create(NewPolicy("house-1", {"name": "house-1", "without_review": ["identical"]}))
        assert policy_named("house-1", catalogue.policies).without_review == {Relation.IDENTICAL}

    def test_an_unknown_one_is_a_wrong_setting(self, catalogue):
        """The service does not start with another policy than it was told."""
        with pytest.raises(SettingsError, match="house-9"):
            policy_named("house-9", catalogue.policies)
