"""T30, sampled: asked to end with uploads under way. `benchmarks/faults/restarts.py` does it in full."""

from benchmarks.faults.restarts import restarted

RESTARTS, CLIENTS = 2, 20


def test_a_restart_loses_nothing_and_is_announced(tmp_path):
    """Not ready at once, alive to the end, every upload answered, exit code 0; and after a retry all is there."""
    run = restarted(tmp_path, RESTARTS, CLIENTS)
    assert run.wrong == []
    assert len(run.images) == RESTARTS * CLIENTS
    assert run.answers["201"] > 0
