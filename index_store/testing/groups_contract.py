"""What committing many entries at once must do: each alone, and no verdict that missed a neighbour."""

# ruff: noqa: S101 - a contract suite is tests: their names tell, they assert, and they expect literals

from dataclasses import replace

from index_store.catalogue.protocol import Catalogue
from index_store.errors import BadEntryError, BadTransitionError, NotFoundError
from index_store.group_records import AlreadyDone, GroupAnswer, GroupItem
from index_store.job_records import IdempotentAnswer, JobItemOutcome, NewJob
from index_store.records import Committed, HandIn, Removal, Return, Space, Stale
from index_store.removal_records import RemovalItemOutcome, RemovalItemState, RemovalOutcome
from index_store.testing.opened import OpensCatalogue
from index_store.testing.removals_contract import a_plan
from index_store.testing.samples import a_hand_in, a_hash, committed


class GroupsContract(OpensCatalogue):
    """Subclass it, and say how to make an empty catalogue."""

    def test_an_empty_group_does_nothing(self) -> None:
        with self.opened() as (catalogue, _):
            assert catalogue.append_many(()) == []
            assert catalogue.head() == 0

    def test_items_that_were_compared_among_themselves_are_committed_in_order(self) -> None:
        with self.opened() as (catalogue, space):
            answers = catalogue.append_many(_compared(space, "abcd"))
            assert [committed(answer).sequence for answer in answers] == [1, 2, 3, 4]
            delta = catalogue.changes_since(0, space.space_id, 10)
            assert [vector.content_id for vector in delta.vectors] == [a_hash(name) for name in "abcd"]

    def test_of_copies_that_nobody_compared_one_is_committed(self) -> None:
        with self.opened() as (catalogue, space):
            answers = catalogue.append_many([GroupItem(a_hand_in(name, space)) for name in "abcd"])
            assert _kinds(answers) == "CSSS"
            assert (catalogue.head(), catalogue.stats().contents) == (1, 1)

    def test_a_group_never_forgives_a_newcomer_it_did_not_compare(self) -> None:
        with self.opened() as (catalogue, space):
            catalogue.append(a_hand_in("somebody else", space), searched_to=0)
            assert _kinds(catalogue.append_many(_compared(space, "abc"))) == "SSS"
            assert catalogue.head() == 1

    def test_it_makes_no_difference_who_committed_what_was_compared(self) -> None:
        with self.opened() as (catalogue, space):
            catalogue.append(a_hand_in("a", space), searched_to=0)
            assert _kinds(catalogue.append_many(_compared(space, "abc")[1:])) == "CC"

    def test_what_went_makes_stale_even_if_it_was_compared(self) -> None:
        with self.opened() as (catalogue, space):
            image = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            catalogue.append(Removal(image.image_id), searched_to=0)
            catalogue.append(a_hand_in("a", space), searched_to=2)
            assert _kinds(catalogue.append_many(_compared(space, "ab")[1:])) == "S"

    def test_a_removal_in_a_group_makes_the_later_items_stale(self) -> None:
        with self.opened() as (catalogue, space):
            image = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            group = [GroupItem(a_hand_in("b", space), 1), GroupItem(Removal(image.image_id))]
            later = GroupItem(a_hand_in("c", space), 1, frozenset({a_hash("b")}))
            assert _kinds(catalogue.append_many([*group, later])) == "CCS"

    def test_what_became_of_a_removals_item_is_committed_with_its_image(self) -> None:
        with self.opened() as (catalogue, space):
            images = [
                committed(catalogue.append(a_hand_in(name, space), searched_to=n)).image.image_id
                for n, name in enumerate("abc")
            ]
            plan = a_plan(2)
            catalogue.removals.plan(plan)

            def settled(ordinal: int, state: RemovalItemState) -> tuple[RemovalItemOutcome, ...]:
                return (RemovalItemOutcome(plan.removal_id, RemovalOutcome(ordinal, state)),)

            gone = GroupItem(Removal(images[0], keeper=images[2]), also=settled(1, "removed"))
            refused = GroupItem(Removal(images[1], keeper=images[0]), also=settled(2, "removed"))
            assert _kinds(catalogue.append_many([gone])) == "E", (
                "nothing goes before it is said that it is being applied"
            )
            catalogue.removals.set_state(plan.removal_id, "applying")
            assert _kinds(catalogue.append_many([gone, refused])) == "CE"
            assert catalogue.removals.counts(plan.removal_id) == {"removed": 1, "planned": 1}
            [again] = catalogue.append_many([gone])
            assert isinstance(again, AlreadyDone)
            assert again.earlier == catalogue.removals.items(plan.removal_id, 1).items[0]
            back = GroupItem(Return(images[0]), also=settled(1, "returned"))
            catalogue.removals.set_state(plan.removal_id, "applied")
            assert _kinds(catalogue.append_many([back])) == "E"
            catalogue.removals.set_state(plan.removal_id, "undoing")
            late = GroupItem(Removal(images[1], keeper=images[2]), also=settled(2, "removed"))
            assert _kinds(catalogue.append_many([back, late])) == "CE"
            assert (catalogue.image(images[0]).state, catalogue.head()) == ("active", 5)
            [again, unknown] = catalogue.append_many([gone, replace(gone, also=settled(3, "removed"))])
            assert isinstance(again, BadTransitionError), "what came back does not go again by the same plan"
            assert isinstance(unknown, NotFoundError)
            assert catalogue.image(images[0]).state == "active"

    def test_a_verdict_does_not_rest_on_a_picture_that_did_not_come(self) -> None:
        with self.opened() as (catalogue, space):
            a, b, c, d = _compared(space, "abcd")
            a = replace(a, entry=replace(_entry(a), probability=2.0))
            b, c, d = (replace(one, rests_on=frozenset()) for one in (b, c, d))
            c = replace(c, rests_on=frozenset({a_hash("a")}))
            answers = catalogue.append_many([a, b, c, d])
            assert _kinds(answers) == "ECSC"

    def test_who_does_not_say_what_a_verdict_rests_on_rests_on_all(self) -> None:
        with self.opened() as (catalogue, space):
            a, b, c = _compared(space, "abc")
            a = replace(a, entry=replace(_entry(a), probability=2.0))
            assert _kinds(catalogue.append_many([a, b, c])) == "ESS"

    def test_one_bad_item_never_spoils_the_rest(self) -> None:
        with self.opened() as (catalogue, space):
            good = _compared(space, "ab")
            taken = a_hand_in("taken", space)
            group = [
                GroupItem(a_hand_in("bad", space, probability=2.0)),
                good[0],
                GroupItem(replace(taken, image_id=_entry(good[0]).image_id), 0, frozenset({a_hash("a")})),
                GroupItem(Removal("img_unknown")),
                GroupItem(a_hand_in("unknown", content=None), 0, frozenset({a_hash("a")})),
                GroupItem(a_hand_in("past the end", space), 1),
                good[1],
            ]
            answers = catalogue.append_many(group)
            assert _kinds(answers) == "ECEEEEC"
            named = {BadEntryError: [0, 2, 5], NotFoundError: [3, 4]}
            assert all(isinstance(answers[place], kind) for kind, places in named.items() for place in places)
            assert (catalogue.head(), catalogue.stats().contents, catalogue.stats().vectors) == (2, 2, 2)

    def test_the_same_bytes_twice_in_a_group_are_stored_once(self) -> None:
        with self.opened() as (catalogue, space):
            first, second = (GroupItem(a_hand_in("a", space), 0, frozenset({a_hash("a")}), frozenset()) for _ in "12")
            answers = [committed(answer) for answer in catalogue.append_many([first, second])]
            assert [answer.image.outcome for answer in answers] == ["stored", "referenced"]

    def test_a_content_that_comes_back_in_a_group_is_found_again_and_makes_stale(self) -> None:
        with self.opened() as (catalogue, space):
            image = committed(catalogue.append(a_hand_in("a", space), searched_to=0)).image
            catalogue.append(Removal(image.image_id), searched_to=0)
            answers = catalogue.append_many([GroupItem(a_hand_in(name, space), 2) for name in "ab"])
            assert _kinds(answers) == "CS"
            delta = catalogue.changes_since(2, space.space_id, 10)
            assert [(vector.content_id, vector.sequence) for vector in delta.vectors] == [(a_hash("a"), 3)]

    def test_an_outcome_is_committed_with_its_entry_and_only_once(self) -> None:
        with self.opened() as (catalogue, space):
            job = _a_job(catalogue)
            item = GroupItem(a_hand_in("a", space), also=(JobItemOutcome(job, 1),))
            [answer] = catalogue.append_many([item])
            image = committed(answer).image
            [_, told] = catalogue.jobs.items(job, 10).items
            assert (told.name, told.state, told.outcome) == ("1.jpg", "succeeded", "stored")
            assert (told.image_id, told.content_id, told.verdict) == (image.image_id, image.content_id, image.verdict)
            again = replace(item, entry=a_hand_in("a", space), searched_to=1)
            assert catalogue.append_many([again]) == [AlreadyDone(told)]
            assert catalogue.head() == 1

    def test_two_outcomes_of_one_item_in_one_group_are_one(self) -> None:
        with self.opened() as (catalogue, space):
            also = (JobItemOutcome(_a_job(catalogue), 0),)
            a, b = (replace(item, also=also) for item in _compared(space, "ab"))
            assert _kinds(catalogue.append_many([a, b])) == "CD"

    def test_a_stale_or_refused_entry_leaves_its_item_pending(self) -> None:
        with self.opened() as (catalogue, space):
            job = _a_job(catalogue)
            catalogue.append(a_hand_in("a", space), searched_to=0)
            stale = GroupItem(a_hand_in("b", space), also=(JobItemOutcome(job, 0),))
            bad = GroupItem(a_hand_in("c", space, probability=2.0), also=(JobItemOutcome(job, 1),))
            assert _kinds(catalogue.append_many([stale, bad])) == "SE"
            assert catalogue.jobs.counts(job) == {"pending": 2}

    def test_an_outcome_of_an_unknown_job_takes_its_entry_with_it(self) -> None:
        with self.opened() as (catalogue, space):
            lost = GroupItem(a_hand_in("a", space), also=(JobItemOutcome("job_unknown", 0),))
            assert _kinds(catalogue.append_many([lost])) == "E"
            assert (catalogue.head(), catalogue.stats().contents) == (0, 0)

    def test_an_answer_is_committed_with_its_entry_and_given_again(self) -> None:
        with self.opened() as (catalogue, space):
            answer = IdempotentAnswer("key_1", "mine", a_hash("payload"), 201, {"made": True})
            catalogue.answers.begin("key_1", "mine", a_hash("payload"))
            item = GroupItem(a_hand_in("a", space), also=(answer,))
            image = committed(catalogue.append_many([item])[0]).image
            kept = replace(answer, image_id=image.image_id)
            assert catalogue.answers.begin("key_1", "mine", a_hash("payload")) == kept
            again = replace(item, entry=a_hand_in("b", space), searched_to=1)
            assert catalogue.append_many([again]) == [AlreadyDone(kept)]
            other = replace(again, also=(replace(answer, payload_digest=a_hash("another")),))
            assert _kinds(catalogue.append_many([other])) == "E"
            assert catalogue.head() == 1


def _compared(space: Space, names: str) -> list[GroupItem]:
    """Each compared with all before it, as a workflow does."""
    return [
        GroupItem(a_hand_in(name, space), 0, frozenset(a_hash(earlier) for earlier in names[:place]))
        for place, name in enumerate(names)
    ]


def _entry(item: GroupItem) -> HandIn:
    assert isinstance(item.entry, HandIn)
    return item.entry


def _a_job(catalogue: Catalogue) -> str:
    return catalogue.jobs.create(NewJob("batch", names=("0.jpg", "1.jpg"))).job_id


def _kinds(answers: list[GroupAnswer]) -> str:
    """C committed, S stale, D done already, E an error."""
    letters = {Committed: "C", Stale: "S", AlreadyDone: "D"}
    return "".join(letters.get(type(answer), "E") for answer in answers)
