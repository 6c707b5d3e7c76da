"""Batches of pairs of views, made in processes beside the one that trains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.sharedctypes import Synchronized

    from torch import Tensor

    from training.descriptor.views import Views

PAIRS = 128
RUNS, RUN = 8, 8
"""In every step so many times so many pictures that stand together in the archives: mostly of one kind, so look-alikes."""
HARD_FIRST = 0.3
"""Of the first views; all second ones are hard."""


class Batches(IterableDataset):
    """(2 * PAIRS, side, side, 3) uint8: first views, then second ones in the same order. It has no end.

    `side` and `strength` are shared with the process that trains, which changes them as it goes.
    """

    def __init__(self, views: Views, side: Synchronized[int], strength: Synchronized[float], seed: int) -> None:
        self._views = views
        self._side = side
        self._strength = strength
        self._seed = seed

    def __iter__(self) -> Iterator[Tensor]:
        worker = get_worker_info()
        rng = np.random.default_rng([self._seed, worker.id if worker else 0])
        cv2.setNumThreads(1)
        while True:
            side, strength = self._side.value, self._strength.value
            chosen = self._chosen(rng)
            firsts = [
                self._views.hard(number, side, rng, strength)
                if rng.random() < HARD_FIRST
                else self._views.light(number, side, rng)
                for number in chosen
            ]
            seconds = [self._views.hard(number, side, rng, strength) for number in chosen]
            yield torch.from_numpy(np.stack(firsts + seconds))

    def _chosen(self, rng: np.random.Generator) -> list[int]:
        """Distinct pictures: some from anywhere, some that stand together."""
        count = len(self._views)
        chosen: dict[int, None] = {}
        for start in rng.integers(count - RUN, size=RUNS):
            chosen |= dict.fromkeys(range(int(start), int(start) + RUN))
        while len(chosen) < PAIRS:
            chosen[int(rng.integers(count))] = None
        return list(chosen)


def tensor(pixels: Tensor) -> Tensor:
    """(n, side, side, 3) uint8 to (n, 3, side, side) levels 0..1."""
    return pixels.permute(0, 3, 1, 2).float().div_(255)
