"""A reader beside writers that are slow to commit: the twentieth of `benchmarks/faults/log_reader.py`."""

import pytest

log_reader = pytest.importorskip("benchmarks.faults.log_reader", exc_type=ImportError)

WRITERS = 8
CHANGES = 104


@pytest.fixture
def pool():
    with log_reader.threads(WRITERS) as pool:
        yield pool


def test_our_log_is_read_whole_once_and_in_order(postgres_url, pool):
    """However long a writer sits on its number, nobody steps past it."""
    story = log_reader.our_log(postgres_url, writers=WRITERS, changes=CHANGES, most_ms=4, pool=pool)
    assert (story.written, story.missed, story.twice, story.out_of_order) == (CHANGES, 0, 0, 0)


def test_the_control_loses_changes(postgres, pool):
    """A bare bigserial under the same writers: without this the test above would prove nothing."""
    story = log_reader.bare_bigserial(postgres.new_database(), writers=WRITERS, changes=CHANGES, most_ms=10, pool=pool)
    assert story.missed > 0
