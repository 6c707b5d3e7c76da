"""Python runs this at the start of each process whose PYTHONPATH names this folder: the way into a real service."""

import os
import sys

_OURS = {"service.cli", "service.jobs", "index_store.vectors.build_child"}

if os.environ.get("KEEPONE_SABOTAGE") and _OURS & set(sys.orig_argv):
    from benchmarks.faults import sabotage

    sabotage.carry_out(os.environ["KEEPONE_SABOTAGE"].split(","))
