"""`keepone removals` of images of persons, which the service removed."""

import json

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
        keeper, loser = (image.image_id for image in store.inspection.images("", 10))
        item = PlannedItem({"image_id": loser, "person_id": "P1"}, {"image_id": keeper}, 1)
        plan = NewRemoval("persons", {"person_ids": ["P1"], "matcher": "appearance"}, a_hash("plan"), (item,))
        store.catalogue.removals.plan(plan)
    return plan.removal_id, loser


def state_of(image_id):
    with wiring.open_store(load_settings()) as store:
        return store.catalogue.image(image_id).state


def test_images_of_persons_go_on_and_come_back(keepone, planned):
    removal_id, loser = planned
    assert "applied: 1 removed in P1" in keepone("removals", "resume", removal_id).out
    assert state_of(loser) == "removed"
    listed = json.loads(keepone("removals", "list", "--json").out)
    assert (listed["person_ids"], listed["folder"]) == (["P1"], None)
    assert keepone("removals", "undo", removal_id).out == f"{removal_id} is undone\n"
    assert state_of(loser) == "active"


def test_images_are_not_purged_like_files(keepone, planned):
    removal_id, loser = planned
    keepone("removals", "resume", removal_id)
    ran = keepone("removals", "purge", removal_id, "--yes")
    assert ran.code == 3
    assert "cannot be purged yet" in ran.err
    assert state_of(loser) == "removed"
