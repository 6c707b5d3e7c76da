"""What every keeper of removals must do."""

# ruff: noqa: S101 - a contract suite is tests: their names tell, they assert, and they expect literals

from contextlib import AbstractContextManager
from typing import Any

from index_store.catalogue.protocol import Removals
from index_store.errors import BadCursorError, BadEntryError, BadTransitionError, NotFoundError
from index_store.removal_records import NewRemoval, PlannedItem, RemovalItem, RemovalOutcome
from index_store.testing.samples import a_hash, refused


def a_plan(count: int = 3, **more: Any) -> NewRemoval:
    items = tuple(
        PlannedItem({"name": f"{number}.jpg"}, {"name": "keeper.jpg"}, 100 * number, {"agreement": 0.95})
        for number in range(1, count + 1)
    )
    return NewRemoval("folder", {"matcher": "appearance"}, a_hash("plan"), items, **more)


class RemovalsContract:
    """Subclass it, and say how to open an empty keeper and how to close it."""

    def opened_removals(self) -> AbstractContextManager[Removals]:
        raise NotImplementedError

    def test_a_plan_is_kept_whole(self) -> None:
        with self.opened_removals() as removals:
            made = removals.plan(a_plan(created_by="key_1"))
            assert removals.get(made.removal_id) == made
            assert (made.kind, made.state, made.items, made.bytes) == ("folder", "planned", 3, 600)
            assert (made.request, made.plan_hash, made.created_by) == (
                {"matcher": "appearance"},
                a_hash("plan"),
                "key_1",
            )
            assert made.changed == made.created
            items = removals.items(made.removal_id, 10).items
            assert items[1] == RemovalItem(
                made.removal_id,
                2,
                "planned",
                {"name": "2.jpg"},
                {"name": "keeper.jpg"},
                200,
                {"agreement": 0.95},
                None,
                None,
                None,
            )
            assert removals.counts(made.removal_id) == {"planned": 3}

    def test_a_plan_is_made_once_under_its_id(self) -> None:
        with self.opened_removals() as removals:
            new = a_plan()
            removals.plan(new)
            removals.set_state(new.removal_id, "applying")
            assert removals.plan(new).state == "applying"
            assert len(removals.list(10).items) == 1
            assert removals.counts(new.removal_id) == {"planned": 3}

    def test_a_plan_of_nothing_is_a_plan(self) -> None:
        with self.opened_removals() as removals:
            made = removals.plan(a_plan(0))
            assert (made.items, made.bytes) == (0, 0)
            assert removals.items(made.removal_id, 10).items == ()
            assert removals.counts(made.removal_id) == {}

    def test_what_could_not_be_told_later_is_refused(self) -> None:
        with self.opened_removals() as removals:
            new = a_plan()
            bad = PlannedItem({"size": float("nan")}, {}, 1)
            for broken in (
                NewRemoval("folder", {}, "no hash", new.items),
                NewRemoval("fol\0der", {}, new.plan_hash, new.items),
                NewRemoval("folder", {}, new.plan_hash, (bad,)),
            ):
                with refused(BadEntryError):
                    removals.plan(broken)
            assert removals.list(10).items == ()

    def test_an_unknown_removal_is_an_error(self) -> None:
        with self.opened_removals() as removals:
            for ask in (removals.get, removals.counts):
                for unknown in ("rem_unknown", "rem\0"):
                    with refused(NotFoundError):
                        ask(unknown)
            with refused(NotFoundError):
                removals.items("rem_unknown", 10)
            with refused(NotFoundError):
                removals.set_state("rem_unknown", "applying")
            with refused(NotFoundError):
                removals.record("rem_unknown", [])

    def test_a_removal_goes_through_its_states_and_no_others(self) -> None:
        with self.opened_removals() as removals:
            removal_id = removals.plan(a_plan()).removal_id
            for astray in ("applied", "undoing", "undone", "purged"):
                with refused(BadTransitionError):
                    removals.set_state(removal_id, astray)
            applying = removals.set_state(removal_id, "applying")
            assert removals.set_state(removal_id, "applying") == applying
            removals.set_state(removal_id, "applied")
            removals.set_state(removal_id, "undoing")
            with refused(BadTransitionError):
                removals.set_state(removal_id, "purged")
            assert removals.set_state(removal_id, "undone").state == "undone"
            with refused(BadTransitionError):
                removals.set_state(removal_id, "applying")

    def test_a_removal_that_was_cut_short_may_be_undone(self) -> None:
        with self.opened_removals() as removals:
            removal_id = removals.plan(a_plan()).removal_id
            removals.set_state(removal_id, "applying")
            assert removals.set_state(removal_id, "undoing").state == "undoing"

    def test_an_item_is_settled_with_where_it_went_and_why_it_did_not(self) -> None:
        with self.opened_removals() as removals:
            removal_id = removals.plan(a_plan()).removal_id
            removals.record(
                removal_id,
                [
                    RemovalOutcome(1, "removed", place="aside/1.jpg"),
                    RemovalOutcome(3, "skipped", problem={"title": "it has changed"}),
                ],
            )
            first, second, third = removals.items(removal_id, 10).items
            assert (first.state, first.place, first.problem) == ("removed", "aside/1.jpg", None)
            assert first.settled is not None
            assert (second.state, second.settled) == ("planned", None)
            assert (third.state, third.place, third.problem) == ("skipped", None, {"title": "it has changed"})
            assert removals.counts(removal_id) == {"removed": 1, "planned": 1, "skipped": 1}
            assert removals.items(removal_id, 10, state="removed").items == (first,)

    def test_an_outcome_told_again_changes_nothing(self) -> None:
        """Whoever is killed after the commit tells it again."""
        with self.opened_removals() as removals:
            removal_id = removals.plan(a_plan()).removal_id
            removals.record(removal_id, [RemovalOutcome(1, "removed", place="here")])
            before = removals.items(removal_id, 10).items
            removals.record(removal_id, [RemovalOutcome(1, "removed", place="elsewhere")])
            assert removals.items(removal_id, 10).items == before

    def test_outcomes_that_contradict_what_is_known_are_refused_together(self) -> None:
        with self.opened_removals() as removals:
            removal_id = removals.plan(a_plan()).removal_id
            removals.record(removal_id, [RemovalOutcome(1, "skipped")])
            for wrong in (RemovalOutcome(1, "removed"), RemovalOutcome(1, "returned"), RemovalOutcome(2, "purged")):
                with refused(BadTransitionError):
                    removals.record(removal_id, [RemovalOutcome(3, "removed"), wrong])
            for nowhere in (0, 4):
                with refused(NotFoundError):
                    removals.record(removal_id, [RemovalOutcome(3, "removed"), RemovalOutcome(nowhere, "removed")])
            assert removals.counts(removal_id) == {"skipped": 1, "planned": 2}

    def test_what_was_removed_returns_or_is_purged(self) -> None:
        with self.opened_removals() as removals:
            removal_id = removals.plan(a_plan()).removal_id
            removals.record(removal_id, [RemovalOutcome(number, "removed", place="aside") for number in (1, 2)])
            removals.record(removal_id, [RemovalOutcome(1, "returned", place="1.jpg"), RemovalOutcome(2, "purged")])
            first, second, _ = removals.items(removal_id, 10).items
            assert (first.state, first.place) == ("returned", "1.jpg")
            assert second.state == "purged"
            with refused(BadTransitionError):
                removals.record(removal_id, [RemovalOutcome(2, "returned")])

    def test_removals_are_listed_newest_first_by_pages(self) -> None:
        with self.opened_removals() as removals:
            made = [removals.plan(a_plan()).removal_id for _ in range(5)]
            removals.set_state(made[1], "applying")
            seen, cursor = [], None
            while True:
                page = removals.list(2, cursor)
                seen += [one.removal_id for one in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert seen == made[::-1]
            assert [one.removal_id for one in removals.list(10, state="applying").items] == [made[1]]
            with refused(BadCursorError):
                removals.list(2, "nonsense")

    def test_items_come_by_pages_in_their_order(self) -> None:
        with self.opened_removals() as removals:
            removal_id = removals.plan(a_plan(5)).removal_id
            seen, cursor = [], None
            while True:
                page = removals.items(removal_id, 2, cursor)
                seen += [one.ordinal for one in page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert seen == [1, 2, 3, 4, 5]
            with refused(BadCursorError):
                removals.items(removal_id, 2, "nonsense")

    def test_it_is_told_for_whose_sake_something_is_gone(self) -> None:
        with self.opened_removals() as removals:
            one, two = removals.plan(a_plan(2)), removals.plan(a_plan(1))
            removals.record(one.removal_id, (RemovalOutcome(1, "removed"), RemovalOutcome(2, "skipped")))
            removals.record(two.removal_id, (RemovalOutcome(1, "removed"),))
            assert removals.keepers("folder") == ({"name": "keeper.jpg"},) * 2
            assert removals.keepers("persons") == ()
            removals.record(two.removal_id, (RemovalOutcome(1, "returned"),))
            assert len(removals.keepers("folder")) == 1
