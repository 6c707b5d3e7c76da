"""How this process takes memory from the system where large models are asked beside many requests; of glibc alone.

By itself glibc gives threads heaps of their own, up to eight for each core, and keeps in them what was let go. A face
model takes and lets go hundreds of megabytes for one picture: whatever heap a thread happened to have keeps its share,
and fifty requests at once make all of them grow. With few heaps, and large arrays that come from the system and go back
to it, memory follows what is in use.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
"""As in glibc's malloc.h."""
_MIB = 2**20
_SET = {
    _ARENA_MAX: 2,
    _MMAP_THRESHOLD: 1 * _MIB,  # fixed: else the first large array that is let go raises it for good
    _TRIM_THRESHOLD: 16 * _MIB,
}


def keep_little() -> bool:
    """Set it for this process, as often as asked; False where the allocator is another one."""
    set_option = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    return set_option is not None and all(set_option(option, value) == 1 for option, value in _SET.items())
