"""Python runs this at the start of each process whose PYTHONPATH names this folder: the way into a real service."""

import os
import sys

_OURS = {"service.cli", "service.jobs", "index_store.vectors.build_child"}

_is_ours = _OURS & set(sys.orig_argv) or any("multiprocessing.spawn" in word for word in sys.orig_argv)

if os.environ.get("KEEPONE_SABOTAGE") and _is_ours:
    from benchmarks.faults import sabotage

    sabotage.carry_out(os.environ["KEEPONE_SABOTAGE"].split(","))
