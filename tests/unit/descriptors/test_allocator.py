"""Where large models are asked, memory that is let go goes back to the system."""

import os
import subprocess
import sys

from service.descriptors import allocator

HELD = """
import sys, threading
import numpy as np
from pathlib import Path
from service.descriptors.allocator import keep_little

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

def work():
    # The first that is let go teaches glibc to keep such arrays; the second is kept, for a small one lies behind it.
    for size in (20, 12):
        array = np.ones(size * 2**20, np.uint8)
        small = np.ones(100_000, np.uint8)
        del array
    kept.append(small)
    met.wait()

kept, met = [], threading.Barrier(12)
if sys.argv[1] == "little":
    assert keep_little() and keep_little()
before = resident()
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(resident() - before)
"""


def test_what_threads_let_go_is_not_kept_in_their_heaps():
    """Twelve of them had twelve megabytes each."""
    held = {}
    for how in ("little", "as it is"):
        command = [sys.executable, "-c", HELD, how]
        ran = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, check=True)
        held[how] = int(ran.stdout)
    assert held["little"] < 30 * 2**20
    assert held["as it is"] > 2 * held["little"]


def test_another_allocator_is_left_as_it_is(monkeypatch):
    """On a system that has none of these options."""
    monkeypatch.setattr(allocator.sys, "platform", "darwin")
    assert allocator.keep_little() is False
