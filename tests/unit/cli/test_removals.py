"""`keepone removals` of images of persons, which the service removed."""

import json
import sqlite3
from contextlib import closing

import pytest

from index_store.removal_records import NewRemoval, PlannedItem
from index_store.testing import a_hash
from service import wiring
from service.settings import load_settings


@pytest.fixture
def planned(keepone, pictures):
    """Two copies of a store, one planned to go for the other's sake. Gives the plan and the loser's id."""
    assert keepone("ingest", pictures / "astronaut.jpg", pictures / "copy.jpg").code == 0
    with wiring.open_store(load_settings()) as store:
        keeper, loser = (
            {"image_id": image.image_id, "sha256": image.content_id, "person_id": None}
            for image in store.inspection.images("", 10)
        )
        item = PlannedItem(loser, keeper, 1)
        plan = NewRemoval("persons", {"person_ids": ["P1"], "matcher": "appearance"}, a_hash("plan"), (item,))
        store.catalogue.removals.plan(plan)
    return plan.removal_id, loser["image_id"]


@pytest.fixture
def cut_short(planned):
    """The same, begun and not ended."""
    with wiring.open_store(load_settings()) as store:
        store.catalogue.removals.set_state(planned[0], "applying")
    return planned


def state_of(image_id):
    with wiring.open_store(load_settings()) as store:
        return store.catalogue.image(image_id).state


def test_images_of_persons_go_on_and_come_back(keepone, cut_short):
    removal_id, loser = cut_short
    assert "applied: 1 removed in P1" in keepone("removals", "resume", removal_id).out
    assert state_of(loser) == "removed"
    listed = json.loads(keepone("removals", "list", "--json").out)
    assert (listed["person_ids"], listed["folder"]) == (["P1"], None)
    assert keepone("removals", "undo", removal_id).out == f"{removal_id} is undone\n"
    assert state_of(loser) == "active"


def test_images_are_kept_for_thirty_days_and_purged_when_that_is_asked_for(keepone, cut_short):
    removal_id, loser = cut_short
    keepone("removals", "resume", removal_id)
    ran = keepone("removals", "purge", removal_id, "--yes")
    assert (ran.code, state_of(loser)) == (3, "removed")
    assert "kept for 30 days" in ran.err
    with closing(sqlite3.connect(load_settings().data / "catalogue.sqlite")) as behind, behind:
        behind.execute("UPDATE removal SET changed = '2026-01-01T00:00:00.000000Z'")
    assert keepone("removals", "purge", removal_id, "--yes").out == f"{removal_id} is purged\n"
    assert state_of(loser) == "purged"


def test_a_plan_that_nobody_began_is_not_gone_on_with(keepone, planned):
    removal_id, loser = planned
    ran = keepone("removals", "resume", removal_id)
    assert (ran.code, state_of(loser)) == (3, "active")
    assert "not begun" in ran.err
