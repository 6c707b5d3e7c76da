"""What a decoding child may not do. Runs in the child, and tightens it from the inside before it sees a file.

A decoder that is taken over finds: no environment, no descriptor but its socket and the picture, no core dump, a
handful of descriptors to open, a ceiling on memory and processor time for each step, no way to gain privileges, and
its own end when the parent dies. It is not a jail: the file system and the network stay reachable (docs say so).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_SIGKILL = 9
_DESCRIPTORS = 32
_PAGE = resource.getpagesize()
_STATM = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC) if sys.platform == "linux" else None


def confine(parent: int) -> None:
    """Tighten this process for good. `parent` is the pid it must not outlive."""
    # Who ends the service may signal its whole group. What is being decoded is finished; the parent ends its children.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, _DESCRIPTORS))
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)


def allow(extra_bytes: int, seconds: float) -> None:
    """From now on: `extra_bytes` more address space than is in use, `seconds` (and at most 2) more of processor time."""
    mapped, _ = memory()
    if mapped:
        _set_soft(resource.RLIMIT_AS, mapped + extra_bytes)
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _set_soft(resource.RLIMIT_CPU, int(usage.ru_utime + usage.ru_stime + seconds) + 2)


def allow_anything() -> None:
    """Lift the ceiling on memory, so that even the answer "out of memory" can be put together."""
    _set_soft(resource.RLIMIT_AS, resource.RLIM_INFINITY)


def memory() -> tuple[int, int]:
    """Bytes of this process's address space and of its resident memory; zeros where there is no /proc."""
    if _STATM is None:
        return 0, 0
    fields = os.pread(_STATM, 100, 0).split()
    return int(fields[0]) * _PAGE, int(fields[1]) * _PAGE


def _set_soft(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY and (value == resource.RLIM_INFINITY or value > hard):
        value = hard
    resource.setrlimit(kind, (value, hard))
