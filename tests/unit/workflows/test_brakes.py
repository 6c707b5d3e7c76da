"""What stops a removal that somebody may not have meant."""

import pytest

from index_store.removal_records import NewRemoval
from index_store.testing import MemoryRemovals
from service.domain.errors import ConfirmationNeededError
from service.workflows import brakes
from service.workflows.brakes import check_confirmed, confirm_token, occasion

PLAN, OTHER = "a" * 64, "b" * 64


@pytest.mark.parametrize(("going", "of"), [(0, 0), (100, 100), (100, 10), (500, 10_000)])
def test_a_small_plan_goes_without_asking(going, of):
    check_confirmed(PLAN, going, of, "")


@pytest.mark.parametrize(("going", "of"), [(101, 101), (101, 2019), (501, 10_000)])
def test_a_large_plan_needs_the_word_of_just_this_plan(going, of):
    for token in ("", "yes", confirm_token(OTHER)):
        with pytest.raises(ConfirmationNeededError, match=confirm_token(PLAN)) as refused:
            check_confirmed(PLAN, going, of, token)
        assert refused.value.token == confirm_token(PLAN)
    check_confirmed(PLAN, going, of, confirm_token(PLAN))


def test_the_same_plan_is_confirmed_anew_each_time(monkeypatch):
    """Other plans in between, on however many pages, change nothing."""
    monkeypatch.setattr(brakes, "_PAGE", 1)
    removals = MemoryRemovals(lambda: "2026-01-01T00:00:00.000000Z")
    first = occasion("a" * 64, removals)
    removals.plan(NewRemoval("folder", {}, "b" * 64, ()))
    assert occasion("a" * 64, removals) == first
    removals.plan(NewRemoval("folder", {}, "a" * 64, ()))
    second = occasion("a" * 64, removals)
    assert confirm_token(second) != confirm_token(first)
    removals.plan(NewRemoval("folder", {}, "a" * 64, ()))
    assert confirm_token(occasion("a" * 64, removals)) not in {confirm_token(first), confirm_token(second)}
