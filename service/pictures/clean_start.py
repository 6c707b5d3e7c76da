"""How a process that will see a stranger's file is started: its imports found, its environment bare, memory to share."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import service
from service.domain.errors import OverloadedError
from service.pictures import wire

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENVIRONMENT: Final = {
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "4194304",  # fixed, so that the planes of large pictures go back to the system at once
    "MALLOC_TRIM_THRESHOLD_": "16777216",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_INHERITED: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Some Pythons do not start without them. Everything else, keys and passwords among it, stays here."""


def environment() -> dict[str, str]:
    return _ENVIRONMENT | {name: os.environ[name] for name in _INHERITED if name in os.environ}


def search_path() -> list[str]:
    """Where the child finds what this process runs on, however it was installed and wherever it is started.

    Not the current folder: that may be where the strangers' files lie.
    """
    root = str(Path(service.__file__ or ".").resolve().parents[1])
    return list(dict.fromkeys([root, *(entry for entry in sys.path if Path(entry).is_absolute())]))


@contextlib.contextmanager
def memory_of(name: str, content: bytes | int) -> Iterator[int]:
    """Shared memory with that content or of that size, for the block. OverloadedError if this process gets none."""
    with contextlib.ExitStack() as stack:
        with our_own_shortage():
            memory = wire.shared_memory(name, content if isinstance(content, int) else 0)
            stack.callback(os.close, memory)
            if isinstance(content, bytes):
                rest, offset = memoryview(content), 0
                while rest:
                    done = os.pwrite(memory, rest, offset)
                    rest, offset = rest[done:], offset + done
        yield memory


@contextlib.contextmanager
def our_own_shortage() -> Iterator[None]:
    """What fails in here is no fault of the child: this process is out of descriptors, or the machine of memory."""
    try:
        yield
    except OSError as error:
        raise OverloadedError("The service is out of descriptors or memory; try again shortly.") from error
