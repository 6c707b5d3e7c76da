"""Merging as RFC 7396 has it."""

import pytest

from service.domain.merging import merged


@pytest.mark.parametrize(
    ("old", "changes", "new"),
    [
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ({"a": 1}, {"a": {"b": {"c": 2}}}, {"a": {"b": {"c": 2}}}),
    ],
)
def test_members_are_replaced_merged_and_taken_away(old, changes, new):
    """The object cases of the RFC's own appendix."""
    before = repr(old)
    assert merged(old, changes) == new
    assert repr(old) == before
