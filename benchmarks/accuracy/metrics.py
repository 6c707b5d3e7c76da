"""How good answers are: pure functions over what was said and what is true.

Scores are higher for what is closer. Predictions of equal score are admitted together, so that a whole number of bits
gains nothing by the order in which ties happen to stand.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


Z95 = 1.959964
"""The normal distribution holds 95 % within this many standard deviations."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A query is said to be a copy of a reference."""

    query: str
    reference: str
    score: float


@dataclass(frozen=True, slots=True)
class Share:
    """`found` of `n`, with the bounds that hold it in 95 of 100 such measurements (Wilson 1927)."""

    found: int
    n: int

    @property
    def value(self) -> float:
        return self.found / self.n if self.n else math.nan

    @property
    def bounds(self) -> tuple[float, float]:
        if not self.n:
            return 0.0, 1.0
        middle = self.found + Z95**2 / 2
        spread = Z95 * math.sqrt(self.found * (self.n - self.found) / self.n + Z95**2 / 4)
        return max(0.0, (middle - spread) / (self.n + Z95**2)), min(1.0, (middle + spread) / (self.n + Z95**2))

    @property
    def at_most(self) -> float:
        """The one-sided 95 % upper bound (Clopper and Pearson 1934): for 0 of n about 3/n."""
        low, high = self.value if self.n else 1.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if _at_most(self.found, self.n, middle) > 0.05 else (low, middle)
        return high


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision and recall at every score, from the highest down. `right` and `said` are running counts, (s,)."""

    thresholds: NDArray[np.float64]
    right: NDArray[np.float64]
    said: NDArray[np.float64]
    true: float

    @property
    def precision(self) -> NDArray[np.float64]:
        return self.right / np.maximum(self.said, 1e-12)

    def average_precision(self) -> float:
        """Micro average precision: precision at each score, weighted by the recall gained there."""
        gained = np.diff(self.right, prepend=0.0)
        return float((self.precision * gained).sum() / self.true) if self.true else math.nan

    def recall_at(self, precision: float) -> tuple[float, float | None]:
        """The best recall at that precision or better, and the score it takes; none reaches it: 0 and nothing."""
        good = np.flatnonzero(self.precision >= precision)
        if not len(good):
            return 0.0, None
        return float(self.right[good[-1]] / self.true), float(self.thresholds[good[-1]])


@dataclass(frozen=True, slots=True)
class Pooled:
    """All predictions of all queries, ranked together. `truth` is each query's reference, or nothing."""

    truth: Mapping[str, str | None]
    scores: NDArray[np.float64]
    right: NDArray[np.float64]
    query: NDArray[np.intp]

    @classmethod
    def of(cls, predictions: Sequence[Prediction], truth: Mapping[str, str | None]) -> Pooled:
        """Those for queries that `truth` does not name are left out."""
        number = {query: at for at, query in enumerate(truth)}
        kept = sorted((one for one in predictions if one.query in number), key=lambda one: -one.score)
        return cls(
            truth,
            np.array([one.score for one in kept], np.float64),
            np.array([truth[one.query] == one.reference for one in kept], np.float64),
            np.array([number[one.query] for one in kept], np.intp),
        )

    def curve(self, times: NDArray[np.float64] | None = None) -> Curve:
        """With each query counted that many times; once, unless said otherwise."""
        counted = np.ones(len(self.truth)) if times is None else times
        matches = np.array([reference is not None for reference in self.truth.values()])
        weights = counted[self.query]
        ends = np.flatnonzero(np.diff(self.scores, append=-np.inf)) if len(self.scores) else np.zeros(0, np.intp)
        right, said = np.cumsum(weights * self.right)[ends], np.cumsum(weights)[ends]
        return Curve(self.scores[ends], right, said, float((counted * matches).sum()))

    def average_precision_bounds(self, seed: int, rounds: int = 500) -> tuple[float, float]:
        """95 % of the average precisions of sets that are drawn from these queries with replacement."""
        rng = np.random.default_rng(seed)
        n = len(self.truth)
        drawn = (np.bincount(rng.integers(n, size=n), minlength=n).astype(np.float64) for _ in range(rounds))
        values = [self.curve(times).average_precision() for times in drawn]
        low, high = np.nanpercentile(values, [2.5, 97.5])
        return float(low), float(high)


def recall_at_k(ranks: Sequence[int | None], k: int) -> Share:
    """How often the true reference is among the first k; ranks count from 0, nothing means not listed."""
    return Share(sum(rank is not None and rank < k for rank in ranks), len(ranks))


def _at_most(found: int, n: int, p: float) -> float:
    """How probable it is to find that many of n or fewer, each found with probability p."""
    if p >= 1:
        return float(found >= n)
    logs = [
        math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) + k * math.log(p) + (n - k) * math.log1p(-p)
        for k in range(found + 1)
    ]
    return sum(math.exp(one) for one in logs)
