"""How much a further space knows, counted no oftener than it is worth.

A count goes through all contents. It changes with the log alone, so it holds for as long as the log stands where it
stood; and where counting took long, an older count is told for ten times as long as that.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from index_store.description_records import Coverage

QUICK_SECONDS = 0.1
"""A count that takes no longer is made anew whenever something changed."""
_TIMES = 10


@dataclass(frozen=True, slots=True)
class _Counted:
    coverage: Coverage
    head: int
    until: float


class Covered:
    """The last count of each space. Several threads may ask at once; one of them counts."""

    def __init__(self) -> None:
        self._counted: dict[int, _Counted] = {}
        self._counting = threading.Lock()

    def of(self, space_id: int, head: int, count: Callable[[int], Coverage]) -> Coverage:
        """Of a log that ends at `head`. Raises what `count` raises."""
        with self._counting:
            known = self._counted.get(space_id)
            if known is not None and (known.head == head or time.monotonic() < known.until):
                return known.coverage
            began = time.monotonic()
            coverage = count(space_id)
            ended = time.monotonic()
            took = ended - began
            self._counted[space_id] = _Counted(coverage, head, ended + _TIMES * took if took > QUICK_SECONDS else 0.0)
            return coverage
