"""What every keeper of policies, and of proofs to weigh by them, must do."""

# ruff: noqa: S101 - a contract suite is tests: their names tell, they assert, and they expect literals

from index_store.catalogue.protocol import Catalogue
from index_store.entries import POLICY_CHARACTERS
from index_store.errors import BadCursorError, BadEntryError, BadTransitionError, NotFoundError
from index_store.job_records import Begun, IdempotentAnswer
from index_store.policy_records import NewPolicy
from index_store.records import ProvedMatch, Removal
from index_store.testing.opened import OpensCatalogue
from index_store.testing.samples import a_content, a_hand_in, a_hash, committed, refused


class PoliciesContract(OpensCatalogue):
    """Subclass it, and say how to make an empty catalogue."""

    def test_a_policy_is_what_was_told_of_it(self) -> None:
        with self.opened() as (catalogue, _):
            made = catalogue.policies.create(NewPolicy("house-1", {"weights": {"detail": 0.25}}, "key_1"))
            assert catalogue.policies.get("house-1") == made
            assert (made.document, made.created_by, made.number) == ({"weights": {"detail": 0.25}}, "key_1", 1)

    def test_a_policy_never_changes(self) -> None:
        with self.opened() as (catalogue, _):
            first = catalogue.policies.create(NewPolicy("house-1", {"a": 1}))
            with refused(BadTransitionError):
                catalogue.policies.create(NewPolicy("house-1", {"a": 2}))
            assert catalogue.policies.get("house-1") == first

    def test_what_cannot_be_told_of_is_refused(self) -> None:
        with self.opened() as (catalogue, _):
            for bad in (
                NewPolicy("", {}),
                NewPolicy("a" * (POLICY_CHARACTERS + 1), {}),
                NewPolicy("nul\0", {}),
                NewPolicy("one", {"nan": float("nan")}),
            ):
                with refused(BadEntryError):
                    catalogue.policies.create(bad)
            for unknown in ("nobody", "nul\0"):
                with refused(NotFoundError):
                    catalogue.policies.get(unknown)

    def test_policies_are_listed_page_by_page_newest_first(self) -> None:
        with self.opened() as (catalogue, _):
            for name in "abcde":
                catalogue.policies.create(NewPolicy(name, {}))
            first = catalogue.policies.list(2)
            second = catalogue.policies.list(2, first.next_cursor)
            third = catalogue.policies.list(2, second.next_cursor)
            assert [one.name for page in (first, second, third) for one in page.items] == [*"edcba"]
            assert third.next_cursor is None
            with refused(BadCursorError):
                catalogue.policies.list(2, "later")

    def test_a_policy_and_its_answer_are_committed_together(self) -> None:
        with self.opened() as (catalogue, _):
            assert isinstance(catalogue.answers.begin("k", "key-1", a_hash("asked")), Begun)
            answer = IdempotentAnswer("k", "key-1", a_hash("asked"), 201, {"name": "house-1"})
            made = catalogue.policies.create(NewPolicy("house-1", {}), answer)
            assert catalogue.policies.create(NewPolicy("house-1", {}), answer) == made
            assert catalogue.answers.begin("k", "key-1", a_hash("asked")) == answer


class ProofsContract(OpensCatalogue):
    """Subclass it, and say how to make an empty catalogue."""

    def filled(self, catalogue: Catalogue, *pairs: tuple[str, str, str, float]) -> None:
        """Contents a to d, and what was proved of the later of two when it came."""
        for name in "abcd":
            proved = tuple(
                ProvedMatch(a_hash(query), a_hash(reference), relation, probability, {"n": 1}, "model", "policy")
                for query, reference, relation, probability in pairs
                if query == name
            )
            entry = a_hand_in(name, matches=proved, external_id=f"{name}.jpg", metadata={"source": name})
            committed(catalogue.append(entry, searched_to=catalogue.head()))

    def test_copies_are_paged_in_the_order_of_their_hashes(self) -> None:
        with self.opened() as (catalogue, _):
            self.filled(
                catalogue, ("b", "a", "edited", 0.99), ("c", "a", "reencoded", 0.97), ("d", "c", "same_pixels", 1.0)
            )
            pages, cursor = [], None
            while True:
                page = catalogue.proofs.pairs(1, cursor, least=0.9)
                pages += [*page.items]
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert pages == sorted([(a_hash("b"), a_hash("a")), (a_hash("c"), a_hash("a")), (a_hash("d"), a_hash("c"))])

    def test_what_is_no_copy_or_not_likely_enough_is_left_out(self) -> None:
        with self.opened() as (catalogue, _):
            self.filled(catalogue, ("b", "a", "sibling", 0.99), ("c", "a", "edited", 0.5), ("d", "a", "edited", 0.9))
            assert catalogue.proofs.pairs(9, least=0.9).items == ((a_hash("d"), a_hash("a")),)
            [proof] = catalogue.proofs.among([a_hash(name) for name in "abcd"], least=0.9)
            assert (proof.relation, proof.probability, proof.evidence) == ("edited", 0.9, {"n": 1})

    def test_only_pairs_of_which_both_are_asked_about_are_among(self) -> None:
        with self.opened() as (catalogue, _):
            self.filled(catalogue, ("b", "a", "edited", 0.99), ("c", "b", "edited", 0.99))
            found = catalogue.proofs.among([a_hash("a"), a_hash("b")], least=0.9)
            assert [(one.query_content, one.reference_content) for one in found] == [(a_hash("b"), a_hash("a"))]

    def test_what_has_no_active_image_is_not_there(self) -> None:
        with self.opened() as (catalogue, _):
            self.filled(catalogue, ("b", "a", "edited", 0.99))
            held = catalogue.proofs.held([a_hash("a"), a_hash("b"), a_hash("nothing")])
            assert {name: one.named for name, one in held.items()} == {
                a_hash(name): ((f"{name}.jpg", {"source": name}),) for name in "ab"
            }
            committed(catalogue.append(Removal(held[a_hash("a")].image_id), searched_to=catalogue.head()))
            assert catalogue.proofs.pairs(9, least=0.9).items == ()
            assert catalogue.proofs.among([a_hash("a"), a_hash("b")], least=0.9) == []
            assert {*catalogue.proofs.held([a_hash("a"), a_hash("b")])} == {a_hash("b")}
            assert held[a_hash("b")].content.sha256 == a_content("b").sha256
