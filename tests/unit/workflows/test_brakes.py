"""What stops a removal that somebody may not have meant."""

import pytest

from service.domain.errors import ConfirmationNeededError
from service.workflows.brakes import check_confirmed, confirm_token

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
