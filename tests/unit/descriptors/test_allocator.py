"""Where large models are asked, memory that is let go goes back to the system."""

import os
import subprocess
import sys

from service.descriptors import allocator

HELD = """
import ctypes, sys, threading
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
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
with open(sys.argv[2], "w+") as file:
    stream = ctypes.c_void_p(libc.fdopen(file.fileno(), b"w"))
    libc.malloc_info(0, stream)
    libc.fflush(stream)
    heaps = Path(sys.argv[2]).read_text().count("<heap nr=")
print(resident() - before, heaps)
"""


def test_what_threads_let_go_is_not_kept_in_heaps_of_their_own(tmp_path):
    """Twelve of them had twelve megabytes each."""
    held, heaps = {}, {}
    for how in ("little", "as it is"):
        command = [sys.executable, "-c", HELD, how, str(tmp_path / "told")]
        ran = subprocess.run(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, check=True)
        held[how], heaps[how] = map(int, ran.stdout.split())
    assert held["little"] < 30 * 2**20
    assert held["as it is"] > 2 * held["little"]
    assert heaps["little"] <= 2 < heaps["as it is"]


def test_another_allocator_is_left_as_it_is(monkeypatch):
    """On a system that has none of these options."""
    monkeypatch.setattr(allocator.sys, "platform", "darwin")
    assert allocator.keep_little() is False
