"""The benchmark of a policy's simulation holds it against the plain way."""

from benchmarks.policies import measure


def test_a_small_collection_is_told_exactly():
    """Every action on either side, and none that does not differ."""
    told = measure(120)
    assert told["exact"]
    assert told["contents"] == 120
    assert told["changed"] > 10
