"""What a process and those that it started hold and have computed, as Linux tells it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def descendants(root: int) -> list[int]:
    """Of a process, those that live now, whichever of their parents' threads started them."""
    found = _children(root)
    for parent in found:
        found += _children(parent)
    return found


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for told in Path(f"/proc/{pid}/task").glob("*/children") for one in told.read_text().split()]
    except OSError:  # it has ended meanwhile
        return []


def processor_seconds(pids: Iterable[int]) -> float:
    """That they have computed, and the children that they have seen end."""
    ticks = 0
    for pid in pids:
        try:
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]))
        except OSError:
            continue
    return ticks / os.sysconf("SC_CLK_TCK")


def own_bytes(pids: Iterable[int]) -> int:
    """That they hold by themselves; what is shared is counted once among those that share it (PSS)."""
    kilobytes = 0
    for pid in pids:
        try:
            rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        kilobytes += sum(int(row.split()[1]) for row in rows if row.startswith("Pss:"))
    return 1024 * kilobytes
