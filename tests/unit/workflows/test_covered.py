"""How much a space knows is counted no oftener than it is worth."""

import pytest

from index_store.description_records import Coverage
from service.workflows import covered as module
from service.workflows.covered import Covered


@pytest.fixture
def clock(monkeypatch):
    """Moves only when told to."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def counting(clock):
    """Counts how often it is asked, and takes so many seconds each time."""

    class Counting:
        asked, seconds = 0, 0.0

        def __call__(self, space_id):
            self.asked += 1
            clock[0] += self.seconds
            return Coverage(self.asked, space_id)

    return Counting()


def test_while_the_log_stands_it_is_counted_once(counting):
    """For each space."""
    covered = Covered()
    assert [covered.of(space, 7, counting) for space in (1, 1, 2, 2, 1)] == [
        Coverage(1, 1),
        Coverage(1, 1),
        Coverage(2, 2),
        Coverage(2, 2),
        Coverage(1, 1),
    ]
    assert covered.of(1, 8, counting) == Coverage(3, 1)


def test_what_takes_long_is_counted_seldom(counting, clock):
    """A tenth of the time at the most, however quickly the log grows."""
    covered = Covered()
    counting.seconds = 2.0
    for head in range(100):
        covered.of(1, head, counting)
        clock[0] += 1.0
    assert counting.asked == 5
