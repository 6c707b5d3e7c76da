"""Where the time of one request went."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

STEPS = ("decode", "embed", "search", "verify", "assess")


class Stopwatch:
    """Sums the time of each step; a step may be entered more than once."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self._spent = dict.fromkeys(STEPS, 0.0)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            self._spent[name] += time.perf_counter() - began

    def milliseconds(self) -> dict[str, float]:
        """Every step and the total since the watch was made, in milliseconds."""
        laps = {name: round(seconds * 1000, 2) for name, seconds in self._spent.items()}
        return laps | {"total": round((time.perf_counter() - self._began) * 1000, 2)}
