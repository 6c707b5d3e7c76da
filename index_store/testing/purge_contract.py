"""What every keeper of removals must do where images are purged."""

# ruff: noqa: S101 - a contract suite is tests: their names tell, they assert, and they expect literals

from index_store.catalogue.protocol import Catalogue
from index_store.errors import BadTransitionError
from index_store.group_records import GroupItem
from index_store.records import Removal, Return, Space
from index_store.removal_records import NewRemoval, PlannedItem, RemovalItemOutcome, RemovalOutcome
from index_store.testing.opened import OpensCatalogue
from index_store.testing.samples import a_hand_in, a_hash, committed, refused


def handed_in(catalogue: Catalogue, space: Space, name: str) -> str:
    """A picture's image id."""
    return committed(catalogue.append(a_hand_in(name, space), searched_to=catalogue.head())).image.image_id


def applied(catalogue: Catalogue, keeper: str, *losers: str) -> str:
    """The id of a removal of these images for that one's sake."""
    items = tuple(PlannedItem({"image_id": one}, {"image_id": keeper}, 1) for one in losers)
    plan = NewRemoval("persons", {}, a_hash("plan"), items)
    catalogue.removals.plan(plan)
    catalogue.removals.set_state(plan.removal_id, "applying")
    for ordinal, loser in enumerate(losers, 1):
        outcome = RemovalItemOutcome(plan.removal_id, RemovalOutcome(ordinal, "removed"))
        catalogue.append_many((GroupItem(Removal(loser, keeper), also=(outcome,)),))
    catalogue.removals.set_state(plan.removal_id, "applied")
    return plan.removal_id


class PurgeContract(OpensCatalogue):
    """Subclass it, and say how to make an empty catalogue."""

    def test_what_should_not_have_gone_returns_while_it_is_applied(self) -> None:
        with self.opened() as (catalogue, space):
            keeper, loser = (handed_in(catalogue, space, name) for name in ("a", "b"))
            plan = NewRemoval("persons", {}, a_hash("plan"), (PlannedItem({"image_id": loser}, {}, 1),))
            catalogue.removals.plan(plan)
            catalogue.removals.set_state(plan.removal_id, "applying")
            for entry, outcome in (
                (Removal(loser, keeper), RemovalOutcome(1, "removed")),
                (Return(loser), RemovalOutcome(1, "returned")),
            ):
                item = GroupItem(entry, also=(RemovalItemOutcome(plan.removal_id, outcome),))
                committed(catalogue.append_many((item,))[0])
            assert catalogue.image(loser).state == "active"
            assert catalogue.removals.counts(plan.removal_id) == {"returned": 1}

    def test_what_is_purged_never_comes_back(self) -> None:
        with self.opened() as (catalogue, space):
            keeper, loser = (handed_in(catalogue, space, name) for name in ("a", "b"))
            removal_id = applied(catalogue, keeper, loser)
            assert catalogue.removals.purge(removal_id, (1,)) == {}
            assert catalogue.image(loser).state == "purged"
            assert catalogue.removals.counts(removal_id) == {"purged": 1}
            head = catalogue.head()
            [refusal] = catalogue.append_many((GroupItem(Return(loser)),))
            assert isinstance(refusal, Exception)
            assert (catalogue.head(), catalogue.image(loser).state) == (head, "purged")

    def test_what_has_lost_its_keeper_stays(self) -> None:
        with self.opened() as (catalogue, space):
            keeper, loser = (handed_in(catalogue, space, name) for name in ("a", "b"))
            removal_id = applied(catalogue, keeper, loser)
            catalogue.append(Removal(keeper), searched_to=0)
            [why] = catalogue.removals.purge(removal_id, (1,)).values()
            assert keeper in why
            assert catalogue.image(loser).state == "removed"
            assert catalogue.removals.counts(removal_id) == {"removed": 1}

    def test_what_has_come_back_by_another_way_stays(self) -> None:
        with self.opened() as (catalogue, space):
            keeper, loser = (handed_in(catalogue, space, name) for name in ("a", "b"))
            removal_id = applied(catalogue, keeper, loser)
            catalogue.append(Return(loser), searched_to=0)
            [why] = catalogue.removals.purge(removal_id, (1,)).values()
            assert loser in why
            assert catalogue.image(loser).state == "active"

    def test_what_is_being_undone_is_not_purged(self) -> None:
        with self.opened() as (catalogue, space):
            keeper, loser = (handed_in(catalogue, space, name) for name in ("a", "b"))
            removal_id = applied(catalogue, keeper, loser)
            catalogue.removals.set_state(removal_id, "undoing")
            with refused(BadTransitionError):
                catalogue.removals.purge(removal_id, (1,))
            assert catalogue.image(loser).state == "removed"

    def test_a_content_is_needed_until_its_last_image_is_purged(self) -> None:
        with self.opened() as (catalogue, space):
            keeper, one, other = (handed_in(catalogue, space, name) for name in ("a", "b", "b"))
            asked = (a_hash("a"), a_hash("b"), a_hash("unknown"))
            removal_id = applied(catalogue, keeper, one, other)
            catalogue.removals.purge(removal_id, (1,))
            assert catalogue.removals.unneeded(asked) == set()
            catalogue.removals.purge(removal_id, (2,))
            assert catalogue.removals.unneeded(asked) == {a_hash("b")}
            handed_in(catalogue, space, "b")
            assert catalogue.removals.unneeded(asked) == set()
