"""A policy is a value: what it protects, by folder and by source."""

import unicodedata

import pytest

from service.domain.policy import Protected

HELD = Protected(folders=("/pictures/masters/", "archive", "//photos/keep", "Caf\u00e9"), sources=("scanner",))


@pytest.mark.parametrize(
    ("name", "metadata", "held"),
    [
        ("/pictures/masters/a.tif", {}, True),
        ("/pictures/masters/deep/a.tif", {}, True),
        ("/pictures/masters.tif", {}, False),
        ("archive/2020/a.jpg", {}, True),
        ("./archive/a.jpg", {}, True),
        ("Archive//2020/a.jpg", {}, True),
        ("archive\\a.jpg", {}, True),
        ("archived/a.jpg", {}, False),
        ("//archive/a.jpg", {}, False),
        ("//pictures/masters/a.tif", {}, True),
        ("/photos/keep/a.jpg", {}, True),
        (unicodedata.normalize("NFD", "Caf\u00e9/a.jpg"), {}, True),
        (unicodedata.normalize("NFD", "caf\u00c9/a.jpg"), {}, True),
        ("other/archive/a.jpg", {}, False),
        (None, {}, False),
        (None, {"source": "scanner"}, True),
        ("a.jpg", {"source": "phone"}, False),
        ("a.jpg", {"source": ["scanner"]}, False),
    ],
)
def test_what_lies_below_a_folder_or_comes_from_a_source_is_protected(name, metadata, held):
    """Whole names of folders count, not beginnings of names; whatever metadata holds is borne."""
    assert HELD.hold(name, metadata) is held


def test_a_policy_that_protects_nothing_holds_nothing():
    """Metadata without a source is of no source."""
    assert not Protected().hold("a.jpg", {})
