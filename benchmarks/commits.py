"""How many pictures a second can be committed: one in each transaction, and a hundred; SQLite and PostgreSQL.

Rows only, without decoding, by one writer on this machine's disk. Writes `benchmarks/results/commits.json`:
`python -m benchmarks.commits`.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from pathlib import Path

from index_store.catalogue import open_catalogue
from index_store.group_records import GroupItem
from index_store.records import Committed
from index_store.testing import a_hand_in, a_hash
from index_store.testing.postgres import postgres_server

RESULTS = Path(__file__).parent / "results" / "commits.json"
SINGLE, GROUPED, GROUP = 300, 3000, 100
DIMENSION = 256


def main() -> None:
    found: dict[str, object] = {"machine": {"cpus": os.cpu_count(), "processor": platform.machine()}}
    with tempfile.TemporaryDirectory() as folder:
        found["sqlite"] = measure(f"sqlite:///{folder}/catalogue.sqlite")
    with postgres_server() as server, server.catalogue() as url:
        found["postgresql"] = measure(url)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


def measure(url: str) -> dict[str, object]:
    """Committed pictures a second."""
    catalogue = open_catalogue(url)
    space = catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
    single = [a_hand_in(f"single {number}", space) for number in range(SINGLE)]
    grouped = [a_hand_in(f"grouped {number}", space) for number in range(GROUPED)]
    started = time.perf_counter()
    for number, entry in enumerate(single):
        catalogue.append(entry, searched_to=number)
    after_single = time.perf_counter()
    for start in range(0, GROUPED, GROUP):
        names = [a_hash(f"grouped {start + place}") for place in range(GROUP)]
        group = [
            GroupItem(grouped[start + place], SINGLE + start, frozenset(names[:place]), frozenset())
            for place in range(GROUP)
        ]
        assert all(isinstance(answer, Committed) for answer in catalogue.append_many(group))
    after_groups = time.perf_counter()
    software = catalogue.software
    catalogue.close()
    return {
        "software": software,
        "single_a_second": round(SINGLE / (after_single - started)),
        f"in_groups_of_{GROUP}_a_second": round(GROUPED / (after_groups - after_single)),
    }


if __name__ == "__main__":
    main()
