"""One budget for the machine: shared between processes, fair within one, and never leaked."""

import os
import subprocess
import sys
import threading
import time

import pytest

from service.domain.errors import OverloadedError, SettingsError
from service.pictures.budget import UNIT, MachineBudget

HOLD = """
import sys
from pathlib import Path
from service.pictures.budget import MachineBudget
budget = MachineBudget(int(sys.argv[2]), Path(sys.argv[1]))
reservation = budget.reserve(int(sys.argv[3]))
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "budget"


@pytest.fixture
def other_process(path):
    """Another process that holds three of four units."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), str(4 * UNIT), str(3 * UNIT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


@pytest.mark.usefixtures("other_process")
def test_what_another_process_holds_is_not_there(path):
    """One unit is left for us; the second must wait."""
    budget = MachineBudget(4 * UNIT, path)
    with budget.reserve(UNIT, wait_s=0), pytest.raises(OverloadedError):
        budget.reserve(1, wait_s=0.05)


def test_what_a_killed_process_held_is_free_again(path, other_process):
    """The kernel drops its locks; nobody has to notice or to clean up."""
    budget = MachineBudget(4 * UNIT, path)
    other_process.kill()
    other_process.wait()
    with budget.reserve(4 * UNIT, wait_s=1):
        assert budget.in_use() == 4 * UNIT


def test_a_wait_ends_when_another_process_dies(path, other_process):
    """A large request gathers what comes free, and is not starved by its size."""
    budget = MachineBudget(4 * UNIT, path)
    threading.Timer(0.05, other_process.kill).start()
    with budget.reserve(4 * UNIT, wait_s=10):
        pass


def test_a_request_beyond_the_budget_runs_alone(path):
    """Slow is better than never."""
    budget = MachineBudget(2 * UNIT, path)
    with budget.reserve(50 * UNIT, wait_s=1), pytest.raises(OverloadedError):
        budget.reserve(1, wait_s=0)


def test_two_budgets_on_one_file_in_one_process_share_it(path):
    """POSIX locks would let one process take the same unit twice."""
    one, other = MachineBudget(2 * UNIT, path), MachineBudget(2 * UNIT, path)
    with one.reserve(UNIT), other.reserve(UNIT), pytest.raises(OverloadedError):
        one.reserve(1, wait_s=0)


def test_a_failed_request_keeps_nothing(path):
    """All or nothing: what was gathered so far is given back."""
    budget = MachineBudget(4 * UNIT, path)
    with budget.reserve(UNIT):
        with pytest.raises(OverloadedError):
            budget.reserve(4 * UNIT, wait_s=0.01)
        assert budget.in_use() == UNIT
        budget.reserve(3 * UNIT, wait_s=0).close()


def test_shrinking_gives_back_the_rest(path):
    """After decoding, only the pixels themselves are held."""
    budget = MachineBudget(4 * UNIT, path)
    with budget.reserve(4 * UNIT) as reservation:
        reservation.shrink(UNIT + 1)
        assert budget.in_use() == 2 * UNIT
    assert budget.in_use() == 0


@pytest.mark.parametrize("_round", range(15))
def test_who_asked_first_is_served_first(path, _round):
    """A small request does not slip past a large one that waits."""
    budget = MachineBudget(4 * UNIT, path)
    served = []

    def ask(name, units):
        with budget.reserve(units * UNIT, wait_s=10):
            served.append(name)

    first = budget.reserve(4 * UNIT)
    threads = []
    for name, units in [("large", 4), ("small", 1)]:
        threads.append(threading.Thread(target=ask, args=(name, units)))
        threads[-1].start()
        deadline = time.monotonic() + 5
        while len(budget._ledger._queue) < len(threads) and time.monotonic() < deadline:
            pass
    first.close()
    for thread in threads:
        thread.join()
    assert served == ["large", "small"]


def test_a_link_in_place_of_the_file_is_refused(tmp_path):
    """The temporary folder is everybody's: somebody else may have been there first."""
    (tmp_path / "target").touch()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(SettingsError):
        MachineBudget(UNIT, tmp_path / "link")


def test_a_file_that_others_may_write_is_refused(path):
    """Who can lock it can starve us."""
    path.touch()
    path.chmod(0o666)
    with pytest.raises(SettingsError):
        MachineBudget(UNIT, path)


def test_the_file_is_for_its_owner_only_and_stays_empty(path):
    """It holds locks, not data."""
    with MachineBudget(UNIT, path).reserve(1):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.stat().st_size == 0
        assert path.stat().st_uid == os.getuid()
