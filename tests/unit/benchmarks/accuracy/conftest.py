"""A small set, made in code: two references, one distractor, and what is asked of them."""

from pathlib import Path

import pytest

from benchmarks.accuracy.collection import Collection, Query


def query(file, source, kind, *names):
    return Query(file, source, kind, [{"name": name} for name in names], [], [], None)


@pytest.fixture
def small_set():
    """Blurred and cropped copies, a chain, and a stranger."""
    queries = [
        query("0.jpg", "a", "single", "blur"),
        query("1.jpg", "b", "single", "crop"),
        query("2.jpg", "a", "chain", "crop", "blur"),
        query("3.jpg", "other", "none", "blur"),
    ]
    return Collection(Path("nowhere"), "fit", "photos", 1, ["a", "b"], ["c"], queries)
