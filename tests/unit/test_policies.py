"""Policies as JSON: what is shipped is what holds, and what cannot hold is refused."""

import pytest
from pydantic import ValidationError

from service.domain.policy import DEFAULT, Weights
from service.domain.values import Relation
from service.policies import PolicyDocument, WeightsDocument, built_in, policy_of
from service.settings import Settings


def test_the_shipped_document_is_the_default():
    """Field by field, and by name what is set unless told otherwise."""
    assert policy_of(built_in()) == DEFAULT
    assert Settings.model_fields["policy"].default == DEFAULT.name


def test_every_weight_can_be_said_and_is_described():
    """A weight that no document can name is fixed for ever."""
    assert list(WeightsDocument.model_fields) == list(Weights.__dataclass_fields__)
    assert all(field.description for field in WeightsDocument.model_fields.values())


def test_what_a_document_does_not_say_is_as_shipped():
    """A policy of one sentence is one."""
    policy = policy_of(PolicyDocument.model_validate({"name": "house-1", "weights": {"detail": 0.25}}))
    assert policy.weights.detail == 0.25
    assert policy.weights.noise == DEFAULT.weights.noise
    assert (policy.formats, policy.without_review) == (DEFAULT.formats, DEFAULT.without_review)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "House 1"},
        {"name": "a" * 64},
        {"name": "one", "weights": {"detail": 1.5}},
        {"name": "one", "weights": {"detail": float("nan")}},
        {"name": "one", "weights": {"details": 0.5}},
        {"name": "one", "formats": ["JPEG", "JPEG"]},
        {"name": "one", "formats": ["PSD"]},
        {"name": "one", "without_review": ["sibling"]},
        {"name": "one", "clear_lead": 0},
        {"name": "one", "protected": {"folders": [""]}},
        {"name": "one", "colour": "red"},
        {},
    ],
)
def test_what_is_no_policy_is_refused(wrong):
    """A misspelt weight would otherwise weigh nothing."""
    with pytest.raises(ValidationError):
        PolicyDocument.model_validate(wrong)


def test_a_policy_may_send_everything_to_a_person():
    """An empty list is a list."""
    policy = policy_of(PolicyDocument(name="careful-1", without_review=[]))
    assert policy.without_review == frozenset()
    assert Relation.IDENTICAL not in policy.without_review
